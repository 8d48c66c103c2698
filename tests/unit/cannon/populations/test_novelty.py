"""Coverage against all populations: flags that all set, the p-value of the best, and the probability of none."""

from dataclasses import replace

import numpy as np
import pytest
from toy import toy_spectra
from toy_survey import NAMES, toy_survey

import bayescannon as bc
from bayescannon.cannon.novelty import CoverageError
from bayescannon.cannon.populations.labelling import mixed_estimates, route_stars
from bayescannon.cannon.populations.novelty import (
    assess_survey,
    assess_survey_coverage,
    probability_of_none,
    survey_coverage_of_catalogue,
    with_none,
)
from bayescannon.data.flags import ResultFlag
from bayescannon.io.catalogue import build_catalogue


def test_the_probability_of_none():
    p = probability_of_none(np.array([1.0, 0.5, 1e-2, 1e-4, 0.0, np.nan]))
    np.testing.assert_allclose(p[:2], 0.01)
    # 1 / (1 + 99 x 0.125): the odds of Sellke, Bayarri & Berger for p = 0.01
    assert p[2] == pytest.approx(1 / (1 + 99 * -np.e * 0.01 * np.log(0.01)))
    assert (np.diff(p[:5]) >= 0).all()
    assert p[4] == 1
    assert np.isnan(p[5])


@pytest.fixture(scope="module")
def assessed():
    """Stars like the reference stars, and two that no model describes."""
    toy = toy_survey()
    labels = np.concatenate([toy.labels, [[4800.0, 2.0], [4800.0, 3.0]]])
    spectra = toy_spectra(labels, NAMES, seed=3, sigma=0.03, n_pixel=len(toy.model.wavelength))
    flux = spectra.flux.copy()
    flux[-2:, ::4] += 1.5
    spectra = replace(spectra, flux=flux)
    routed = route_stars(toy.model, spectra)
    estimates = mixed_estimates(routed)
    return spectra, estimates, assess_survey(routed, estimates)


def test_odd_stars_are_of_none_and_others_keep_their_membership(assessed):
    _, estimates, assessment = assessed
    odd = (assessment["flags"].to_numpy() & ResultFlag.NOVEL_SPECTRUM) != 0
    assert odd[-2:].all()
    assert odd[:-2].mean() < 0.1
    assert (assessment["p_none"][-2:] > 0.3).all()
    assert (assessment["p_none"][:-2] < 0.3).all()
    whole = with_none(estimates, assessment)
    np.testing.assert_allclose(whole["membership"].sum("population_name") + whole["p_none"], 1)
    assert "held-out reference stars" in whole.attrs["coverage"]


def test_the_verb_labels_again_what_it_assesses(assessed):
    spectra, estimates, assessment = assessed
    again = bc.assess_coverage(toy_survey().model, spectra, estimates)
    for name in ("p_joint", "p_none", "flags"):
        np.testing.assert_array_equal(again[name], assessment[name])
    with pytest.raises(CoverageError, match="the same stars in the same order"):
        assess_survey_coverage(toy_survey().model, spectra.select(np.arange(3)), estimates)


def test_labels_alone_have_no_novelty_and_flags_stay(assessed):
    _, estimates, assessment = assessed
    whole = with_none(estimates, assessment)
    found = assess_survey_coverage(toy_survey().model, None, whole)
    assert np.isnan(found["p_novelty"]).all()
    assert "p_none" not in found
    # of a star between populations the labels are those of the mixture here, and of each model there
    one = (whole["membership"] > 1e-2).sum("population_name") == 1
    assert one.sum() > 10
    np.testing.assert_allclose(found["p_coverage"][one], assessment["p_coverage"][one], rtol=1e-6)
    assert ((found["flags"].to_numpy() & assessment["flags"].to_numpy()) == assessment["flags"].to_numpy()).all()
    # without membership the labels say which populations count
    bare = assess_survey_coverage(toy_survey().model, None, estimates[["labels"]])
    assert np.isfinite(bare["p_coverage"]).all()


def test_a_catalogue_is_assessed_by_the_model_that_made_it(assessed):
    _, estimates, assessment = assessed
    model = toy_survey().model
    table = build_catalogue(with_none(estimates, assessment))
    again = survey_coverage_of_catalogue(model, table)
    np.testing.assert_array_equal(again["p_none"], table["p_none"])
    assert (again["flags"] == table["flags"]).all()
    assert again["p_novelty"].mask.all() if hasattr(again["p_novelty"], "mask") else np.isnan(again["p_novelty"]).all()
    with pytest.raises(CoverageError, match="the catalogue was made with model"):
        survey_coverage_of_catalogue(replace(model, evidence_power=0.5), table)


def test_without_coverage_nothing_is_assessed(assessed):
    spectra, estimates, _ = assessed
    bare = toy_survey().model.with_models(lambda one: replace(one, coverage=None))
    assert not bare.is_covered
    for given in (spectra, None):
        with pytest.raises(CoverageError, match="holds no coverage reference"):
            bc.assess_coverage(bare, given, estimates)
