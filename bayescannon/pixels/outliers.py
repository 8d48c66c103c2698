r"""
Pixels of reference stars that are outliers: cosmic rays, residuals of the sky, defects of the detector.

    f_np ~ (1 - e) Normal(m_np, d_np) + e Cauchy(m_np, b d_np),    m_np = theta_p . v(l_n),
    d_np^2 = s_p^2 + kappa^2 sigma_np^2.

The whole deviation d is heavy-tailed and not the noise alone: what an outlier is has to be told from all that the model
does not describe, and where s is larger than the noise a hit of ten sigma may be smaller than s. Given the mean
precision u of every flux in units of 1 / d^2 (:mod:`bayescannon.numerics.outlier_mixture`), coefficients and scatters
are those of least squares with r^2 replaced by u r^2, so that rounds of both (expectation maximisation) end where the
gradient of the posterior vanishes. It is an optimum near that without outliers; there may be others.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.outlier_mixture import N_BINS, OutlierShare, minus_log, outlier_weight, residual_bin
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import PixelFit

# stars per block
_BLOCK = 256


@dataclass(frozen=True)
class ReferenceResiduals:
    """
    The residuals of N reference stars in P pixels, evaluated block by block.

    Attributes
    ----------
    moments : LabelMoments
        Label vectors; with uncertain labels, residuals are those of their means.
    flux, ivar : float arrays of shape (N, P)
    workers : int or None
        Threads; None takes every core.
    """

    moments: LabelMoments
    flux: FloatArray
    ivar: FloatArray
    workers: int | None = None

    def counts(self, fit: PixelFit, kappa: FloatArray) -> NDArray[np.float64]:
        """Return the number of residuals in the bins of :func:`residual_bin`, shape (N_BINS,)."""

        def one(part: slice) -> NDArray[np.float64]:
            found: NDArray[np.float64] = _count(
                *self._block(fit, kappa, part), self.moments.counts[part], np.zeros(N_BINS)
            )
            return found

        return np.sum(self._map(one), axis=0, dtype=np.float64)

    def factors(self, fit: PixelFit, kappa: FloatArray, outliers: OutlierShare) -> NDArray[np.float32]:
        """Return u of every flux, shape (N, P); 1 in dead pixels."""
        result = np.empty(self.flux.shape, dtype=np.float32)
        self._map(lambda part: _fill(*self._block(fit, kappa, part), (outliers.share, outliers.scale), result[part]))
        return result

    def select(self, pixels: NDArray[np.intp]) -> "ReferenceResiduals":
        """Return the residuals in some of the pixels."""
        return replace(self, flux=self.flux[:, pixels], ivar=self.ivar[:, pixels])

    def moves(self, fit: PixelFit, kappa: FloatArray, change: FloatArray) -> NDArray[np.float64]:
        """Return how far a change of the factors (N, P) moves the coefficients of each pixel, in their errors."""

        def one(part: slice) -> FloatArray:
            pull = np.empty(change[part].shape)
            _pull(*self._block(fit, kappa, part), change[part], pull)
            gradient: FloatArray = pull.T @ self.moments.counted_mean[part]
            return gradient

        gradient = np.sum(self._map(one), axis=0)
        squared: FloatArray = np.einsum("pi,pij,pj->p", gradient, fit.covariance, gradient)
        return np.sqrt(np.maximum(squared, 0.0))

    def with_outliers(self, fit: PixelFit, kappa: FloatArray, outliers: OutlierShare, factors: FloatArray) -> PixelFit:
        """Return a fit to given factors with the objective of the mixture, in which pixels can be outliers."""
        mixture = (outliers.share, outliers.scale)

        def one(part: slice) -> NDArray[np.float64]:
            block, counts = self._block(fit, kappa, part), self.moments.counts[part]
            found: NDArray[np.float64] = _excess(*block, mixture, factors[part], counts)
            return found

        added = self._map(one)
        return replace(fit, objective=np.where(fit.live, fit.objective + np.sum(added, axis=0), 0.0))

    def _map[T](self, one: Callable[[slice], T]) -> list[T]:
        return map_blocks(one, len(self.flux), _BLOCK, self.workers)

    def _block(
        self, fit: PixelFit, kappa: FloatArray, part: slice
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        prediction = self.moments.mean[part] @ fit.theta.T
        return self.flux[part], prediction, self.ivar[part], fit.scatter**2, np.square(kappa)


@compiled(nogil=True, inline="always")
def _squared(flux, prediction, ivar, s2, k2):  # type: ignore[no-untyped-def]
    """Return the squared residual in units of its variance; -1 in a dead pixel."""
    if ivar <= 0 or s2 == np.inf:
        return -1.0
    return (flux - prediction) ** 2 / (s2 + k2 / ivar)


@compiled(nogil=True)
def _count(flux, prediction, ivar, s2, k2, counts, bins):  # type: ignore[no-untyped-def]
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            z2 = _squared(flux[n, p], prediction[n, p], ivar[n, p], s2[p], k2[p])
            if z2 >= 0:
                bins[residual_bin(np.sqrt(z2))] += counts[n]
    return bins


@compiled(nogil=True)
def _fill(flux, prediction, ivar, s2, k2, outliers, factors):  # type: ignore[no-untyped-def]
    share, scale = outliers
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            z2 = _squared(flux[n, p], prediction[n, p], ivar[n, p], s2[p], k2[p])
            factors[n, p] = outlier_weight(z2, share, scale) if z2 >= 0 else 1.0


@compiled(nogil=True)
def _pull(flux, prediction, ivar, s2, k2, change, pull):  # type: ignore[no-untyped-def]
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            dead = ivar[n, p] <= 0 or s2[p] == np.inf
            off = flux[n, p] - prediction[n, p]
            pull[n, p] = 0.0 if dead else change[n, p] * off / (s2[p] + k2[p] / ivar[n, p])


@compiled(nogil=True)
def _excess(flux, prediction, ivar, s2, k2, outliers, factors, counts):  # type: ignore[no-untyped-def]
    """Return the objective of the mixture minus that of least squares with the factors, shape (pixel,)."""
    share, scale = outliers
    total = np.zeros(flux.shape[1])
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            z2 = _squared(flux[n, p], prediction[n, p], ivar[n, p], s2[p], k2[p])
            if z2 >= 0:
                total[p] += counts[n] * (minus_log(z2, share, scale) - 0.5 * factors[n, p] * z2)
    return total
