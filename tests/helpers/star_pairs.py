"""Single stars and unresolved pairs of a known main sequence, drawn from the priors of the pair model."""

import numpy as np
from nuisance_stars import C_KM_S, line_coefficients

from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import MixtureLabels
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.main_sequence import LEAST_RATIO, MainSequence
from bayescannon.numerics.log_spline import LogSpline
from bayescannon.stars.quartic import compress, minimise

NAMES = ("teff", "logg", "fe_h")
SCALER = LabelScaler(NAMES, np.array([5700.0, 4.35, -0.2]), np.array([450.0, 0.15, 0.25]))
SEQUENCE = MainSequence(NAMES, np.array([4.3, -2.2, 4.0, 0.02, -1.0, -0.05]), 4400.0, 5500.0)
PRIOR = MixtureLabels.gaussian(
    NAMES, np.array([5750.0, 4.33, -0.2]), np.array([[1.6e5, -36.0, 0.0], [-36.0, 0.02, 0.0], [0.0, 0.0, 0.05]])
)
DENSITY = PRIOR.density(SCALER)


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


def pair_vectors(first, q, rho, sequence=SEQUENCE):
    """u of pairs with its constant, the second star's scaled labels, and w."""
    other = sequence.companion(SCALER.from_scaled(first), q)
    second = SCALER.to_scaled(other.labels)
    w = 1 / (1 + np.exp(-(other.log_light + sequence.light_width * rho)))
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


class DoubleLinedStars:
    """Pixels of pairs whose velocities differ by `difference` [km/s], or of single stars of a `velocity` [km/s]."""

    def __init__(self, n_star, *, difference, velocity=0.0, pairs=True, sigma=0.005, seed=0):
        rng = np.random.default_rng(seed)
        self.wavelength, theta = line_coefficients(400, 3)
        self.scatter = np.full(400, 0.002)
        self.spline = LogSpline.of(self.wavelength, theta, np.ones(400, dtype=bool))
        self.first = draw_labels(rng, n_star).clip(-1.5, 1.5)
        self.q, rho = rng.uniform(0.75, 1, n_star), rng.normal(size=n_star)
        _, second, w = pair_vectors(self.first, self.q, rho)
        flux = []
        for n in range(n_star):
            light = w[n] if pairs else 0.0
            colour = SEQUENCE.colour(SCALER.from_scaled(self.first[n]), self.q[n], self.wavelength)
            share = 1 / (1 + np.exp(-(np.log(light / (1 - light)) + colour))) if pairs else 0.0
            at = (velocity - light * difference, velocity + (1 - light) * difference)
            one, two = (
                self.spline.at(shift=v / C_KM_S)[0] @ label_vector(x)
                for v, x in zip(at, (self.first[n], second[n]), strict=True)
            )
            flux.append((1 - share) * one + share * two)
        self.flux = np.array(flux) + np.hypot(sigma, 0.002) * rng.normal(size=(n_star, 400))
        self.ivar = np.full(self.flux.shape, sigma**-2)
        quartic = compress(theta, self.scatter, self.flux, self.ivar)
        self.start = minimise(quartic, self.first[:, None], density=DENSITY).labels[:, 0]
