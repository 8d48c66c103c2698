"""Local models around the router: better than either alone, and alike at the border of two populations."""

import numpy as np
import pytest
from expect import expect_between, expect_fraction
from toy import toy_labels

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.populations.labelling import label_survey
from bayescannon.cannon.populations.local_training import keeps_to_router, train_local
from bayescannon.cannon.populations.qualification import qualify_survey
from bayescannon.cannon.populations.training import train_survey
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_regions import LabelRegion, LabelRegions
from bayescannon.models.label_vector import label_vector, n_terms

NAMES = ("teff", "logg")
N_PIXEL = 150
REGIONS = LabelRegions(
    (LabelRegion("upper", ({"logg": (-np.inf, 2.5)},)), LabelRegion("lower", ({"logg": (2.5, np.inf)},))),
    {"logg": 0.4},
)
POOLED = TrainingOptions(coefficients="pooled", noise="global")


def spectra_of(labels, seed, *, kink=0.005, sigma=0.01):
    """Spectra with a term that a quadratic does not have: |log g - 2.5|, of another strength in each pixel."""
    rng = np.random.default_rng(77)
    theta = 0.02 * rng.normal(size=(N_PIXEL, n_terms(2)))
    theta[:, 0] = 0.9
    bend = kink * rng.normal(size=N_PIXEL)
    scaled = (labels - [4800.0, 2.5]) / [250.0, 0.6]
    flux = label_vector(scaled) @ theta.T + np.abs(scaled[:, [1]]) * bend
    noise = np.random.default_rng(seed)
    flux = flux + sigma * noise.normal(size=flux.shape)
    names = np.array([f"star-{seed}-{n}" for n in range(len(labels))])
    columns = {"snr": np.full(len(labels), 60.0)}
    return Spectra(np.linspace(5000.0, 5400.0, N_PIXEL), flux, np.full(flux.shape, 1 / sigma**2), names, columns)


def reference(n_star, seed):
    labels = toy_labels(n_star, NAMES, seed=seed)
    return ReferenceSet(spectra_of(labels, seed), labels, None, NAMES)


def errors_of_predictions(n_star, kink):
    """Errors of the flux of fresh stars by the local model, the router, and the model of the population alone."""
    labels = toy_labels(n_star, NAMES, seed=3)
    every = ReferenceSet(spectra_of(labels, 3, kink=kink), labels, None, NAMES)
    router = train(every, options=POOLED)
    mine = every.select(labels[:, 1] < 2.9)
    fresh = toy_labels(400, NAMES, seed=9)
    fresh = fresh[fresh[:, 1] < 2.5]
    truth = spectra_of(fresh, 9, kink=kink, sigma=1e-6).flux
    models = (train_local(router, mine, POOLED), router, train(mine, options=POOLED))
    return [float(np.sqrt(np.mean((model.predict(fresh) - truth) ** 2))) for model in models]


def test_few_stars_of_a_population_that_is_like_the_others_gain_from_the_router():
    local, router, alone = errors_of_predictions(60, kink=0.002)
    assert keeps_to_router(POOLED)
    expect_between(local / alone, 0.0, 0.95, what="error of the local model, of the one alone")
    expect_between(local / router, 0.0, 1.1, what="error of the local model, of the router's")


def test_many_stars_of_a_population_that_is_unlike_the_others_leave_the_router():
    local, router, alone = errors_of_predictions(600, kink=0.04)
    expect_between(local / router, 0.0, 0.9, what="error of the local model, of the router's")
    expect_between(local / alone, 0.0, 1.1, what="error of the local model, of the one alone")


@pytest.mark.long
def test_labels_at_the_border_differ_little_between_neighbours_models():
    every = reference(500, 4)
    survey, kept = train_survey(every, populations=REGIONS, options=POOLED)
    survey = qualify_survey(survey, kept, folds=4)
    labels = np.column_stack([np.full(600, 4800.0), np.linspace(2.2, 2.8, 600)])
    spectra = spectra_of(labels, 11)
    by_model = [label_spectra(model, spectra) for model in survey.models]
    near = np.abs(labels[:, 1] - 2.5) < 0.1
    error = by_model[0]["calibrated_error"].to_numpy()[near]
    apart = np.abs(by_model[0]["labels"].to_numpy() - by_model[1]["labels"].to_numpy())[near] / error
    for k, name in enumerate(NAMES):
        expect_between(np.median(apart[:, k]), 0.0, 0.3, what=f"neighbours' {name} at the border, in errors")
    # the inferred log g follows the true one across the border, without a step
    found = label_survey(survey, spectra)["labels"].to_numpy()[:, 1]
    below, above = (
        found[(labels[:, 1] > 2.4) & (labels[:, 1] < 2.5)],
        found[(labels[:, 1] > 2.5) & (labels[:, 1] < 2.6)],
    )
    step = (above.mean() - below.mean() - 0.1) / np.median(error[:, 1])
    expect_between(abs(step), 0.0, 0.3, what="step of the mean log g at the border, in errors")
    expect_fraction(np.isfinite(found), len(found), 1.0, what="stars with labels")
