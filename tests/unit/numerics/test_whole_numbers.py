"""Whole numbers as arguments, and the public calls that refuse others in words."""

import numpy as np
import pytest
from toy import toy_labels, toy_reference, toy_spectra

import bayescannon as bc
from bayescannon.numerics.whole_numbers import whole_number


@pytest.mark.parametrize("value", [0, 7, np.int64(3), np.uint8(2)])
def test_whole_numbers_become_int(value):
    found = whole_number(value, "n")
    assert type(found) is int
    assert found == value


@pytest.mark.parametrize("value", [2.0, 2.5, "2", None, True, np.float32(2), np.nan, [2]])
def test_other_kinds_are_refused_by_name(value):
    with pytest.raises(bc.BayesCannonError, match="folds must be a whole number from 2 up; got") as error:
        whole_number(value, "folds", least=2)
    assert isinstance(error.value, TypeError)


def test_numbers_too_small_are_refused():
    with pytest.raises(bc.BayesCannonError, match="seed must be at least 0; got -1"):
        whole_number(-1, "seed")


@pytest.fixture(scope="module")
def toy():
    reference = toy_reference(80)
    return bc.train(reference), reference, toy_spectra(toy_labels(5, seed=3), seed=3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, r, s: bc.label_spectra(m, s, seed=-1), "seed must be at least 0"),
        (lambda m, r, s: bc.label_spectra(m, s, n_starts=2.5), "n_starts must be a whole number"),
        (lambda m, r, s: bc.label_spectra(m, s, n_starts=0), "n_starts must be at least 1"),
        (lambda m, r, s: bc.label_spectra(m, s, workers=0), "workers must be at least 1"),
        (lambda m, r, s: bc.label_spectra(m, s, workers="all"), "workers must be a whole number"),
        (lambda m, r, s: bc.qualify(m, r, folds=2.5), "folds must be a whole number"),
        (lambda m, r, s: bc.validate(m, r, folds="8"), "folds must be a whole number"),
        (lambda m, r, s: bc.train_clipped(r, max_rounds=1.5), "max_rounds must be a whole number"),
        (lambda m, r, s: bc.sample_posterior(m, s, n_draws=150.5), "n_draws must be a whole number"),
        (lambda m, r, s: bc.simulate_survey("a", 2, seed=1), "n_reference must be a whole number"),
        (lambda m, r, s: bc.simulate_survey(2, 2, seed=-1), "seed must be at least 0"),
    ],
)
def test_public_calls_refuse_them(toy, call, words):
    with pytest.raises(bc.BayesCannonError, match=words):
        call(*toy)
