"""Pixels with coefficients that are smooth along wavelength, and their posterior by one dense system."""

import numpy as np

from bayescannon.models.coefficient_priors import shrunk_terms
from bayescannon.models.label_vector import label_vector, term_names

NAMES = ("teff", "logg", "fe_h")


TERMS = term_names(NAMES)


SHRUNK = shrunk_terms(len(NAMES), "quadratic")


LENGTH = 3.0


def smooth_survey(n_star=120, n_pixel=14, tau=0.01, seed=1, n_label=3):
    """Pixels with smooth quadratic coefficients, with and without scatter, and some dead data."""
    rng = np.random.default_rng(seed)
    vectors = label_vector(rng.normal(size=(n_star, n_label)).clip(-2.5, 2.5))
    shrunk = shrunk_terms(n_label, "quadratic")
    theta = 0.03 * rng.normal(size=(n_pixel, len(shrunk)))
    theta[:, 0] += 1
    position = np.arange(n_pixel)
    root = np.linalg.cholesky(np.exp(-np.abs(position[:, None] - position) / LENGTH))
    theta[:, shrunk] = root @ rng.normal(size=(n_pixel, shrunk.sum())) * tau
    scatter = np.where(np.arange(n_pixel) % 3 == 0, 0.0, rng.uniform(0.005, 0.03, n_pixel))
    sigma = 0.02 * np.exp(rng.normal(0, 0.5, size=(n_star, n_pixel)))
    flux = vectors @ theta.T + np.hypot(scatter, sigma) * rng.normal(size=sigma.shape)
    ivar = 1 / np.where(np.arange(n_pixel) % 4 == 0, 1.7 * sigma, sigma) ** 2
    ivar[rng.random(ivar.shape) < 0.05] = 0
    return vectors, flux, ivar


def prior_covariance(position, tau):
    """Covariance of the shrunk coefficients of all pixels, pixel by pixel, (P Q, P Q)."""
    return np.kron(np.exp(-np.abs(position[:, None] - position) / LENGTH), np.diag(np.square(tau)))


def dense_posterior(vectors, flux, ivar, scatter, tau, position, allowed=None):
    """Mean (P, T), covariance (P T, P T), and minus log marginal likelihood of the whole, by one dense system."""
    n_pixel, n_term = flux.shape[1], vectors.shape[1]
    shrunk = np.tile(SHRUNK[:n_term], n_pixel)
    precision = np.zeros((n_pixel * n_term,) * 2)
    precision[np.ix_(shrunk, shrunk)] = np.linalg.inv(prior_covariance(position, tau))
    right, value = np.zeros(n_pixel * n_term), 0.0
    for p in range(n_pixel):
        live = ivar[:, p] > 0
        v = vectors[live] * (1.0 if allowed is None else allowed[p])
        w = 1 / (scatter[p] ** 2 + 1 / ivar[live, p])
        part = slice(p * n_term, (p + 1) * n_term)
        precision[part, part] += v.T @ (w[:, None] * v)
        right[part] = v.T @ (w * flux[live, p])
        value += 0.5 * np.sum(w * flux[live, p] ** 2 - np.log(w))
        if allowed is not None:
            # a flat coefficient without effect: any precision will do
            free = part.start + np.flatnonzero(~allowed[p] & ~SHRUNK)
            precision[free, free] = 1.0
    covariance = np.linalg.inv(precision)
    mean = covariance @ right
    value += 0.5 * np.linalg.slogdet(precision)[1] - 0.5 * right @ mean
    return mean.reshape(n_pixel, n_term), covariance, value


def blocks(covariance, n_pixel):
    """The diagonal blocks of a covariance of all pixels."""
    size = len(covariance) // n_pixel
    return np.array([covariance[p * size : (p + 1) * size, p * size : (p + 1) * size] for p in range(n_pixel)])
