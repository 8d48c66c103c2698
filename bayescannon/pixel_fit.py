r"""
Exact maximum a posteriori fit of every pixel: coefficients by weighted least squares, scatter by Newton.

With flat priors the pixels of :func:`bayescannon.models.spectral.spectral_model` are independent. Given the
scatter s, the coefficients theta solve the normal equations of a weighted least-squares problem
(Ho et al. 2017, eq. 6, the paper's "given s_p"). The negative log-likelihood with theta at its optimum has

    2 dNLL/d(s^2) = g(s^2) = sum_n w_n - w_n^2 r_n^2,      w_n = 1 / (s^2 + sigma_n^2),

so the scatter is a one-dimensional root, with s = 0 allowed where g(0) >= 0. The derivative of g along the
profile needs only one more product, q = V^T (w^2 r): dg/d(s^2) = sum(-w^2 + 2 w^3 r^2) - 2 q^T (V^T W V)^-1 q.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from enum import IntEnum

import numba
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bayescannon.label_vector import FloatArray
from bayescannon.machine import n_cores
from bayescannon.packing import pack_products, unpack_symmetric

# The paper steps through a grid of scatters; its released code uses these values of ln s
GRID_LN_SCATTER = np.arange(np.log(1e-4), 1e-9, 0.5)

# Where s = 0 is a local optimum, this many variances up to that of the residuals are tried for a better one
_N_SCAN = 6

_MAX_PASSES = 60

# Smallest reciprocal condition number of the (unit-diagonal) normal equations that is solved
_MIN_RCOND = 1e-13


class PixelStatus(IntEnum):
    """How the fit of one pixel ended."""

    CONVERGED = 0
    NOT_CONVERGED = 1
    DEAD = 2  # fewer live stars than terms: theta = 0, scatter = inf, weight 0 in labelling
    SINGULAR = 3  # the live stars do not determine all coefficients: treated as DEAD


@dataclass(frozen=True)
class PixelFit:
    """
    Coefficients and scatters of P pixels.

    Attributes
    ----------
    theta : float array of shape (P, T)
        Coefficients; 0 in dead pixels.
    scatter : float array of shape (P,)
        Intrinsic scatter s in normalised flux; inf in dead pixels, which so get weight 0.
    covariance : float array of shape (P, T, T)
        Covariance of theta given s, (V^T W V)^-1; 0 in dead pixels.
    gradient : float array of shape (P,)
        g(s^2) at the solution: 0 where s > 0, not negative where s = 0.
    negative_log_likelihood : float array of shape (P,)
        Without the constant n_live ln(2 pi) / 2; 0 in dead pixels.
    n_live, n_passes, status : int arrays of shape (P,)
        Live stars, passes over the data, and :class:`PixelStatus`.
    """

    theta: NDArray[np.float64]
    scatter: NDArray[np.float64]
    covariance: NDArray[np.float64]
    gradient: NDArray[np.float64]
    negative_log_likelihood: NDArray[np.float64]
    n_live: NDArray[np.int64]
    n_passes: NDArray[np.int64]
    status: NDArray[np.int64]


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _weigh(flux, ivar, s2, weight, weighted_flux):  # type: ignore[no-untyped-def]
    """Fill weight = 1 / (s2 + 1/ivar), 0 in dead pixels, and weight * flux; all (star, pixel)."""
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            w = ivar[n, p] / (1.0 + s2[p] * ivar[n, p])
            weight[n, p] = w
            weighted_flux[n, p] = w * flux[n, p]


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _scatter_sums(flux, prediction, weight, w2r, sums):  # type: ignore[no-untyped-def]
    """Fill w2r = w^2 r and sums[0..3] = sum of w, of w^2, of w^2 r^2 and of w^3 r^2 over the stars."""
    sums[:] = 0.0
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            w = weight[n, p]
            wr = w * (flux[n, p] - prediction[n, p])
            w2r[n, p] = w * wr
            sums[0, p] += w
            sums[1, p] += w * w
            sums[2, p] += wr * wr
            sums[3, p] += w * wr * wr


@numba.njit(nogil=True, cache=True)
def _fixed_theta_gradient(flux, prediction, ivar, s2):  # type: ignore[no-untyped-def]
    """Evaluate g at s2 of shape (k, pixel) with theta held; shape (k, pixel)."""
    g = np.zeros_like(s2)
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            r2 = (flux[n, p] - prediction[n, p]) ** 2
            for k in range(s2.shape[0]):
                w = ivar[n, p] / (1.0 + s2[k, p] * ivar[n, p])
                g[k, p] += w - w * w * r2
    return g


@numba.njit(nogil=True, cache=True)
def _residual_variance(flux, prediction, ivar):  # type: ignore[no-untyped-def]
    """Average the squared residuals over the live stars; shape (pixel,)."""
    total, n_live = np.zeros(flux.shape[1]), np.zeros(flux.shape[1])
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            if ivar[n, p] > 0.0:
                total[p] += (flux[n, p] - prediction[n, p]) ** 2
                n_live[p] += 1.0
    return total / n_live


@numba.njit(nogil=True, cache=True)
def _negative_log_likelihood(flux, prediction, weight):  # type: ignore[no-untyped-def]
    """Sum (w r^2 - ln w) / 2 over the live stars; shape (pixel,)."""
    nll = np.zeros(flux.shape[1])
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            w = weight[n, p]
            if w > 0.0:
                nll[p] += 0.5 * (w * (flux[n, p] - prediction[n, p]) ** 2 - np.log(w))
    return nll


class _Block:
    """The data of a block of pixels and one pass of weighted least squares over them."""

    def __init__(self, vectors: FloatArray, products: FloatArray, flux: FloatArray, ivar: FloatArray) -> None:
        self.vectors, self.products = vectors, products
        self.flux, self.ivar = np.ascontiguousarray(flux), np.ascontiguousarray(ivar)

    def select(self, index: NDArray[np.intp]) -> "_Block":
        """Return the block of some of the pixels."""
        if len(index) == self.flux.shape[1]:
            return self
        return _Block(self.vectors, self.products, self.flux[:, index], self.ivar[:, index])

    def normal_equations(self, s2: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the weights (star, pixel), V^T W V (pixel, T, T) and V^T W f (pixel, T)."""
        weight, weighted_flux = np.empty(self.flux.shape), np.empty(self.flux.shape)
        _weigh(self.flux, self.ivar, s2, weight, weighted_flux)
        normal = unpack_symmetric(weight.T @ self.products, self.vectors.shape[1])
        return weight, normal, weighted_flux.T @ self.vectors

    def fit_theta(self, s2: FloatArray) -> "_Pass":
        """Solve for theta at the scatters s2 (pixel,) and evaluate g, its slope and the noise scale."""
        weight, normal, right = self.normal_equations(s2)
        theta = np.linalg.solve(normal, right[..., None])[..., 0]
        prediction = self.vectors @ theta.T
        w2r, sums = np.empty(self.flux.shape), np.empty((4, len(s2)))
        _scatter_sums(self.flux, prediction, weight, w2r, sums)
        q = w2r.T @ self.vectors
        descent = np.einsum("pt,pt->p", q, np.linalg.solve(normal, q[..., None])[..., 0])
        return _Pass(
            theta=theta, normal=normal, weight=weight, prediction=prediction,
            gradient=sums[0] - sums[2], slope=-sums[1] + 2 * sums[3] - 2 * descent,
            variance=sums[0] / sums[1],
        )  # fmt: skip

    def fit(self, s2: FloatArray) -> tuple["_Pass", FloatArray]:
        """Like :meth:`fit_theta`, with the negative log-likelihood (pixel,)."""
        result = self.fit_theta(s2)
        return result, _negative_log_likelihood(self.flux, result.prediction, result.weight)


