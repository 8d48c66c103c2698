"""Quartics of simulated stars, and what samplers need beside them."""

import numpy as np

from bayescannon.models.label_vector import label_vector
from bayescannon.stars.importance import star_seeds
from bayescannon.stars.quartic import compress


def quartics(n_label, n_star=8, *, sigma, n_pixel=60, seed=0):
    """Quartics of simulated stars, and the labels they were simulated with."""
    model = np.random.default_rng(11)
    n_term = 1 + n_label + n_label * (n_label + 1) // 2
    theta = 0.1 * model.normal(size=(n_pixel, n_term))
    theta[:, 1 + n_label :] *= 0.4
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n_star, n_label))
    flux = label_vector(labels) @ theta.T + sigma * rng.normal(size=(n_star, n_pixel))
    return compress(theta, np.zeros(n_pixel), flux, np.full(flux.shape, sigma**-2)), labels


def seeds(n_star):
    return star_seeds([f"star {n}" for n in range(n_star)], 0)


def starts(n_label):
    return np.random.default_rng(5).normal(size=(7, n_label))


def folded_quartics(n_label, n_star, *, sigma, n_pixel=20, seed=0):
    """Quartics of stars whose spectra depend on the labels' squares as much as on the labels: many have two minima."""
    model = np.random.default_rng(12)
    n_term = 1 + n_label + n_label * (n_label + 1) // 2
    theta = 0.1 * model.normal(size=(n_pixel, n_term))
    rng = np.random.default_rng(seed)
    flux = label_vector(rng.normal(size=(n_star, n_label))) @ theta.T + sigma * rng.normal(size=(n_star, n_pixel))
    return compress(theta, np.zeros(n_pixel), flux, np.full(flux.shape, sigma**-2))
