"""Novelty with hidden components: p-values are uniform, and what is unusual is found beside them and in them."""

from dataclasses import replace

import pytest
import toy
from expect import expect_between, expect_fraction
from hidden_survey import hidden_reference, hidden_spectra

from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.novelty import assess_coverage, attach_coverage, coverage_from_estimates
from bayescannon.cannon.training import train

# they take a minute in all, and are run with the long tests
pytestmark = pytest.mark.long

N_PIXEL = 320


def spectra_of(n_star, seed, **options):
    return hidden_spectra(toy.toy_labels(n_star, seed=seed), seed, n_pixel=N_PIXEL, **{"amplitude": 0.012, **options})


@pytest.fixture(scope="module")
def models():
    found = {}
    reference = hidden_reference(400, 1, n_pixel=N_PIXEL, amplitude=0.012)
    for n_hidden in (0, 2):
        model = train(reference, hidden=n_hidden)
        held = hold_out(reference, folds=8, options=model.settled_options, copies=False)
        coverage = coverage_from_estimates(model, reference.labels, held.estimates, held.residuals)
        found[n_hidden] = attach_coverage(model, coverage)
    return found


def p_novelty(model, spectra):
    return assess_coverage(model, spectra, label_spectra(model, spectra))["p_novelty"].to_numpy()


def test_p_values_are_uniform(models):
    p_value = p_novelty(models[2], spectra_of(800, 11))
    expect_between(p_value.mean(), 0.46, 0.54, what="mean p")
    for level in (0.05, 0.2):
        expect_fraction(p_value <= level, len(p_value), 0.4 * level, 1.8 * level, what=f"p <= {level}")


def test_a_feature_that_hidden_components_hid_is_found(models):
    spectra = spectra_of(100, 13)
    flux = spectra.flux.copy()
    flux[:, 100:160] -= 0.01  # one sigma of a pixel deep
    strange = replace(spectra, flux=flux)
    with_them, without = (p_novelty(models[n], strange) <= 0.01 for n in (2, 0))
    expect_fraction(with_them, 100, 0.9, what="a broad feature, hidden components taken out")
    expect_fraction(without, 100, 0.0, 0.5, what="the same without them")


def test_unusual_hidden_components_are_found(models):
    strange = p_novelty(models[2], spectra_of(100, 14, amplitude=0.072)) <= 0.01
    expect_fraction(strange, 100, 0.55, what="hidden abundances of six times the usual spread")
