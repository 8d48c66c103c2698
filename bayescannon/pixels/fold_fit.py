r"""
Coefficients without the stars of each fold, from one pass over the stars.

Given the scatters, the noise scale, the prior and the moments of the label vectors, a star enters the normal equations
of a pixel by a term of a sum. The sums of every fold are taken once, and the equations without a fold are the total
less its part: the coefficients are exactly those of a fit to the other stars that holds these parameters fixed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.packing import unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments, PixelBlock, add_prior
from bayescannon.pixels.prior import PixelPrior

# pixels per block
_BLOCK = 64
# a pixel with fewer live stars per free term than this, without a fold, is dead in its model
_STARS_PER_TERM = 2


@dataclass(frozen=True)
class FoldFit:
    """
    The coefficients of P pixels without the stars of one fold.

    Attributes
    ----------
    theta : float array of shape (P, T)
    covariance : float array of shape (P, T, T)
        Given the scatters; 0 in dead pixels and for censored terms.
    live : bool array of shape (P,)
    n_live : int array of shape (P,)
        Number of live stars.
    """

    theta: NDArray[np.float64]
    covariance: NDArray[np.float64]
    live: NDArray[np.bool_]
    n_live: NDArray[np.int64]


def fit_without_folds(
    moments: LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    fold: NDArray[np.int64],
    scatter: FloatArray,
    *,
    prior: PixelPrior,
    workers: int | None = None,
) -> Iterator[FoldFit]:
    """
    Fit the coefficients without the stars of each fold, in the order of the folds.

    Parameters
    ----------
    moments : LabelMoments
        Of N stars.
    flux, ivar : float arrays of shape (star, pixel)
        The noise scale is in the inverse variances.
    fold : int array of shape (star,)
        From 0 on.
    scatter : float array of shape (pixel,)
        s; inf in dead pixels.
    prior : PixelPrior
        Of the coefficients.
    workers : int or None
        Threads; None takes every core.
    """
    n_fold, (n_pixel, n_term) = int(fold.max()) + 1, prior.mean.shape
    k, l = np.triu_indices(n_term)  # noqa: E741 - the indices of the paper
    normal, right = np.zeros((n_fold, n_pixel, len(k))), np.zeros((n_fold, n_pixel, n_term))
    n_live = np.zeros((n_fold, n_pixel), dtype=np.int64)
    live = np.isfinite(scatter)
    s2 = np.where(live, scatter, 0.0) ** 2
    for number in range(n_fold):
        inside = fold == number
        some, part_flux, part_ivar = moments.select(inside), flux[inside], ivar[inside]
        n_live[number] = (part_ivar > 0).sum(axis=0)
        found = (normal[number], right[number])

        def one(
            part: slice,
            moments: LabelMoments = some,
            flux: FloatArray = part_flux,
            ivar: FloatArray = part_ivar,
            found: tuple[FloatArray, FloatArray] = found,
        ) -> None:
            flat = PixelPrior.flat(part.stop - part.start, n_term)
            block = PixelBlock(moments, flux[:, part], ivar[:, part], flat, marginal=False, single=True)
            _, _, data, found[1][part] = block.normal_equations(s2[part])
            found[0][part] = data[:, k, l]

        map_blocks(one, n_pixel, _BLOCK, workers)
    total, total_right, total_live = normal.sum(axis=0), right.sum(axis=0), n_live.sum(axis=0)
    n_free = (prior.precision == 0).sum(axis=1)
    keep = ~prior.censored
    for number in range(n_fold):
        left = total_live - n_live[number]
        usable = live & (left >= _STARS_PER_TERM * n_free)
        matrix, vector = add_prior(prior, unpack_symmetric(total - normal[number], n_term), total_right - right[number])
        matrix[~usable] = np.eye(n_term)
        free = keep & usable[:, None]
        covariance = np.linalg.inv(matrix) * (free[:, :, None] & free[:, None, :])
        theta = np.einsum("pij,pj->pi", covariance, vector)
        yield FoldFit(theta, covariance.astype(np.float64, copy=False), usable, left)
