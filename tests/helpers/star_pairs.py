"""Single stars and unresolved pairs of a known main sequence, drawn from the priors of the pair model."""

import numpy as np

from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import MixtureLabels
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.main_sequence import MainSequence
from bayescannon.stars.quartic import compress, minimise

NAMES = ("teff", "logg", "fe_h")
SCALER = LabelScaler(NAMES, np.array([5700.0, 4.35, -0.2]), np.array([450.0, 0.15, 0.25]))
SEQUENCE = MainSequence(NAMES, np.array([4.3, -2.2, 4.0, 0.02, -1.0, -0.05]), 4400.0, 5500.0)
PRIOR = MixtureLabels.gaussian(
    NAMES, np.array([5750.0, 4.33, -0.2]), np.array([[1.6e5, -36.0, 0.0], [-36.0, 0.02, 0.0], [0.0, 0.0, 0.05]])
)
DENSITY = PRIOR.density(SCALER)
LEAST_RATIO = 0.2


def coefficients(n_pixel=80, n_label=3):
    rng = np.random.default_rng(21)
    theta = 0.05 * rng.normal(size=(n_pixel, n_terms(n_label)))
    theta[:, 1 + n_label :] *= 0.5
    theta[:, 0] = 0.9
    return theta


def draw_labels(rng, n_star):
    """Labels of stars from the prior, scaled."""
    root = np.linalg.cholesky(PRIOR.covariance[0])
    return SCALER.to_scaled(PRIOR.mean[0] + rng.normal(size=(n_star, 3)) @ root.T)


def pair_vectors(first, q, rho):
    """u of pairs with its constant, the second star's scaled labels, and w, written with the statement's own functions."""
    other = SEQUENCE.companion(SCALER.from_scaled(first), q)
    second = SCALER.to_scaled(other.labels)
    w = 1 / (1 + np.exp(-(other.log_light + SEQUENCE.light_width * rho)))
    return (1 - w)[:, None] * label_vector(first) + w[:, None] * label_vector(second), second, w


class Stars:
    """Quartics of single stars and of pairs, a share of `pairs` of them."""

    def __init__(self, n_star, *, pairs=0.5, sigma=0.01, seed=0):
        rng = np.random.default_rng(seed)
        self.theta, self.scatter = coefficients(), np.full(80, 0.002)
        self.first = draw_labels(rng, n_star)
        self.is_pair = rng.random(n_star) < pairs
        self.q, self.rho = rng.uniform(LEAST_RATIO, 1, n_star), rng.normal(size=n_star)
        vectors, self.second, self.w = pair_vectors(self.first, self.q, self.rho)
        vectors = np.where(self.is_pair[:, None], vectors, label_vector(self.first))
        flux = vectors @ self.theta.T + np.hypot(sigma, 0.002) * rng.normal(size=(n_star, 80))
        self.quartic = compress(self.theta, self.scatter, flux, np.full(flux.shape, sigma**-2))
        found = minimise(self.quartic, self.first[:, None], density=DENSITY)
        self.start = found.labels[:, 0]
