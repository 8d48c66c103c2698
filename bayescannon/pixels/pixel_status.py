"""Which pixels can be fitted: those whose live stars determine all of their free terms."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.packing import unpack_symmetric
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import PixelBlock

# normal equations, scaled to a unit diagonal, are singular if their reciprocal condition number is below this
_MIN_RCOND = 1e-13
# and surely are not, if a sample of the stars has a smallest eigenvalue above this
_SURELY_REGULAR = 1e-7
_SAMPLE_PER_TERM = 40


class PixelStatus(IntEnum):
    """How the fit of one pixel ended."""

    CONVERGED = 0
    NOT_CONVERGED = 1
    DEAD = 2  # fewer live stars than free terms: theta = 0, scatter = inf, weight 0 in labelling
    SINGULAR = 3  # the live stars do not determine all coefficients: treated as DEAD


def pixel_status(block: PixelBlock, n_live: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which pixels are dead, singular, or can be fitted (CONVERGED), shape (P,)."""
    n_free = (block.prior.precision == 0).sum(axis=1)
    status = np.where(n_live < np.maximum(n_free, 1), PixelStatus.DEAD, PixelStatus.CONVERGED).astype(np.int64)
    alive = np.flatnonzero(status == PixelStatus.CONVERGED)
    if len(alive):
        alive = alive[~_surely_regular(block, alive)]
    if len(alive):
        # the rank depends on which stars are live, not on their weights
        live = (block.ivar[:, alive] > 0).astype(np.float64)
        normal = unpack_symmetric(live.T @ block.moments.counted_products, block.moments.mean.shape[1])
        diagonal = np.sqrt(np.maximum(np.diagonal(normal, axis1=1, axis2=2), np.finfo(float).tiny))
        normal /= diagonal[:, :, None] * diagonal[:, None, :]
        known = block.prior.precision[alive] > 0
        normal *= ~(known[:, :, None] | known[:, None, :])
        index = np.arange(normal.shape[1])
        normal[:, index, index] += known
        spectrum = np.linalg.eigvalsh(normal)
        status[alive[~(spectrum[:, 0] > _MIN_RCOND * spectrum[:, -1])]] = PixelStatus.SINGULAR
    return status


def _surely_regular(block: PixelBlock, alive: NDArray[np.intp]) -> NDArray[np.bool_]:
    """
    Return for which of the pixels `alive` a sample of the stars already shows that the terms are independent.

    More stars only add to V^T V. With the diagonal of all stars scaled to 1, the smallest eigenvalue of the sample's
    matrix is at most that of the whole matrix, whose largest is at most T.
    """
    moments, size = block.moments, block.moments.mean.shape[1]
    step = len(moments.mean) // max(_SAMPLE_PER_TERM * size, 1)
    if step < 2:
        return np.zeros(len(alive), dtype=bool)
    live = block.ivar[:, alive] > 0
    k, l = np.triu_indices(size)  # noqa: E741 - the indices of the paper
    diagonal = live.T.astype(np.float32) @ moments.single_products[:, k == l]
    diagonal = np.sqrt(np.maximum(diagonal, np.finfo(np.float32).tiny)).astype(np.float64)
    normal = unpack_symmetric(live[::step].T.astype(np.float64) @ moments.counted_products[::step], size)
    normal /= diagonal[:, :, None] * diagonal[:, None, :]
    result: NDArray[np.bool_] = np.linalg.eigvalsh(normal)[:, 0] > _SURELY_REGULAR
    return result


def known_status(block: PixelBlock, n_live: NDArray[np.int64], start: FloatArray) -> NDArray[np.int64]:
    """Return the status of pixels that were fitted before: those without a scatter, or with too few stars, are dead."""
    n_free = (block.prior.precision == 0).sum(axis=1)
    live = np.isfinite(start) & (n_live >= n_free)
    return np.where(live, PixelStatus.CONVERGED, PixelStatus.DEAD).astype(np.int64)
