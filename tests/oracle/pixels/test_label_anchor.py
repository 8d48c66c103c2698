"""Anchored labels: a bent and mixed label scale comes back to the reported labels', and errors are measured."""

import numpy as np
from latent_survey import survey

from bayescannon.models.label_vector import label_vector
from bayescannon.pixels.label_anchor import anchor_labels
from bayescannon.pixels.latent_label_step import LatentLabels, joint_products


def latent_of(mean, hidden, covariance):
    n_star = len(mean)
    joint = np.broadcast_to(covariance, (n_star, *covariance.shape)).copy()
    nothing = np.zeros(n_star)
    return LatentLabels(mean, hidden, joint, joint_products(mean, hidden, joint), nothing, nothing.astype(np.int64))


def bent_latent(truth, rng, *, noise=0.0):
    """Latent labels that are a quadratic function of the true ones, mixed with a hidden component."""
    hidden = rng.normal(size=(len(truth), 1))
    bend = np.array([[0.1, 1.1, 0.2, 0.05, 0.0, -0.03], [-0.2, 0.0, 0.8, 0.0, 0.04, 0.02]])
    mixed = label_vector(truth) @ bend.T + hidden @ np.array([[0.3, -0.4]])
    covariance = np.diag([noise**2, noise**2, 0.01]) + 1e-12 * np.eye(3)
    return latent_of(mixed + noise * rng.normal(size=truth.shape), hidden, covariance)


def test_labels_come_back_from_a_bent_scale():
    truth, observed, variance, *_ = survey(n_star=20_000, error=0.3)
    found = anchor_labels(bent_latent(truth, np.random.default_rng(1)), observed, variance)
    off = found.latent.mean - truth
    # a quadratic map undoes a quadratic one but for third and higher orders
    inside = (np.abs(truth) < 1.5).all(axis=1)
    assert np.sqrt((off[inside] ** 2).mean(axis=0)).max() < 0.05
    np.testing.assert_allclose(found.error_scale, 1, atol=0.03)


def test_the_size_of_wrong_errors_is_found():
    truth, observed, variance, *_ = survey(n_star=4000, error=0.3)
    latent = latent_of(truth, np.zeros((len(truth), 0)), 1e-12 * np.eye(2))
    found = anchor_labels(latent, observed, variance * np.array([4.0, 0.25]))
    np.testing.assert_allclose(found.error_scale, [0.5, 2.0], rtol=0.05)
    half = anchor_labels(latent, observed, variance)
    np.testing.assert_allclose(half.latent.mean, found.latent.mean, atol=1e-10)


def test_exact_labels_stay():
    truth, *_ = survey(n_star=300)
    latent = latent_of(truth, np.random.default_rng(2).normal(size=(300, 2)), 1e-8 * np.eye(4))
    found = anchor_labels(latent, truth, np.full_like(truth, 1e-6))
    np.testing.assert_allclose(found.latent.mean, truth, atol=1e-6)


def test_covariances_follow_the_map():
    """Against draws: labels, hidden components and their products."""
    truth, observed, variance, *_ = survey(n_star=2000, error=0.3)
    latent = bent_latent(truth, np.random.default_rng(3), noise=0.05)
    anchored = anchor_labels(latent, observed, variance).latent
    # the map, from the labels with and without a small step
    draws = np.random.default_rng(4).multivariate_normal(np.zeros(3), latent.joint_covariance[0], size=20_000)
    x, h = latent.mean[0] + draws[:, :2], latent.hidden[0] + draws[:, 2:]
    weights = np.linalg.lstsq(latent.products[:, 0], anchored.mean, rcond=None)[0]
    moved = np.concatenate([label_vector(x), h], axis=1) @ weights
    np.testing.assert_allclose(moved.mean(axis=0), anchored.mean[0], atol=0.003)
    np.testing.assert_allclose(np.cov(np.column_stack([moved, h]).T), anchored.joint_covariance[0], atol=4e-4)
    w = np.concatenate([label_vector(moved), h], axis=1)
    np.testing.assert_allclose(w.T @ w / len(w), anchored.products[0], rtol=0.005, atol=0.005)
