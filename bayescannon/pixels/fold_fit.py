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

from bayescannon.numerics.mapped import release
from bayescannon.numerics.packing import unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments, PixelBlock, add_prior
from bayescannon.pixels.mixed_block import MixedBlock
from bayescannon.pixels.orthogonal_labels import OrthogonalLabels
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


@dataclass(frozen=True)
class _Sums:
    """V^T W V (fold, P, T (T + 1) / 2), V^T W f (fold, P, T) and live stars (fold, P) of the stars of each fold."""

    normal: NDArray[np.float64]
    right: NDArray[np.float64]
    n_live: NDArray[np.int64]


@dataclass(frozen=True)
class _Fold:
    """The stars of one fold, whose label vectors are orthonormal if their sums may be in single precision."""

    inside: NDArray[np.bool_]
    moments: LabelMoments
    labels: OrthogonalLabels | None

    @classmethod
    def of(cls, moments: LabelMoments, inside: NDArray[np.bool_], flux: FloatArray, ivar: FloatArray) -> "_Fold":
        single = flux.dtype == np.float32 and ivar.dtype == np.float32
        labels = moments.orthogonal if single else None
        if labels is not None:
            labels = labels.select(inside)
        return cls(inside, moments.select(inside), labels)

    def add(
        self,
        sums: _Sums,
        number: int,
        part: slice,
        data: tuple[FloatArray, FloatArray],
        s2: FloatArray,
        kappa: FloatArray,
    ) -> None:
        """Fill the sums of this fold, of a block of pixels."""
        n_term = sums.right.shape[2]
        k, l = np.triu_indices(n_term)  # noqa: E741 - the indices of the paper
        flux, ivar = (values[self.inside] for values in data)
        sums.n_live[number, part] = (ivar > 0).sum(axis=0)
        flat = PixelPrior.flat(len(s2), n_term)
        if self.labels is None:
            scaled = ivar if np.all(kappa == 1) else ivar / kappa**2
            block = PixelBlock(self.moments, flux, scaled, flat, marginal=False, single=True)
            _, _, normal, right = block.normal_equations(s2)
        else:
            scale = (1 / kappa**2).astype(np.float32)
            mixed = MixedBlock(self.labels, flux, ivar, scale, flat, False, np.zeros(len(s2)))
            normal, right = mixed.equations(s2.astype(np.float32))
            right = right + normal[:, :, 0]
        sums.normal[number, part], sums.right[number, part] = normal[:, k, l], right


def fit_without_folds(
    moments: LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    fold: NDArray[np.int64],
    scatter: FloatArray,
    *,
    prior: PixelPrior,
    kappa: FloatArray | float = 1.0,
    workers: int | None = None,
) -> Iterator[FoldFit]:
    """
    Fit the coefficients without the stars of each fold, in the order of the folds.

    Parameters
    ----------
    moments : LabelMoments
        Of N stars.
    flux, ivar : float arrays of shape (star, pixel)
    fold : int array of shape (star,)
        From 0 on.
    scatter : float array of shape (pixel,)
        s; inf in dead pixels.
    prior : PixelPrior
        Of the coefficients.
    kappa : float, or float array of shape (pixel,)
        The variance is kappa^2 / ivar + s^2.
    workers : int or None
        Threads; None takes every core.
    """
    n_fold, (n_pixel, n_term) = int(fold.max()) + 1, prior.mean.shape
    sums = _Sums(
        np.zeros((n_fold, n_pixel, n_term * (n_term + 1) // 2)), np.zeros((n_fold, n_pixel, n_term)),
        np.zeros((n_fold, n_pixel), dtype=np.int64),
    )  # fmt: skip
    live = np.isfinite(scatter)
    s2 = np.where(live, scatter, 0.0) ** 2
    scales = np.broadcast_to(np.asarray(kappa, dtype=np.float64), n_pixel)
    of_folds = [_Fold.of(moments, fold == number, flux, ivar) for number in range(n_fold)]

    def one(part: slice) -> None:
        for number, some in enumerate(of_folds):
            some.add(sums, number, part, (flux[:, part], ivar[:, part]), s2[part], scales[part])
        for data in (flux, ivar):
            release(data[:, part])

    map_blocks(one, n_pixel, _BLOCK, workers)
    normal, right, n_live = sums.normal, sums.right, sums.n_live
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
