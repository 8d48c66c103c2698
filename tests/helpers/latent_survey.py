"""Spectra of stars whose reported labels have errors, and nodes to integrate over labels by."""

import numpy as np

from bayescannon.models.label_vector import label_vector, n_terms

NAMES = ("teff", "logg", "fe_h")


def survey(n_star=60, n_pixel=40, n_label=2, *, error=0.3, sigma=0.02, hidden=0.0, n_hidden=0, seed=3):
    """Spectra of stars whose reported labels have errors; scaled labels, some dead data."""
    rng = np.random.default_rng(seed)
    mixing = np.eye(n_label) + 0.4 * np.tri(n_label, k=-1)
    truth = rng.normal(size=(n_star, n_label)) @ mixing.T
    variance = (error * np.exp(rng.normal(0, 0.2, size=truth.shape))) ** 2
    observed = truth + np.sqrt(variance) * rng.normal(size=truth.shape)
    theta = 0.03 * rng.normal(size=(n_pixel, n_terms(n_label)))
    theta[:, 1 + n_label :] *= 0.2
    theta[:, 0] = 0.9
    scatter = 0.006
    noise = sigma * np.exp(rng.normal(0, 0.3, size=(n_star, n_pixel)))
    flux = label_vector(truth) @ theta.T + np.hypot(noise, scatter) * rng.normal(size=noise.shape)
    if n_hidden:
        flux += hidden * rng.normal(size=(n_star, n_hidden)) @ rng.normal(size=(n_hidden, n_pixel))
    ivar = 1 / noise**2
    ivar[rng.random(ivar.shape) < 0.03] = 0
    return truth, observed, variance, flux, ivar


def nodes(n_label, order=7):
    """Gauss-Hermite nodes (node, K) and weights of the standard normal."""
    x, w = np.polynomial.hermite_e.hermegauss(order)
    grid = np.stack(np.meshgrid(*[x] * n_label, indexing="ij"), axis=-1).reshape(-1, n_label)
    weight = np.prod(np.stack(np.meshgrid(*[w / w.sum()] * n_label, indexing="ij"), axis=-1).reshape(-1, n_label), 1)
    return grid, weight
