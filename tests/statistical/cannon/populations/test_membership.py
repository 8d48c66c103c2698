"""Membership is a probability: simulation-based calibration of the mixture, and of its labels at a border."""

import itertools

import numpy as np
import pytest
from expect import expect_fraction, expect_mean, expect_scatter
from survey_models import BORDER, draw_stars, known_survey

from bayescannon.cannon.populations.labelling import label_survey


@pytest.fixture(scope="module")
def labelled():
    survey = known_survey()
    spectra, labels, population = draw_stars(survey, 3000, seed=21, low=(4400.0, 2.0), high=(5200.0, 3.0))
    return survey, label_survey(survey, spectra), labels, population


def test_among_stars_with_a_probability_that_share_is_of_the_population(labelled):
    _, estimates, _, population = labelled
    p = estimates["membership"].to_numpy()[:, 1]
    is_lower = population == 1
    edges = [0.02, 0.15, 0.35, 0.65, 0.85, 0.98]
    for low, high in itertools.pairwise(edges):
        mine = (p > low) & (p <= high)
        expect_mean((is_lower[mine] - p[mine]), 0.0, n_sigma=3.5, what=f"members less probability, {low} to {high}")
    expect_fraction(is_lower[p > 0.98], (p > 0.98).sum(), 0.985, what="members at more than 0.98")
    expect_fraction(is_lower[p < 0.02], (p < 0.02).sum(), 0.0, 0.015, what="members at less than 0.02")


def test_errors_of_the_mixture_are_the_errors(labelled):
    _, estimates, labels, _ = labelled
    off = estimates["labels"].to_numpy() - labels
    error = np.sqrt(np.diagonal(estimates["formal_covariance"].to_numpy(), axis1=1, axis2=2))
    near = np.abs(labels[:, 1] - BORDER) < 0.15
    for k, name in enumerate(("teff", "logg")):
        expect_scatter(off[near, k] / error[near, k], 1.0, rtol=0.08, what=f"pulls of {name} at the border")
        expect_mean(off[near, k] / error[near, k], 0.0, what=f"mean pull of {name} at the border")


def test_there_is_no_seam(labelled):
    # of stars that are uniform in log g, as many have labels just below the border as just above, and at it
    _, estimates, _, _ = labelled
    logg = estimates["labels"].to_numpy()[:, 1]
    counts, _ = np.histogram(logg, np.arange(BORDER - 0.32, BORDER + 0.33, 0.08))
    expected = 3000 * 0.08
    assert np.abs(counts - expected).max() < 4 * np.sqrt(expected), counts


def test_neighbours_models_agree_at_the_border():
    # a small step of a star's labels across the border moves its inferred labels by as much
    survey = known_survey(deviation=0.001)
    spectra, _, _ = draw_stars(survey, 400, seed=23, low=(4800.0, 2.2), high=(4800.1, 2.8))
    estimates = label_survey(survey, spectra)
    routed = estimates["labels"].to_numpy()[:, 1]
    from bayescannon.cannon.labelling import label_spectra

    error = np.sqrt(estimates["formal_covariance"].to_numpy()[:, 1, 1])
    for model in survey.models:
        alone = label_spectra(model, spectra)["labels"].to_numpy()[:, 1]
        between = (estimates["membership"].to_numpy().max(axis=1) < 0.9) & np.isfinite(alone)
        moved = np.abs(routed - alone)[between] / error[between]
        expect_fraction(moved < 1.0, between.sum(), 0.9, what="mixtures within an error of a neighbour's labels")
