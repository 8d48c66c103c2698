"""One function decides which labels are outside the coverage, and the others agree with it."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import toy
from coverage_survey import model_with_coverage, stars
from expect import expect_fraction

from bayescannon.cannon.coverage_flag import outside_coverage
from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.novelty import assess_coverage, attach_coverage, coverage_from_estimates
from bayescannon.data.flags import ResultFlag
from bayescannon.numerics.errors import BayesCannonWarning

OUTSIDE = int(ResultFlag.OUTSIDE_COVERAGE)


@pytest.fixture(scope="module")
def trained():
    return model_with_coverage()


def test_one_function_decides_what_is_outside(trained):
    model = trained[0]
    _, spectra = stars(400, 15)
    bare = label_spectra(attach_coverage(model, None), spectra)
    labels = bare["labels"].to_numpy()
    p_value, beyond = outside_coverage(attach_coverage(model, None), labels)
    assert np.isnan(p_value).all()
    low, high = model.reference_labels.min(axis=0), model.reference_labels.max(axis=0)
    beside = model.scaler.scale / 4
    np.testing.assert_array_equal(beyond, ((labels < low - beside) | (labels > high + beside)).any(axis=1))
    for estimates, false_alarms in ((label_spectra(model, spectra), 0.01), (bare, 0.2)):
        p_value, outside = outside_coverage(model, labels, false_alarms=false_alarms)
        assessment = assess_coverage(model, spectra, estimates, false_alarms=false_alarms)
        np.testing.assert_array_equal(assessment["p_coverage"], p_value)
        # what the estimates flag stays flagged
        earned = (estimates["flags"].to_numpy() & OUTSIDE) != 0
        np.testing.assert_array_equal((assessment["flags"].to_numpy() & OUTSIDE) != 0, outside | earned)
        if false_alarms == 0.01:
            np.testing.assert_array_equal(earned, outside)
    other = replace(model.coverage, model_hash="another")
    np.testing.assert_array_equal(outside_coverage(model, labels, other)[1], beyond)


def test_two_outliers_among_the_reference_stars_clear_no_flag(trained):
    """Hot stars are flagged whether two reference stars have absurd labels, absurd estimates, or both."""
    model, reference = trained
    held_out = hold_out(reference, folds=4)
    hot, spectra = stars(60, 16, shift=np.array([5 * toy.WIDTH["teff"], 0.0, 0.0]))
    assert hot[:, 0].min() > np.median(model.reference_labels[:, 0])
    estimates = label_spectra(attach_coverage(model, None), spectra)
    expect_fraction((estimates["flags"].to_numpy() & OUTSIDE) != 0, 60, 0.9, what="hot stars: flagged without coverage")
    absurd = np.array([[60, 1, -2], [-5, 80, 90]]) * model.scaler.scale
    for which in ("neither", "labels", "estimates", "both"):
        labels, inferred = reference.labels.copy(), held_out.estimates.copy(deep=True)
        if which in ("labels", "both"):
            labels[[3, 200]] += absurd
        if which in ("estimates", "both"):
            inferred["labels"][[3, 200]] += absurd[::-1]
        warned = pytest.warns(BayesCannonWarning, match="2 of 400 reference stars are ten standard deviations")
        with warned if which in ("labels", "both") else nullcontext():
            coverage = coverage_from_estimates(model, labels, inferred, held_out.residuals)
        assert len(coverage) == 400 - 2 * (which in ("labels", "both"))
        caught = outside_coverage(model, estimates["labels"].to_numpy(), coverage)[1]
        expect_fraction(caught, 60, 0.9, what=f"hot stars: outside, with outliers in {which}")
        assessment = assess_coverage(model, spectra, estimates, coverage)
        for flag in (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM):
            before, after = ((one["flags"].to_numpy() & int(flag)) != 0 for one in (estimates, assessment))
            assert (before <= after).all()


def test_labels_far_beyond_the_box_are_outside_whatever_the_reference_stars_say(trained):
    model = trained[0]
    # every held-out star has absurd scores
    coverage = replace(model.coverage, scores=np.abs(model.coverage.scores) + 50)
    far = model.reference_labels.max(axis=0) + 0.6 * model.scaler.scale
    near = model.reference_labels.max(axis=0) + 0.4 * model.scaler.scale
    labels = np.stack([far, near, np.full(3, np.nan)])
    p_value, outside = outside_coverage(model, labels, coverage)
    assert p_value[0] > 0.5
    assert outside.tolist() == [True, False, False]


def test_an_outlying_reference_label_does_not_widen_the_box_of_a_model_without_coverage(trained):
    model = attach_coverage(trained[0], None)
    hot = np.median(model.reference_labels, axis=0) + 6 * model.scaler.scale
    labels = model.reference_labels.copy()
    labels[7] += 40 * model.scaler.scale
    assert outside_coverage(replace(model, reference_labels=labels), hot[None])[1].all()
