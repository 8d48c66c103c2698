"""The labels of stars: the best of the optima that their starts ended in, its covariance, and what became of it."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.flags import FitStatus
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.stars.quartic import Optima, Quartic, chi2_derivatives, minimise

# Starts agree when their optima are within this many formal errors of the best
_AGREEMENT = 0.01
# Another optimum matters if it is a formal error away and its chi2 is within this of the best (3 sigma)
_RIVAL_CHI2 = 9.0
_RIVAL_DISTANCE = 1.0
_MIN_RCOND = 1e-12
# A prior dominates a label whose variance it lowers below this share of that of the spectrum alone
_LEAST_SHARE_OF_DATA = 0.5


@dataclass(frozen=True)
class LabelOptimum:
    """
    The best optimum of N stars, in scaled labels; NaN where there is no fit.

    Attributes
    ----------
    scaled : float array of shape (N, K)
    covariance : float array of shape (N, K, K)
        The formal one, (J^T W J)^-1; with a prior, with its curvature.
    chi2 : float array of shape (N,)
        Without the prior.
    agreeing_starts : int array of shape (N,)
        Starts that ended in the best optimum.
    rivals : bool array of shape (N,)
        Whether another optimum, a formal error away or more, is about as good.
    live_pixels : int array of shape (N,)
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
        """Which stars have labels and errors, shape (N,)."""
        result: BoolArray = self.status == FitStatus.CONVERGED
        return result

    @property
    def formal(self) -> FloatArray:
        """The formal errors, shape (N, K): roots of the covariances' diagonals; NaN where there is none."""
        variance = np.diagonal(self.covariance, axis1=1, axis2=2)
        return np.sqrt(np.where(variance > 0, variance, np.nan))


def find_labels(
    quartic: Quartic, starts: FloatArray, *, density: LabelDensity | None = None, workers: int | None = None
) -> LabelOptimum:
    """
    Minimise from several starts and take the best optimum of every star.

    Parameters
    ----------
    quartic : Quartic
        Of N stars.
    starts : float array of shape (start, K) or (star, start, K)
        Scaled labels, the same for all stars or each star's own.
    density : LabelDensity, optional
        Prior of the labels; flat unless given.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    found : LabelOptimum
    """
    return best_optimum(quartic, minimise(quartic, starts, density=density, workers=workers), density=density)


def best_optimum(quartic: Quartic, optima: Optima, *, density: LabelDensity | None = None) -> LabelOptimum:
    """
    Take the best of the optima of every star.

    Parameters
    ----------
    quartic : Quartic
        Of N stars.
    optima : Optima
        Of the same stars, under the same prior.
    density : LabelDensity, optional
        The prior; flat unless given.
    """
    n_label = optima.labels.shape[-1]
    stars = np.arange(len(quartic))
    best = optima.chi2.argmin(axis=1)
    scaled, converged = optima.labels[stars, best], optima.converged[stars, best]
    gauss = chi2_derivatives(quartic, scaled, density=density).gauss_newton / 2
    apart = optima.labels - scaled[:, None, :]
    distance = np.einsum("nsi,nij,nsj->ns", apart, gauss, apart)

    rival = optima.converged & (distance > _RIVAL_DISTANCE**2)
    rival &= optima.chi2 - optima.chi2[stars, best][:, None] < _RIVAL_CHI2

    # a quartic that something was taken out of may have no minimum: negative curvature, labels without bounds
    sound = np.isfinite(gauss).all(axis=(1, 2)) & (np.diagonal(gauss, axis1=1, axis2=2) > 0).all(axis=1)
    gauss[~sound] = 0.0
    diagonal = np.sqrt(np.maximum(np.diagonal(gauss, axis1=1, axis2=2), np.finfo(float).tiny))
    unit = gauss / (diagonal[:, :, None] * diagonal[:, None, :])
    eigenvalues = np.linalg.eigvalsh(unit)
    definite = eigenvalues[:, 0] > _MIN_RCOND * np.maximum(eigenvalues[:, -1], 1e-300)
    covariance = np.full_like(gauss, np.nan)
    inverse = np.linalg.inv(unit[definite])
    covariance[definite] = inverse / (diagonal[definite, :, None] * diagonal[definite, None, :])

    status = np.where(converged, FitStatus.CONVERGED, FitStatus.NOT_CONVERGED)
    status = np.where(definite, status, FitStatus.SINGULAR)
    few = quartic.n_live <= n_label
    status = np.where(few, FitStatus.FEW_PIXELS, status)
    chi2 = chi2_derivatives(quartic, scaled).chi2
    scaled[few], covariance[few], chi2[few] = np.nan, np.nan, np.nan
    return LabelOptimum(
        scaled=scaled,
        covariance=covariance,
        chi2=chi2,
        agreeing_starts=np.where(few, 0, (distance < _AGREEMENT**2).sum(axis=1)),
        rivals=rival.any(axis=1) & ~few,
        live_pixels=quartic.n_live,
        status=status.astype(np.int16),
    )


def prior_dominates(found: LabelOptimum, alone: LabelOptimum) -> BoolArray:
    """
    Tell where a prior moves a label by more than its formal error, or halves its variance, or gives it one.

    Parameters
    ----------
    found, alone : LabelOptimum
        With the prior and without it.

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