@dataclass(frozen=True)
class _Pass:
    theta: FloatArray
    normal: FloatArray
    weight: FloatArray
    prediction: FloatArray
    gradient: FloatArray
    slope: FloatArray
    variance: FloatArray  # a typical s^2 + sigma^2 of the pixel


def _newton(
    block: _Block, s2: FloatArray, low: FloatArray, first: _Pass | None, *, tolerance: float
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """
    Find the root of g for pixels with g(low) < 0, starting at s2; return s2, converged, passes.

    Newton runs on g(s2) t^2 with t the pixel's total variance: linear in s2 when all stars have the same
    noise, so that few steps suffice. A step that leaves the bracket is replaced by one inside it.
    """
    n_pixel = len(s2)
    s2, low, high = s2.copy(), low.copy(), np.full(n_pixel, np.inf)
    converged, passes = np.zeros(n_pixel, dtype=bool), np.zeros(n_pixel, dtype=np.int64)
    active = np.arange(n_pixel)
    current = first
    for _ in range(_MAX_PASSES):
        if current is None:
            current = block.select(active).fit_theta(s2[active])
            passes[active] += 1
        g, t, x = current.gradient, current.variance, s2[active]
        low[active] = np.where(g < 0, x, low[active])
        high[active] = np.where(g < 0, high[active], x)
        curvature = current.slope * t + 2 * g
        with np.errstate(divide="ignore", invalid="ignore"):
            new = x - g * t / curvature
        lo, hi = low[active], high[active]
        expanded = np.where(np.isinf(hi), 4 * x + t, 0.5 * (lo + np.where(np.isinf(hi), 0.0, hi)))
        new = np.where((curvature > 0) & (new > lo) & (new < hi), new, expanded)
        done = np.abs(new - x) <= tolerance * x
        s2[active] = new
        converged[active[done]] = True
        active = active[~done]
        current = None
        if len(active) == 0:
            break
    return s2, converged, passes


def _solve_exact(block: _Block, *, tolerance: float) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Find the scatters s2 (pixel,) of well-posed pixels; return them, whether converged, and the passes."""
    n_pixel = block.flux.shape[1]
    at_zero = block.fit_theta(np.zeros(n_pixel))
    s2, converged = np.zeros(n_pixel), np.ones(n_pixel, dtype=bool)
    passes = np.ones(n_pixel, dtype=np.int64)

    inside = np.flatnonzero(at_zero.gradient < 0)
    if len(inside):
        first = _select_pass(at_zero, inside)
        zero = np.zeros(len(inside))
        s2[inside], converged[inside], more = _newton(block.select(inside), zero, zero, first, tolerance=tolerance)
        passes[inside] += more

    # s = 0 is a local optimum of the rest; noise that differs from star to star can hide a better one
    border = np.flatnonzero(at_zero.gradient >= 0)
    if len(border):
        rest, prediction = block.select(border), at_zero.prediction[:, border]
        low = 0.3 * at_zero.variance[border]
        high = np.maximum(_residual_variance(rest.flux, prediction, rest.ivar), 2 * low)
        trial = low * (high / low) ** np.linspace(0, 1, _N_SCAN)[:, None]
        negative = _fixed_theta_gradient(rest.flux, prediction, rest.ivar, trial) < 0
        hidden = np.flatnonzero(negative.any(axis=0))
        if len(hidden):
            last = _N_SCAN - 1 - negative[::-1].argmax(axis=0)[hidden]
            some, zero = rest.select(hidden), np.zeros(len(hidden))
            found, good, more = _newton(some, trial[last, hidden], zero, None, tolerance=tolerance)
            better = good & (some.fit(found)[1] < some.fit(zero)[1])
            passes[border[hidden]] += more + 2
            s2[border[hidden[better]]] = found[better]
    return s2, converged, passes


def _select_pass(result: _Pass, index: NDArray[np.intp]) -> _Pass:
    values = {name.name: getattr(result, name.name) for name in fields(result)}
    per_star = ("weight", "prediction")
    return _Pass(**{k: v[:, index] if k in per_star else v[index] for k, v in values.items()})


def _solve_grid(block: _Block) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Find the scatters as the released code does: best of a grid in ln s, refined by a parabola."""
    nll = np.array([block.fit(np.full(block.flux.shape[1], np.exp(2 * x)))[1] for x in GRID_LN_SCATTER])
    best = nll.argmin(axis=0)
    middle = np.clip(best, 1, len(nll) - 2)
    left, centre, right = (np.take_along_axis(nll, (middle + k)[None], 0)[0] for k in (-1, 0, 1))
    bend = left - 2 * centre + right
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(bend > 0, 0.5 * (left - right) / bend, 0.0)
    inner = (best == middle) & (np.abs(shift) <= 1)
    step = GRID_LN_SCATTER[1] - GRID_LN_SCATTER[0]
    ln_s = np.where(inner, GRID_LN_SCATTER[middle] + shift * step, GRID_LN_SCATTER[best])
    n_pixel = block.flux.shape[1]
    return np.exp(2 * ln_s), np.ones(n_pixel, dtype=bool), np.full(n_pixel, len(GRID_LN_SCATTER))


def _fit_block(block: _Block, *, scatter: str, tolerance: float) -> PixelFit:
    """Fit the pixels of one block, dead and singular ones set apart first."""
    n_term, n_pixel = block.vectors.shape[1], block.flux.shape[1]
    n_live = (block.ivar > 0).sum(axis=0)
    status = np.where(n_live < n_term, PixelStatus.DEAD, PixelStatus.CONVERGED).astype(np.int64)
    _, normal, _ = block.normal_equations(np.zeros(n_pixel))
    alive = np.flatnonzero(status == PixelStatus.CONVERGED)
    diagonal = np.sqrt(np.diagonal(normal[alive], axis1=1, axis2=2))
    spectrum = np.linalg.eigvalsh(normal[alive] / (diagonal[:, :, None] * diagonal[:, None, :]))
    status[alive[spectrum[:, 0] < _MIN_RCOND * spectrum[:, -1]]] = PixelStatus.SINGULAR

    fit = PixelFit(
        theta=np.zeros((n_pixel, n_term)),
        scatter=np.full(n_pixel, np.inf),
        covariance=np.zeros((n_pixel, n_term, n_term)),
        gradient=np.zeros(n_pixel),
        negative_log_likelihood=np.zeros(n_pixel),
        n_live=n_live,
        n_passes=np.zeros(n_pixel, dtype=np.int64),
        status=status,
    )
    good = np.flatnonzero(status == PixelStatus.CONVERGED)
    if len(good) == 0:
        return fit
    block = block.select(good)
    s2, converged, passes = _solve_grid(block) if scatter == "grid" else _solve_exact(block, tolerance=tolerance)
    final, fit.negative_log_likelihood[good] = block.fit(s2)
    fit.theta[good], fit.scatter[good] = final.theta, np.sqrt(s2)
    fit.covariance[good] = np.linalg.inv(final.normal)
    fit.gradient[good], fit.n_passes[good] = final.gradient, passes + 1
    fit.status[good[~converged]] = PixelStatus.NOT_CONVERGED
    return fit


def fit_pixels(
    vectors: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    scatter: str = "exact",
    tolerance: float = 1e-6,
    block: int = 64,
    workers: int | None = None,
) -> PixelFit:
    """
    Fit coefficients and scatter of every pixel (Ho et al. 2017, eq. 3-6), exactly.

    Parameters
    ----------
    vectors : float array of shape (star, T)
        Label vectors of the reference stars.
    flux, ivar : float arrays of shape (star, pixel)
        Normalised flux and inverse variance; 0 is a dead pixel. float32 is read as it is; sums are float64.
    scatter : {"exact", "grid"}
        The exact optimum, or the paper's grid of scatters refined by a parabola, for comparison.
    tolerance : float
        Newton stops when a step changes s^2 by less than this fraction.
    block : int
        Pixels fitted at once; memory is about 6 arrays of (star, block) for each worker.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    fit : PixelFit

    Raises
    ------
    ValueError
        Shapes that do not go together, values that are not finite, or an unknown `scatter`.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float64)
    if scatter not in ("exact", "grid"):
        raise ValueError(f"scatter must be 'exact' or 'grid'; got {scatter!r}")
    if flux.shape != ivar.shape or flux.ndim != 2 or len(flux) != len(vectors):
        raise ValueError(
            f"flux and ivar must have shape (star, pixel) with {len(vectors)} stars as in the label vectors; "
            f"got {flux.shape} and {ivar.shape}"
        )
    if not np.isfinite(vectors).all():
        raise ValueError("label vectors must be finite; cut reference stars with missing labels first")
    products = pack_products(vectors)
    starts = range(0, flux.shape[1], block)

    def one(start: int) -> PixelFit:
        part = slice(start, start + block)
        data = _Block(vectors, products, flux[:, part], ivar[:, part])
        return _fit_block(data, scatter=scatter, tolerance=tolerance)

    # two BLAS threads on these small products are slower than two blocks side by side
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers or n_cores()) as pool:
        parts = list(pool.map(one, starts))
    joined = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(PixelFit)}
    return PixelFit(**joined)
