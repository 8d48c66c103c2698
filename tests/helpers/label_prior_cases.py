"""Priors of labels of every kind, and noisy stars to which they matter."""

import numpy as np

from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import BoxLabels, CoverageLabels, FlatLabels, MixtureLabels
from bayescannon.models.label_vector import label_vector
from bayescannon.stars.quartic import compress

NAMES = ("teff", "logg", "fe_h")


SCALER = LabelScaler(NAMES, np.array([4700.0, 2.4, -0.2]), np.array([250.0, 0.5, 0.2]))


RNG = np.random.default_rng(4)


def covariances(n, k):
    root = RNG.normal(size=(n, k, k))
    scale = SCALER.scale[:k]
    return (root @ root.transpose(0, 2, 1) + 0.5 * np.eye(k)) * np.outer(scale, scale)


def centres(n, k):
    return SCALER.pivot[:k] + SCALER.scale[:k] * RNG.normal(size=(n, k))


PRIORS = {
    "flat": FlatLabels(),
    "box": BoxLabels(NAMES, SCALER.pivot - 0.8 * SCALER.scale, SCALER.pivot + 0.5 * SCALER.scale),
    "box of one": BoxLabels(("logg",), np.array([2.1]), np.array([2.6])),
    "gaussian": MixtureLabels.gaussian(NAMES, centres(1, 3)[0], covariances(1, 3)[0]),
    "gaussian of two": MixtureLabels.gaussian(NAMES[:2], centres(1, 2)[0], covariances(1, 2)[0]),
    "mixture": MixtureLabels(NAMES, np.array([0.2, 0.5, 0.3]), centres(3, 3), covariances(3, 3)),
    "coverage": CoverageLabels(NAMES, np.array([20.0, 3.0]), centres(2, 3), 0.1 * covariances(2, 3), 2.9),
    "coverage of two": CoverageLabels(NAMES[:2], np.array([20.0, 3.0]), centres(2, 2), 0.1 * covariances(2, 2), 2.9),
}


def stars(n_star=5, n_pixel=60, sigma=0.3):
    """Quartics of noisy stars, so that priors matter."""
    rng = np.random.default_rng(1)
    theta = 0.1 * rng.normal(size=(n_pixel, 10))
    theta[:, 4:] *= 0.3
    labels = rng.normal(size=(n_star, 3))
    flux = label_vector(labels) @ theta.T + sigma * rng.normal(size=(n_star, n_pixel))
    return compress(theta, np.zeros(n_pixel), flux, np.full(flux.shape, sigma**-2))
