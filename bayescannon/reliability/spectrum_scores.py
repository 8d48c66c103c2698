r"""
Spectral novelty: the residuals of a spectrum compared with those of held-out reference stars.

The residual is projected out of the model's tangent space, :math:`r_\perp = r - J (J^T W J)^{-1} J^T W r`, and averaged
over blocks of pixels, which reduces the noise and keeps the residuals of lines and wings. With the variance v_b of a
block from the noise and the intrinsic variance s_b^2 of held-out reference stars, the statistic is the log of the mean
of :math:`r_b^2 / (v_b + s_b^2)` over live blocks. At high S/N every misfit is large compared with the noise, so the
trend of the reference stars with S/N is subtracted from the statistic, and from the log of the reduced chi2.

Hidden components h are taken out of the residuals, and count as further blocks. Together these are residuals whitened
by the low-rank covariance, as r^T (D + H H^T)^-1 r = (r - H h)^T D^-1 (r - H h) + h^T h.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.tiles import map_tiles, star_product
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.residual_kernels import average_blocks, median_roots, solve_all
from bayescannon.stars.quartic import Quartic

# pixels per block; lines are 3-5 pixels wide at R = 1800, wings of strong lines about ten times as wide
BLOCK = 32
_ROUNDING = np.finfo(float).eps
_ROUNDS = 50
_HUBER = 1.5
# a spectrum that says next to nothing of a hidden component
_LEAST_VARIANCE = 1e-6


@dataclass(frozen=True)
class Residuals:
    """
    The residuals from which the novelty of N stars is computed.

    Attributes
    ----------
    residual, variance : float arrays of shape (N, block)
        Block averages of the residual outside the tangent space, and their variance from the noise; inf for a block
        without live pixels. Hidden components follow, with the variance that is expected of their means.
    reduced_chi2 : float array of shape (N,)
        Reduced chi2 with the model's kappa and scatter.
    log_snr : float array of shape (N,)
        Log of the median signal-to-noise ratio of a live pixel of the normalised flux.
    """

    residual: FloatArray
    variance: FloatArray
    reduced_chi2: FloatArray
    log_snr: FloatArray

    def select(self, index: NDArray[np.intp]) -> "Residuals":
        """Return the stars of an index array."""
        return Residuals(self.residual[index], self.variance[index], self.reduced_chi2[index], self.log_snr[index])

    def with_hidden(self, hidden: FloatArray, variance: FloatArray) -> "Residuals":
        """Append hidden components and the variance expected of their means, both (N, R)."""
        return replace(
            self,
            residual=np.concatenate([self.residual, hidden], axis=1),
            variance=np.concatenate([self.variance, np.maximum(variance, _LEAST_VARIANCE)], axis=1),
        )

    @classmethod
    def join(cls, parts: "list[Residuals]") -> "Residuals":
        """Concatenate the stars of several parts, in order."""
        names = ("residual", "variance", "reduced_chi2", "log_snr")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def block_residuals(
    coefficients: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    quartic: Quartic,
    vectors: FloatArray,
    slopes: FloatArray,
    *,
    block: int = BLOCK,
    workers: int | None = None,
) -> Residuals:
    """
    Average the residuals of N stars outside the model's tangent space at their labels.

    With r = f - C w and J = C D, J^T W J and J^T W r are products of the star's quartic with w and D, so that pixels
    are needed only for the averages.

    Parameters
    ----------
    coefficients : float array of shape (pixel, T)
        C: theta, followed by the loadings of hidden components; 0 in dead pixels.
    flux, ivar : float arrays of shape (star, pixel)
        `ivar` is divided by kappa^2, and 0 where the pixel of the star or of the model is dead.
    quartic : Quartic
        Likelihoods of these stars with these coefficients.
    vectors : float array of shape (star, T)
        w: label vectors, followed by the hidden components; a star with NaN has NaN results.
    slopes : float array of shape (star, T, K)
        D = dw/dl.
    block : int
        Pixels per block; the last block may be shorter.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    residuals : Residuals
    """
    n_label = slopes.shape[2]
    known = np.isfinite(vectors).all(axis=1)
    fitted = known & (quartic.n_live > n_label)
    # the quartic uses the label vector without its constant, with theta_0 subtracted from the flux
    at = np.where(known[:, None], vectors, 0.0)
    shifted = at.copy()
    shifted[:, 0] = 0.0
    product = np.einsum("nij,nj->ni", quartic.a, shifted)
    chi2 = quartic.c + np.einsum("ni,ni->n", shifted, product - 2 * quartic.b)
    across = slopes.transpose(0, 2, 1)
    right = (across @ (quartic.b - product)[..., None])[..., 0]
    amplitude = _solve(across @ quartic.a @ slopes, right)
    inside = at + np.where(fitted[:, None], np.einsum("ntk,nk->nt", slopes, amplitude), 0.0)
    shape = (len(flux), -(-len(coefficients) // block))
    mean, variance, signal = np.empty(shape), np.empty(shape), np.empty(len(flux))

    def one(part: slice) -> None:
        prediction = star_product(inside[part], coefficients.T)
        average_blocks(flux[part], prediction, ivar[part], block, mean[part], variance[part])
        median_roots(ivar[part], fitted[part], signal[part])

    map_tiles(one, len(flux), workers)
    mean[~known] = np.nan
    reduced = np.where(fitted, chi2 / np.where(fitted, quartic.n_live - n_label, 1), np.nan)
    return Residuals(mean, variance, reduced, np.log(signal))


def _solve(matrix: FloatArray, right: FloatArray) -> NDArray[np.float64]:
    """Solve symmetric systems (N, K, K) of right sides (N, K); the shortest solution where a matrix is singular."""
    solution, solved = np.empty(right.shape), np.empty(len(right), dtype=np.bool_)
    solve_all(matrix, right, solution, solved)
    if not solved.all():
        # a spectrum that does not constrain a label
        rest = np.flatnonzero(~solved)
        inverse = np.linalg.pinv(matrix[rest], hermitian=True, rcond=right.shape[1] * _ROUNDING)
        solution[rest] = (inverse @ right[rest][..., None])[..., 0]
    return solution


@dataclass(frozen=True)
class NoveltyReference:
    """
    The residuals of reference stars that were held out of training, summarised.

    Attributes
    ----------
    intrinsic : float array of shape (block,)
        s_b^2, the variance of block averages in excess of the noise; then that of hidden components. References of
        versions before 0.5 end with the blocks.
    trend : float array of shape (2, 3)
        Coefficients of quadratics in log S/N, for the log reduced chi2 and for the log mean square of the blocks.
    log_snr_range : float array of shape (2,)
        Range of log S/N of the reference stars; outside it the trend is constant.
    block : int
        Pixels per block.
    """

    intrinsic: FloatArray
    trend: FloatArray
    log_snr_range: FloatArray
    block: int = BLOCK

    @classmethod
    def fit(cls, residuals: Residuals, *, block: int = BLOCK) -> "NoveltyReference":
        """
        Fit intrinsic variances and trends to the held-out residuals of M reference stars.

        Raises
        ------
        InputError
            Fewer than ten stars have residuals.
        """
        usable = np.isfinite(residuals.residual).all(axis=1) & np.isfinite(residuals.log_snr)
        usable &= residuals.reduced_chi2 > 0
        if usable.sum() < 10:
            raise InputError(f"spectral novelty needs at least 10 fitted reference stars; got {int(usable.sum())}")
        part = residuals.select(np.flatnonzero(usable))
        intrinsic = _intrinsic_variance(part.residual, part.variance)
        ends = np.quantile(part.log_snr, [0.0, 1.0])
        flat = cls(intrinsic, np.zeros((2, 3)), ends, block)
        raw = flat.scores(part)
        return cls(intrinsic, np.stack([_robust_quadratic(part.log_snr, column) for column in raw.T]), ends, block)

    def scores(self, residuals: Residuals) -> NDArray[np.float64]:
        """
        Return the log reduced chi2 and the log mean square of the blocks minus their trends, shape (N, 2).

        NaN for a star without labels or without live pixels.
        """
        size = len(self.intrinsic)
        noise = residuals.variance[:, :size] + self.intrinsic
        live = np.isfinite(noise)
        square = np.where(live, residuals.residual[:, :size] ** 2 / np.where(live, noise, 1.0), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            raw = np.log([residuals.reduced_chi2, square.sum(axis=1) / live.sum(axis=1)]).T
        x = np.clip(residuals.log_snr, *self.log_snr_range)
        x = np.stack([np.ones_like(x), x, x * x], axis=1)
        scores = raw - star_product(x, self.trend.T)
        return np.where(np.isfinite(residuals.log_snr)[:, None] & ~np.isnan(raw), scores, np.nan)


def _intrinsic_variance(residual: FloatArray, variance: FloatArray) -> NDArray[np.float64]:
    """Return s2 of each block with sum_n w^2 (r^2 - v - s2) = 0, w = 1 / (v + s2); outliers beyond 5 sigma clipped."""
    s2 = np.full(residual.shape[1], 1e-6)
    for _ in range(_ROUNDS):
        whole = np.where(np.isfinite(variance), variance, 1e30) + s2
        square = np.minimum(residual**2, 25 * whole)
        weight = whole**-2
        s2 = np.maximum((weight * (square - (whole - s2))).sum(axis=0) / weight.sum(axis=0), 1e-8)
    return s2


def _robust_quadratic(x: FloatArray, y: FloatArray) -> NDArray[np.float64]:
    """Fit y = c0 + c1 x + c2 x^2 with Huber's weights (Huber 1964, Ann. Math. Stat. 35, 73)."""
    design, weight = x[:, None] ** np.arange(3), np.ones(len(x))
    fit = np.zeros(3)
    for _ in range(20):
        root = np.sqrt(weight)
        fit = np.linalg.lstsq(root[:, None] * design, root * y, rcond=None)[0]
        off = np.abs(y - design @ fit)
        scale = 1.4826 * np.median(off) + 1e-12
        weight = 1 / np.maximum(1, off / (_HUBER * scale))
    return fit
