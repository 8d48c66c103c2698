"""The labels of stars: the best optimum of several starts, its covariance and its status."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.flags import FitStatus
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.stars.information import invert_information
from bayescannon.stars.modes import find_modes
from bayescannon.stars.quartic import Optima, Quartic, chi2_derivatives

# starts agree if their optima are within this many formal errors of the best
_AGREEMENT = 0.01
# another optimum is a rival if it is this many formal errors away and its chi2 exceeds the best by less than this
_RIVAL_CHI2 = 9.0
_RIVAL_DISTANCE = 1.0
# a prior dominates a label if it lowers the variance below this share of the variance without the prior
_LEAST_SHARE_OF_DATA = 0.5


@dataclass(frozen=True)
class LabelOptimum:
    """
    The best optimum of N stars, in scaled labels; NaN for a star without a fit.

    Attributes
    ----------
    scaled : float array of shape (N, K)
    covariance : float array of shape (N, K, K)
        The formal covariance (J^T W J)^-1; with a prior, its curvature is added to J^T W J.
    chi2 : float array of shape (N,)
        chi2 without the prior.
    agreeing_starts : int array of shape (N,)
        Number of given starts that ended in the best optimum.
    rivals : bool array of shape (N,)
        Whether another optimum, more than one formal error away, has a chi2 within 9 of the best.
    live_pixels : int array of shape (N,)
        Number of pixels with positive weight.
    status : int array of shape (N,)
        :class:`~bayescannon.data.flags.FitStatus`.
    """

    scaled: FloatArray
    covariance: FloatArray
    chi2: FloatArray
    agreeing_starts: NDArray[np.int64]
    rivals: BoolArray
    live_pixels: NDArray[np.int64]
    status: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.scaled)

    def select(self, index: Any) -> "LabelOptimum":
        """Return the optima of some of the stars: a slice, a mask or an index array."""
        return LabelOptimum(**{item.name: getattr(self, item.name)[index] for item in fields(self)})

    @property
    def converged(self) -> BoolArray:
        """Whether a star has labels and errors, shape (N,)."""
        result: BoolArray = self.status == FitStatus.CONVERGED
        return result

    @property
    def formal(self) -> FloatArray:
        """The formal errors, shape (N, K): square roots of the covariances' diagonals; NaN without a covariance."""
        variance = np.diagonal(self.covariance, axis1=1, axis2=2)
        return np.sqrt(np.where(variance > 0, variance, np.nan))


def find_labels(
    quartic: Quartic, starts: FloatArray, *, density: LabelDensity | None = None, workers: int | None = None
) -> LabelOptimum:
    """
    Find the minima of every star's chi2 (:func:`bayescannon.stars.modes.find_modes`) and return the best.

    Parameters
    ----------
    quartic : Quartic
        Likelihoods of N stars.
    starts : float array of shape (start, K) or (star, start, K)
        Scaled labels, the same for all stars or different for each star.
    density : LabelDensity, optional
        Prior of the labels; by default flat.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    found : LabelOptimum
    """
    found = find_modes(quartic, starts, density=density, workers=workers)
    return best_optimum(quartic, found, density=density, workers=workers)


def best_optimum(
    quartic: Quartic, optima: Optima, *, density: LabelDensity | None = None, workers: int | None = 1
) -> LabelOptimum:
    """
    Return the best of the optima of every star.

    Parameters
    ----------
    quartic : Quartic
        Likelihoods of N stars.
    optima : Optima
        Optima of the same stars, under the same prior.
    density : LabelDensity, optional
        The prior; by default flat.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    found : LabelOptimum
    """
    n_label = optima.labels.shape[-1]
    stars = np.arange(len(quartic))
    best = optima.chi2.argmin(axis=1)
    scaled, converged = optima.labels[stars, best], optima.converged[stars, best]
    gauss = chi2_derivatives(quartic, scaled, density=density, workers=workers).gauss_newton / 2
    apart = optima.labels - scaled[:, None, :]
    distance = np.einsum("nsi,nij,nsj->ns", apart, gauss, apart)

    rival = optima.converged & (distance > _RIVAL_DISTANCE**2)
    rival &= optima.chi2 - optima.chi2[stars, best][:, None] < _RIVAL_CHI2

    covariance, definite = invert_information(gauss)

    status = np.where(converged, FitStatus.CONVERGED, FitStatus.NOT_CONVERGED)
    status = np.where(definite, status, FitStatus.SINGULAR)
    few = quartic.n_live <= n_label
    status = np.where(few, FitStatus.FEW_PIXELS, status)
    if density is None or density.is_flat:
        chi2 = optima.chi2[stars, best]
    else:
        chi2 = chi2_derivatives(quartic, scaled, workers=workers).chi2
    scaled[few], covariance[few], chi2[few] = np.nan, np.nan, np.nan
    return LabelOptimum(
        scaled=scaled,
        covariance=covariance,
        chi2=chi2,
        agreeing_starts=np.where(few, 0, (distance[:, : optima.n_given] < _AGREEMENT**2).sum(axis=1)),
        rivals=rival.any(axis=1) & ~few,
        live_pixels=quartic.n_live,
        status=status.astype(np.int16),
    )


def prior_dominates(found: LabelOptimum, alone: LabelOptimum) -> BoolArray:
    """
    Return where a prior moves a label by more than its formal error, halves its variance, or alone determines it.

    Parameters
    ----------
    found, alone : LabelOptimum
        The optima with and without the prior.

    Returns
    -------
    dominated : bool array of shape (N,)
    """
    variance = np.diagonal(alone.covariance, axis1=1, axis2=2)
    with np.errstate(invalid="ignore"):
        moved = (found.scaled - alone.scaled) ** 2 > variance
        halved = np.diagonal(found.covariance, axis1=1, axis2=2) < _LEAST_SHARE_OF_DATA * variance
    given = np.isnan(variance) & ~np.isnan(found.scaled)
    dominated: BoolArray = (moved | halved | given).any(axis=1)
    return dominated
