"""Stars with lines of about a pixel, wrong velocities and line spreads, and the model of their spectra."""

import numpy as np

from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector
from bayescannon.stars.nuisance import NuisanceModel

C_KM_S = SPEED_OF_LIGHT / 1000
# of ln lambda, as the paper's grid: 69 km/s
STEP = 1e-4 * np.log(10)


def line_coefficients(n_pixel=300, n_label=2, *, shift=0.0, variance=1.1, seed=0):
    """Coefficients (pixel, T) of Gaussian lines of a variance in pixels^2, at a shift in pixels."""
    rng = np.random.default_rng(seed)
    n_term = 1 + n_label + n_label * (n_label + 1) // 2
    centres = rng.uniform(0, n_pixel, n_pixel // 5)
    strength = rng.normal(size=(len(centres), n_term)) * 0.06
    strength[:, 0] = -rng.uniform(0.1, 0.5, len(centres))
    strength[:, 1 + n_label :] *= 0.2
    pixel = np.arange(n_pixel)[:, None]
    profile = np.exp(-0.5 * (pixel - centres - shift) ** 2 / variance) / np.sqrt(variance / 1.1)
    theta = profile @ strength
    theta[:, 0] += 1.0
    return np.exp(np.log(5000.0) + STEP * np.arange(n_pixel)), theta


class NuisanceStars:
    """Spectra of stars whose velocities [km/s] and variances of line spread [km^2/s^2] are wrong by known amounts."""

    def __init__(self, velocity, line_spread=0.0, *, n_star=6, n_label=2, sigma=0.01, seed=1, n_pixel=300):
        rng = np.random.default_rng(seed)
        pixel_km_s = STEP * C_KM_S
        self.labels = rng.normal(size=(n_star, n_label))
        self.velocity = np.broadcast_to(velocity, n_star)
        self.line_spread = np.broadcast_to(line_spread, n_star)
        self.wavelength, self.theta = line_coefficients(n_pixel, n_label)
        self.scatter = np.full(n_pixel, 0.002)
        flux = []
        for n in range(n_star):
            variance = 1.1 + self.line_spread[n] / pixel_km_s**2
            _, moved = line_coefficients(n_pixel, n_label, shift=self.velocity[n] / pixel_km_s, variance=variance)
            flux.append(moved @ label_vector(self.labels[n]))
        self.flux = np.reshape(flux, (n_star, n_pixel)) + np.hypot(sigma, 0.002) * rng.normal(size=(n_star, n_pixel))
        self.ivar = np.full(self.flux.shape, sigma**-2)
        self.ivar[rng.random(self.flux.shape) < 0.02] = 0.0

    def model(self, nuisances, *, loadings=None, dtype=np.float64):
        """The trained model with nuisances."""
        return NuisanceModel.of(self.wavelength, self.theta, self.scatter, nuisances, loadings=loadings, dtype=dtype)

    def spectra(self):
        """The stars' spectra."""
        n_star = len(self.labels)
        columns = {"snr": np.full(n_star, 100.0), "ra": np.arange(n_star) / 100, "dec": np.zeros(n_star)}
        ids = [f"star-{n}" for n in range(n_star)]
        return Spectra(self.wavelength, self.flux, self.ivar, ids, columns, {"preset": "paper"})

    def reference(self):
        """The stars with their labels, teff and logg, as a reference set."""
        labels = to_units(self.labels)
        return ReferenceSet(self.spectra(), labels, np.full(labels.shape, np.nan), ("teff", "logg"))


def to_units(scaled):
    """Teff and log g of labels with mean 0 and width 1."""
    return np.array([4800.0, 2.5]) + np.array([250.0, 0.6]) * scaled
