r"""
Laplace's approximation of the labels of each reference star, given its spectrum and its reported labels.

A star's chi2 is an exact quartic in its labels (:mod:`bayescannon.stars.quartic`); the population and the reported
labels add a quadratic to it. The mode is found by Newton steps, the covariance is the inverse of half the Hessian, and
the moments of the label vector under that Gaussian are exact.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import label_vector, label_vector_jacobian, n_terms
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.label_moments import vector_products
from bayescannon.pixels.label_population import LabelPopulation
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.quartic import Quartic, chi2_derivatives, compress, minimise

_BLOCK = 512


@dataclass(frozen=True)
class LatentLabels:
    """
    The posterior of the latent labels of N stars, given spectra, reported labels, model and population.

    Attributes
    ----------
    mean : float array of shape (N, K)
        Modes.
    hidden : float array of shape (N, R)
        Means of the hidden components.
    joint_covariance : float array of shape (N, K + R, K + R)
        Covariance of labels and hidden components.
    products : float array of shape (N, T + R, T + R)
        E[w w^T] of w, the label vector followed by the hidden components.
    log_likelihood : float array of shape (N,)
        ln of the integral over labels and hidden components, without the spectra's constants (sum of ln weights).
    n_failed : int array of shape (N,)
        1 if no mode was found; the best point is then taken as the mode.
    """

    mean: FloatArray
    hidden: FloatArray
    joint_covariance: FloatArray
    products: FloatArray
    log_likelihood: FloatArray
    n_failed: NDArray[np.int64]

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the labels, shape (N, K, K)."""
        n_label = self.mean.shape[1]
        return self.joint_covariance[:, :n_label, :n_label]

    def moved(self, mean: FloatArray, joint_covariance: FloatArray) -> "LatentLabels":
        """Return other labels (N, K) and another joint covariance with the same hidden components."""
        products = joint_products(mean, self.hidden, joint_covariance)
        return replace(self, mean=mean, joint_covariance=joint_covariance, products=products)


def joint_products(mean: FloatArray, hidden: FloatArray, covariance: FloatArray) -> FloatArray:
    """
    Return E[w w^T] of w = (v(l), h) for labels and hidden components that are normal together.

    Parameters
    ----------
    mean, hidden : float arrays of shape (star, K) and (star, R)
    covariance : float array of shape (star, K + R, K + R)

    Returns
    -------
    products : float array of shape (star, T + R, T + R)
    """
    n_label, size = mean.shape[1], n_terms(mean.shape[1])
    result = np.empty((len(mean), size + hidden.shape[1], size + hidden.shape[1]))
    result[:, :size, :size] = vector_products(mean, covariance[:, :n_label, :n_label])
    # Cov(v, h) is that of the linear part of v: the covariance of its quadratic part and h is of odd order
    cross = label_vector_jacobian(mean) @ covariance[:, :n_label, n_label:]
    cross += result[:, 0, :size, None] * hidden[:, None, :]
    result[:, :size, size:] = cross
    result[:, size:, :size] = cross.transpose(0, 2, 1)
    result[:, size:, size:] = covariance[:, n_label:, n_label:] + hidden[:, :, None] * hidden[:, None, :]
    return result


def infer_latent(
    coefficients: FloatArray,
    scatter: FloatArray,
    data: ReportedStars,
    population: LabelPopulation,
    starts: FloatArray,
    *,
    single: bool = False,
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
    single : bool
        As in :func:`bayescannon.stars.quartic.compress`.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    latent : LatentLabels
    """
    whole = compress(coefficients, scatter, data.flux, data.ivar, single=single, workers=workers)
    n_hidden = coefficients.shape[1] - n_terms(starts.shape[2])

    def one(part: slice) -> LatentLabels:
        spectrum, hidden, hidden_determinant = integrate_hidden(whole.select(part), n_hidden)
        mean, precision, reported = population.given_reported(data.observed[part], data.variance[part])
        both = fold_gaussian(spectrum, mean, precision)
        optima = minimise(both, starts[part])
        stars, best = np.arange(len(mean)), optima.chi2.argmin(axis=1)
        mode = optima.labels[stars, best]
        derivatives = chi2_derivatives(both, mode)
        curvature = derivatives.hessian / 2
        # for a star that ended at a saddle point, J^T A J is used
        definite = np.linalg.eigvalsh(curvature)[:, :1, None] > 0
        curvature = np.where(definite, curvature, derivatives.gauss_newton / 2)
        covariance = np.linalg.inv(curvature)
        v, slope = label_vector(mode), hidden.map @ label_vector_jacobian(mode)
        across = slope @ covariance
        n_label = mode.shape[1]
        joint = np.empty((len(mode), n_label + n_hidden, n_label + n_hidden))
        joint[:, :n_label, :n_label] = covariance
        joint[:, n_label:, :n_label] = across
        joint[:, :n_label, n_label:] = across.transpose(0, 2, 1)
        joint[:, n_label:, n_label:] = hidden.covariance + across @ slope.transpose(0, 2, 1)
        logs = np.linalg.slogdet(precision)[1] - np.linalg.slogdet(curvature)[1] - hidden_determinant
        return LatentLabels(
            mean=mode,
            hidden=np.einsum("nht,nt->nh", hidden.map, v),
            joint_covariance=joint,
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
