"""Errors of the scale of latent labels against the regression that sets it."""

import numpy as np
import pytest
import toy
from hidden_survey import hidden_reference

from bayescannon.cannon.training import train
from bayescannon.models.label_vector import label_vector
from bayescannon.uncertainty.anchor import anchor_variance, is_anchored, row_covariances, scaled_error_variance


def test_rows_have_the_covariance_of_weighted_regressions():
    rng = np.random.default_rng(2)
    vectors = label_vector(rng.normal(size=(80, 2)))
    variance = np.exp(rng.normal(0, 0.5, size=(80, 2)))
    rows = row_covariances(vectors, variance)
    truth = rng.normal(size=vectors.shape[1])
    noise = rng.normal(size=(4000, 80)) * np.sqrt(variance[:, 1])
    root = 1 / np.sqrt(variance[:, 1])
    found = np.linalg.lstsq(vectors * root[:, None], ((vectors @ truth + noise) * root).T, rcond=None)[0]
    np.testing.assert_allclose(np.diag(np.cov(found)) / np.diag(rows[1]), 1, atol=0.1)


@pytest.fixture(scope="module")
def model():
    return train(hidden_reference(200, 10, error=0.3), hidden=2, label_errors="table")


def test_errors_of_the_scale_are_those_of_terms_and_components_over_stars(model):
    assert is_anchored(model)
    scaled = model.scaler.to_scaled(model.reference_labels)
    hidden = np.random.default_rng(1).normal(size=(200, 2))
    mean = anchor_variance(model, scaled, hidden).mean(axis=0)
    # the mean of w^T (sum w w^T)^-1 w over the stars of the sum is the number of terms over that of stars
    np.testing.assert_allclose(mean, 12 / 200 * scaled_error_variance(model).mean(axis=0), rtol=0.05)
    np.testing.assert_array_less(anchor_variance(model, scaled, 0 * hidden), anchor_variance(model, scaled, hidden))


def test_exact_labels_have_an_exact_scale():
    model = train(toy.toy_reference(100, n_pixel=60), hidden=1)
    assert not is_anchored(model)
    assert (anchor_variance(model, np.ones((4, 3)), np.ones((4, 1))) == 0).all()
