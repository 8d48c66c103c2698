"""The field sample: its shares, its columns, and the survey that is made of it."""

import numpy as np
import pytest

from bayescannon import build_reference, prepare_spectra, simulate_survey
from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.mock.emulator import POPULATIONS
from bayescannon.mock.field import REFERENCE_SHARES, TEST_SHARES, draw_field


@pytest.fixture(scope="module")
def survey():
    return simulate_survey(60, 100, seed=7, release="dr10", populations="field")


@pytest.mark.parametrize("shares", [REFERENCE_SHARES, TEST_SHARES])
def test_shares_are_of_all_populations(shares):
    assert set(shares) == set(POPULATIONS)
    assert sum(shares.values()) == pytest.approx(1)


def test_test_stars_are_four_dwarfs_to_a_giant():
    assert TEST_SHARES["dwarf"] / TEST_SHARES["giant"] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(("n_reference", "n_test"), [(100, 200), (0, 50), (3, 0), (1, 1)])
def test_numbers_are_the_shares_to_within_one_star(n_reference, n_test):
    stars = draw_field(n_reference, n_test, np.random.default_rng(3))
    assert {len(values) for values in stars.values()} == {n_reference + n_test}
    parts = ((slice(None, n_reference), n_reference, REFERENCE_SHARES), (slice(n_reference, None), n_test, TEST_SHARES))
    for part, n_star, shares in parts:
        for name, share in shares.items():
            assert abs((stars["population"][part] == name).sum() - share * n_star) <= 1


def test_populations_are_where_they_belong():
    stars = draw_field(0, 2000, np.random.default_rng(5))
    giant, dwarf, hot = (stars["population"] == name for name in POPULATIONS)
    assert stars["logg"][giant].max() < 3.8 <= stars["logg"][dwarf].min()
    assert stars["teff"][dwarf].max() < 7000 <= stars["teff"][hot].min()
    # in random order
    assert 0.1 < giant[:1000].mean() < 0.3


def test_the_truth_says_the_population(survey):
    assert set(survey.truth["population"]) == set(POPULATIONS)
    assert "v_sin_i" in survey.truth.colnames
    assert "odd" not in survey.truth.colnames


def test_labels_are_worse_for_hot_stars(survey):
    population = np.asarray(survey.truth["population"])[:60]
    error = np.asarray(survey.apogee["TEFF_ERR"])
    known = error > 0
    hot, giant = (np.median(error[known & (population == name)]) for name in ("hot", "giant"))
    assert hot > 2 * giant
    assert (np.asarray(survey.apogee["PARAM_C_M"])[population == "hot"] == -9999).all()
    assert len(survey.lasp) == 160


def test_spectra_are_prepared_and_matched_as_others(survey):
    spectra = prepare_spectra(list(survey.spectra()))
    reference = build_reference(spectra, survey.apogee, format="allstar-dr12")
    assert len(reference) >= 40
    assert np.isfinite(reference.spectra.flux).all()


def test_an_unknown_sample_is_refused():
    with pytest.raises(ChoiceError, match="populations must be one of giants, field, paper; got 'dwarfs'"):
        simulate_survey(1, 1, seed=1, populations="dwarfs")


def test_only_giants_of_the_papers_sample_have_labels():
    paper, field = (simulate_survey(40, 100, seed=7, populations=name) for name in ("paper", "field"))
    population = np.asarray(paper.truth["population"])
    assert (population[:40] == "giant").all()
    assert sorted(population[40:]) == sorted(np.asarray(field.truth["population"])[40:])
