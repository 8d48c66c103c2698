r"""
Laplace's approximation of the labels of each reference star, given its spectrum and its reported labels.

A star's chi2 is an exact quartic in its labels (:mod:`bayescannon.stars.quartic`); the population and the reported
labels add a quadratic to it. The mode is found by Newton steps, the covariance is the inverse of half the Hessian, and
the moments of the label vector under that Gaussian are exact.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import label_vector, label_vector_jacobian, n_terms
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.packing import pack_products, unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.label_moments import vector_products
from bayescannon.pixels.label_population import LabelPopulation
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.quartic import Quartic, chi2_derivatives, compress, minimise

_BLOCK = 512
# upper bound of the leverage of a star on a pixel when it is left out
_MAX_LEVERAGE = 0.9


@dataclass(frozen=True)
class LatentLabels:
    """
    The posterior of the latent labels of N stars, given spectra, reported labels, model and population.

    Attributes
    ----------
    mean : float array of shape (N, K)
        Modes.
    covariance : float array of shape (N, K, K)
    products : float array of shape (N, T + R, T + R)
        E[w w^T] of label vector and hidden components.
    log_likelihood : float array of shape (N,)
        ln of the integral over labels and hidden components, without the spectra's constants (sum of ln weights).
    n_failed : int array of shape (N,)
        1 if no mode was found; the best point is then taken as the mode.
    """

    mean: FloatArray
    covariance: FloatArray
    products: FloatArray
    log_likelihood: FloatArray
    n_failed: NDArray[np.int64]


def infer_latent(
    coefficients: FloatArray,
    scatter: FloatArray,
    data: ReportedStars,
    population: LabelPopulation,
    starts: FloatArray,
    *,
    workers: int | None = None,
) -> LatentLabels:
    """
    Find the latent labels of the reference stars.

    Parameters
    ----------
    coefficients : float array of shape (pixel, T + R)
        theta, followed by the loadings of the hidden components.
    scatter : float array of shape (pixel,)
    data : ReportedStars
    population : LabelPopulation
    starts : float array of shape (star, start, K)
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    latent : LatentLabels
    """
    whole = compress(coefficients, scatter, data.flux, data.ivar, workers=workers)
    n_hidden = coefficients.shape[1] - n_terms(starts.shape[2])

    def one(part: slice) -> LatentLabels:
        spectrum, hidden, hidden_determinant = integrate_hidden(whole.select(part), n_hidden)
        mean, precision, reported = population.given_reported(data.observed[part], data.variance[part])
        joint = fold_gaussian(spectrum, mean, precision)
        optima = minimise(joint, starts[part])
        stars, best = np.arange(len(mean)), optima.chi2.argmin(axis=1)
        mode = optima.labels[stars, best]
        derivatives = chi2_derivatives(joint, mode)
        curvature = derivatives.hessian / 2
        # for a star that ended at a saddle point, J^T A J is used
        definite = np.linalg.eigvalsh(curvature)[:, :1, None] > 0
        curvature = np.where(definite, curvature, derivatives.gauss_newton / 2)
        covariance = np.linalg.inv(curvature)
        logs = np.linalg.slogdet(precision)[1] - np.linalg.slogdet(curvature)[1] - hidden_determinant
        return LatentLabels(
            mean=mode,
            covariance=covariance,
            products=hidden.products(vector_products(mode, covariance)),
            log_likelihood=0.5 * (logs - optima.chi2[stars, best]) + reported,
            n_failed=(~optima.converged[stars, best]).astype(np.int64),
        )

    parts = map_blocks(one, len(data.flux), _BLOCK, workers)
    return LatentLabels(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(LatentLabels)})


def fold_gaussian(quartic: Quartic, mean: FloatArray, precision: FloatArray) -> Quartic:
    """Add (l - mean)^T precision (l - mean) of each star, shapes (N, K) and (N, K, K), to its quartic."""
    linear = slice(1, 1 + mean.shape[1])
    a, b = quartic.a.copy(), quartic.b.copy()
    right = np.einsum("nij,nj->ni", precision, mean)
    a[:, linear, linear] += precision
    b[:, linear] += right
    return Quartic(a, b, quartic.c + np.einsum("ni,ni->n", mean, right), quartic.n_live)


def leave_one_out(
    coefficients: FloatArray,
    scatter: FloatArray,
    covariance: FloatArray,
    data: ReportedStars,
    trained: FloatArray,
    *,
    n_label: int,
    workers: int | None = None,
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """
    Label each reference star from its spectrum alone, with coefficients fitted without the star.

    The coefficients contain the noise of the reference stars, so the model fits a reference star better than a new
    star. With u the vector (v, h) of the star in training, and w and r its weight and residual there, the coefficients
    of a pixel fitted without the star are theta - q C u with q = w r / (1 - w u^T C u). One Newton step leads from the
    optimum of the star's quartic, where the vector is z, to the optimum with those coefficients:

        gradient = sum_p w_p (theta_p - q_p C_p u) (r_p(z) + q_p z^T C_p u).

    Parameters
    ----------
    coefficients, scatter
        As in :func:`infer_latent`.
    covariance : float array of shape (pixel, T + R, T + R)
        C of the coefficients.
    data : ReportedStars
    trained : float array of shape (star, T + R)
        E[u] of label vector and hidden components in training; its labels are the starting points.
    n_label : int
        K.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    labels : float array of shape (star, K)
    variance : float array of shape (star, K)
        Formal variances.
    good : bool array of shape (star,)
        Whether the star has an optimum.
    """
    size, n_all = n_terms(n_label), coefficients.shape[1]
    n_hidden = n_all - size
    whole = compress(coefficients, scatter, data.flux, data.ivar, workers=workers)
    live = np.isfinite(scatter)
    theta = coefficients[live]
    k, l = np.triu_indices(n_all)  # noqa: E741 - the indices of the paper
    packed = covariance[live][:, k, l].T
    doubled = packed * np.where(k == l, 1.0, 2.0)[:, None]

    def one(part: slice) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        quartic, u = whole.select(part), trained[part]
        spectrum, hidden, _ = integrate_hidden(quartic, n_hidden)
        optima = minimise(spectrum, u[:, None, 1 : 1 + n_label])
        labels = optima.labels[:, 0]
        z = label_vector(labels)
        z = np.concatenate([z, np.einsum("nht,nt->nh", hidden.map, z)], axis=1)
        flux, ivar = data.flux[part][:, live], data.ivar[part][:, live]
        weight = pixel_weights(scatter[live], ivar)
        leverage = np.minimum(weight * (pack_products(u) @ doubled), _MAX_LEVERAGE)
        q = weight * (flux - u @ theta.T) / (1 - leverage)
        shift = q * ((0.5 * (z[:, k] * u[:, l] + z[:, l] * u[:, k])) @ doubled)
        moved = unpack_symmetric((weight * q * (flux - z @ theta.T + shift)) @ packed.T, n_all)
        # at the optimum the sum of w theta r(z) cancels with the prior of the hidden components
        gradient = (weight * shift) @ theta - np.einsum("nij,nj->ni", moved, u)
        jacobian = np.zeros((len(labels), n_all, n_label + n_hidden))
        jacobian[:, :size, :n_label] = label_vector_jacobian(labels)
        jacobian[:, np.arange(size, n_all), np.arange(n_label, n_label + n_hidden)] = 1.0
        normal = jacobian.transpose(0, 2, 1) @ quartic.a @ jacobian
        normal[:, n_label:, n_label:] += np.eye(n_hidden)
        good = optima.converged[:, 0] & (np.linalg.eigvalsh(normal)[:, 0] > 0)
        inverse = np.zeros_like(normal)
        inverse[good] = np.linalg.inv(normal[good])
        step = np.einsum("nij,ntj,nt->ni", inverse, jacobian, gradient)[:, :n_label]
        return labels + step, np.diagonal(inverse, axis1=1, axis2=2)[:, :n_label], good

    parts = map_blocks(one, len(data.flux), _BLOCK, workers)
    labels, variance, good = (np.concatenate(values) for values in zip(*parts, strict=True))
    return labels, variance, good
