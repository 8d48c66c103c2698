r"""
The influence of reference stars on the fit: derivatives of coefficients and scatters by the weight of a star.

Star n has multiplicity m_n in training. With r, w its residual and weight in a pixel, C = (V^T W V + L)^-1,
q = V^T (w^2 r) and g(s^2) the derivative of the profile (:mod:`bayescannon.pixels.block`), whose root is s^2,

    d s^2 / d m_n = -(w - w^2 r^2 + 2 w r v_n . C q [+ w v_n^T C (M_2 - w V) C v_n ...]) / (d g / d s^2),
    d theta / d m_n = C v_n w r - C q d s^2 / d m_n,

where the bracket applies only if the coefficients are integrated out of the likelihood of s, and M_k = V^T W^k V. A
scatter of 0 stays 0. The parameters of priors and kappa are held fixed, so their contribution to errors is left out.

For label vectors that are uncertain, v_n is the mean, and r^2 includes theta^T Cov(v_n) theta. The term
-w C Cov(v_n) theta of d theta / d m_n, which corrects the mean shrinkage of theta and differs little between stars, is
left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.packing import pack_products, unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import PixelFit

_BLOCK = 64


@dataclass(frozen=True)
class PixelInfluence:
    """
    Derivatives of P live pixels by the weights of N reference stars: d theta / d m_n = C v_n score - direction shift.

    Attributes
    ----------
    score : float32 array of shape (P, N)
        w r.
    shift : float32 array of shape (P, N)
        d s^2 / d m_n.
    direction : float array of shape (P, T)
        C q.
    """

    score: NDArray[np.float32]
    shift: NDArray[np.float32]
    direction: NDArray[np.float64]


def pixel_influence(
    fit: PixelFit,
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    marginal: bool = False,
    workers: int | None = None,
) -> PixelInfluence:
    """
    Differentiate the fit of every pixel by the weights of the reference stars.

    Parameters
    ----------
    fit : PixelFit
        Without dead pixels.
    vectors : float array of shape (star, T), or LabelMoments
    flux, ivar : float arrays of shape (star, pixel)
        Those of the training, with ivar divided by kappa^2.
    marginal : bool
        Whether the coefficients were integrated out of the likelihood of the scatters.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    influence : PixelInfluence
    """
    n_star, n_pixel = flux.shape
    moments = vectors if isinstance(vectors, LabelMoments) else LabelMoments.known(vectors)
    vectors = moments.mean
    score, shift = (np.empty((n_pixel, n_star), dtype=np.float32) for _ in range(2))
    direction = np.empty(fit.theta.shape)
    products = pack_products(vectors) if marginal else np.empty((0, 0))

    def one(part: slice) -> None:
        covariance, slope = fit.covariance[part], fit.slope[part]
        noise = ivar[:, part]
        weight = noise / (1 + fit.scatter[part] ** 2 * noise)
        pull = weight * (flux[:, part] - vectors @ fit.theta[part].T)
        direction[part] = np.einsum("pij,pj->pi", covariance, (weight * pull).T @ vectors)
        square = pull**2
        if moments.covariance is not None:
            square += weight**2 * moments.spread(fit.theta[part])
        gradient = weight - square + 2 * pull * (vectors @ direction[part].T)
        if marginal:
            second, third = (unpack_symmetric((weight**k).T @ products, vectors.shape[1]) for k in (2, 3))
            spread = covariance @ second @ covariance
            gradient += weight * _quadratic(products, spread) - weight**2 * _quadratic(products, covariance)
            # the slope of the fit is an approximation for stars of equal noise; this is the exact one
            exact = np.einsum("pij,pji->p", covariance, third) - np.einsum("pij,pji->p", spread, second)
            slope = slope + 2 * exact
        moves = (fit.scatter[part] > 0) & (slope > 0)
        score[part] = pull.T
        shift[part] = np.where(moves, -gradient / np.where(moves, slope, 1.0), 0.0).T

    map_blocks(one, n_pixel, _BLOCK, workers)
    return PixelInfluence(score, shift, direction)


def _quadratic(products: FloatArray, matrices: FloatArray) -> FloatArray:
    """Evaluate v_n^T M_p v_n, shape (star, pixel), from the packed products of v."""
    k, l = np.triu_indices(matrices.shape[1])  # noqa: E741 - the indices of the paper
    return products @ (matrices[:, k, l] * np.where(k == l, 1.0, 2.0)).T
