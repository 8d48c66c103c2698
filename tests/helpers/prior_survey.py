"""Pixels with quadratic spectra of three labels, wrong reported noise, and some dead data: for fits with priors."""

import numpy as np

from bayescannon.models.label_vector import label_vector, term_names

NAMES = ("teff", "logg", "fe_h")


TERMS = term_names(NAMES)


def survey(n_star=90, n_pixel=10, seed=1, reported=1.0, spread=0.5, scatter=(0.005, 0.03)):
    rng = np.random.default_rng(seed)
    vectors = label_vector(rng.normal(size=(n_star, len(NAMES))).clip(-2.5, 2.5))
    theta = 0.03 * rng.normal(size=(n_pixel, len(TERMS)))
    theta[:, 4:] *= 0.3
    theta[:, 0] += 1
    s = rng.uniform(*scatter, n_pixel)
    sigma = 0.02 * np.exp(rng.normal(0, spread, size=(n_star, n_pixel)))
    flux = vectors @ theta.T + np.hypot(s, sigma) * rng.normal(size=sigma.shape)
    ivar = 1 / (reported * sigma) ** 2
    ivar[rng.random(ivar.shape) < 0.05] = 0
    return vectors, flux, ivar, theta, s
