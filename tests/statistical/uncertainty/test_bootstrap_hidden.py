"""Errors from training with hidden components and latent labels, against models of independent reference sets."""

import numpy as np
import pytest
import toy
from expect import expect_between
from hidden_survey import WIDTHS, hidden_reference, hidden_spectra

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.training import train
from bayescannon.uncertainty.bootstrap import bootstrap_labels
from bayescannon.uncertainty.coefficients import label_with_coefficient_errors
from bayescannon.uncertainty.jackknife import jackknife_covariance

N_SETS, N_STAR = 30, 300


def root_mean_square(values):
    return np.sqrt((values**2).mean(axis=0))


def excess(covariance, estimates):
    """Root of the mean variance in excess of the formal one, in widths of the labels, shape (K,)."""
    total = np.diagonal(covariance, axis1=1, axis2=2)
    return np.sqrt((total - formal_errors(estimates) ** 2).mean(axis=0)) / WIDTHS


@pytest.mark.long
@pytest.mark.parametrize(
    ("error", "choices"), [(0.0, {"hidden": 2}), (0.3, {"hidden": 2, "label_errors": "table"})], ids=["exact", "latent"]
)
def test_spread_of_retrained_models_is_that_of_independent_reference_sets(error, choices):
    spectra = hidden_spectra(toy.toy_labels(60, seed=999), 999, sigma=0.003)
    references = [hidden_reference(N_STAR, 10 + k, error=error) for k in range(N_SETS)]
    models = [train(reference, **choices) for reference in references]
    labels = np.array([label_spectra(model, spectra, n_starts=2)["labels"].to_numpy() for model in models])
    actual = root_mean_square(labels.std(axis=0, ddof=1) / WIDTHS)

    model, reference = models[0], references[0]
    estimates = label_spectra(model, spectra)
    draws = bootstrap_labels(model, reference, spectra, n_bootstrap=N_SETS, estimates=estimates)
    spread = root_mean_square(draws["labels"].to_numpy().std(axis=0, ddof=1) / WIDTHS)
    jackknife = jackknife_covariance(model, reference, spectra, estimates=estimates)
    known = label_with_coefficient_errors(model, spectra, corrected=False, estimates=estimates)
    with_jackknife = np.sqrt(np.diagonal(jackknife, axis1=1, axis2=2).mean(axis=0)) / WIDTHS
    formal = root_mean_square(formal_errors(estimates) / WIDTHS)
    for k, name in enumerate(toy.NAMES):
        expect_between(spread[k] / actual[k], 0.85, 1.15, what=f"{name}: bootstrap / independent sets")
        # linear in the weights of the stars, whereas scatters near 0 are not
        expect_between(with_jackknife[k] / actual[k], 0.9, 1.35, what=f"{name}: jackknife / independent sets")
        if error:
            expect_between(actual[k] / formal[k], 2.5, 4.5, what=f"{name}: error of training / formal error")
            ratio = excess(known["covariance"], estimates)[k] / actual[k]
            expect_between(ratio, 0.85, 1.2, what=f"{name}: coefficients and scale / independent sets")


def test_total_error_of_precise_stars_is_that_of_the_scale():
    """Stars whose noise is far below the error of the scale: formal errors say nothing, those of the scale do."""
    truth = toy.toy_labels(400, seed=998)
    spectra = hidden_spectra(truth, 998, sigma=0.003)
    pulls = []
    for k in range(8):
        model = train(hidden_reference(N_STAR, 70 + k, error=0.3), hidden=2, label_errors="table")
        found = label_with_coefficient_errors(model, spectra, corrected=False)
        pulls.append((found["labels"] - truth) / np.sqrt(np.diagonal(found["covariance"], axis1=1, axis2=2)))
    for k, name in enumerate(toy.NAMES):
        expect_between(float(np.std([x[:, k] for x in pulls])), 0.8, 1.15, what=f"{name}: pulls of precise stars")
