r"""
Exact maximum a posteriori fit of every pixel: coefficients by least squares, scatter by Newton.

Given the parameters of the priors, the pixels of :func:`bayescannon.models.spectral.spectral_model` are independent.
Given the scatter s, the coefficients solve a (penalised) weighted least-squares problem (Ho et al. 2017, section 3:
eq. 5 for a given s), so the scatter is the root of a one-dimensional function, or 0 if the objective rises from there;
see :mod:`bayescannon.pixels.block`.
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.spectra import LARGEST_IVAR
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.packing import unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments, PixelBlock, ProfileFit
from bayescannon.pixels.flux_precision import FluxPrecision
from bayescannon.pixels.kernels import fixed_theta_gradient, residual_variance
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver

# the paper steps through a grid of scatters; its released code uses these values of ln s
GRID_LN_SCATTER = np.arange(np.log(1e-4), 1e-9, 0.5)

# if s = 0 is a local optimum, a better one is searched at this many variances up to that of the residuals
_N_SCAN = 6

_MAX_PASSES = 60

# a decreasing s^2 below this fraction of the total variance is given up, and the pixel is solved from s = 0
_NEARLY_ZERO = 1e-4

# normal equations, scaled to a unit diagonal, are singular if their reciprocal condition number is below this
_MIN_RCOND = 1e-13


class PixelStatus(IntEnum):
    """How the fit of one pixel ended."""

    CONVERGED = 0
    NOT_CONVERGED = 1
    DEAD = 2  # fewer live stars than free terms: theta = 0, scatter = inf, weight 0 in labelling
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
        Intrinsic scatter s in normalised flux; inf in dead pixels, so that their weight is 0.
    covariance : float array of shape (P, T, T)
        Covariance of theta given s, (V^T W V + L)^-1 with the precision L of the prior; 0 in dead pixels and for terms
        held at 0.
    gradient : float array of shape (P,)
        g(s^2) at the solution: 0 where s > 0, not negative where s = 0.
    slope : float array of shape (P,)
        dg/d(s^2) along the profile.
    objective : float array of shape (P,)
        Minus log posterior without constants (n_live ln(2 pi) / 2 and those of the priors); 0 in dead pixels.
    chi2, freedom : float arrays of shape (P,)
        Sum of w r^2 over the stars, and the effective number of terms if theta is integrated out (0 if not).
    n_live, n_passes, status : int arrays of shape (P,)
        Number of live stars (with multiplicities), number of passes over the data, and :class:`PixelStatus`.
    """

    theta: NDArray[np.float64]
    scatter: NDArray[np.float64]
    covariance: NDArray[np.float64]
    gradient: NDArray[np.float64]
    slope: NDArray[np.float64]
    objective: NDArray[np.float64]
    chi2: NDArray[np.float64]
    freedom: NDArray[np.float64]
    n_live: NDArray[np.int64]
    n_passes: NDArray[np.int64]
    status: NDArray[np.int64]

    @property
    def live(self) -> NDArray[np.bool_]:
        """Whether a pixel has weight in labelling, shape (P,)."""
        return np.isfinite(self.scatter)


def _root(
    block: PixelBlock, s2: NDArray[np.float64], first: ProfileFit | None, *, tolerance: float, may_be_zero: bool = False
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """
    Find a root of g between 0, where g is taken to be negative, and inf, from s2 on; return s2, converged, passes.

    Newton's method is applied to g(s2) t^2, where t is the total variance of the pixel: it is linear in s2 if all stars
    have the same noise, so that few steps are needed. If the prior excludes s = 0, it is applied to s2 g as a function
    of ln s2. A step that leaves the bracket is replaced by one inside it. With `may_be_zero`, g(0) need not be
    negative: a pixel whose s2 approaches 0 is given up as not converged.
    """
    n_pixel = len(s2)
    s2 = s2.copy()
    low, high = np.zeros(n_pixel), np.full(n_pixel, np.inf)
    converged, passes = np.zeros(n_pixel, dtype=bool), np.zeros(n_pixel, dtype=np.int64)
    active = np.arange(n_pixel)
    current = first
    for _ in range(_MAX_PASSES):
        if current is None:
            current = block.select(active).fit(s2[active])
            passes[active] += 1
        g, t, x = current.gradient, current.variance, s2[active]
        low[active] = np.where(g < 0, x, low[active])
        high[active] = np.where(g < 0, high[active], x)
        lo, hi = low[active], high[active]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if block.prior.reaches_zero:
                curvature = current.slope * t + 2 * g
                new = x - g * t / curvature
                inner = 0.5 * (lo + hi)
            else:
                curvature = g + x * current.slope
                new = x * np.exp(np.clip(-g / curvature, -3.0, 3.0))
                inner = np.where(lo > 0, np.sqrt(lo * hi), 0.03 * hi)
        inner = np.where(np.isinf(hi), 4 * x + t, inner)
        new = np.where((curvature > 0) & (new > lo) & (new < hi), new, inner)
        done = np.abs(new - x) <= tolerance * x
        s2[active] = new
        converged[active[done]] = True
        if may_be_zero:
            done |= (lo == 0) & (new < _NEARLY_ZERO * t)
        active = active[~done]
        current = None
        if len(active) == 0:
            break
    return s2, converged, passes


def _newton(block: PixelBlock, s2: FloatArray, current: ProfileFit) -> FloatArray:
    """Return s2 after one step of Newton's method as in :func:`_root`, by at most a factor of 4 or a total variance."""
    g, t = current.gradient, current.variance
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if block.prior.reaches_zero:
            curvature = current.slope * t + 2 * g
            new = np.where(curvature > 0, s2 - g * t / curvature, np.where(g < 0, 4 * s2 + t, s2 / 4))
            return np.clip(new, 0.0, 4 * s2 + t)
        curvature = g + s2 * current.slope
        step = np.where(curvature > 0, -g / curvature, np.sign(-g))
        return s2 * np.exp(np.clip(step, -1.5, 1.5))


def _solve_exact(
    block: PixelBlock, start: NDArray[np.float64] | None, *, tolerance: float
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Find s2 (pixel,) of pixels that are neither dead nor singular; return s2, converged, passes."""
    n_pixel = block.n_pixel
    if not block.prior.reaches_zero:
        centre = np.full(n_pixel, np.exp(2 * block.prior.scatter_parameters[0]))
        near = centre if start is None else np.where(start > 0, start, centre)
        return _root(block, near, None, tolerance=tolerance)
    s2, converged = np.zeros(n_pixel), np.ones(n_pixel, dtype=bool)
    passes = np.zeros(n_pixel, dtype=np.int64)
    border = np.arange(n_pixel)
    if start is not None:
        # pixels whose start is above 0 are solved from there; all others, and those that fail, from s = 0
        inside = np.flatnonzero(start > 0)
        s2[inside], converged[inside], passes[inside] = _root(
            block.select(inside), start[inside], None, tolerance=tolerance, may_be_zero=True
        )
        border = np.flatnonzero((start == 0) | ~converged | (s2 < 1e-4 * start.max(initial=0.0)))
        s2[border], converged[border] = 0.0, True
        block = block.select(border)
    at_zero = block.fit(np.zeros(len(border)))
    passes[border] += 1

    inside = np.flatnonzero(at_zero.gradient < 0)
    if len(inside):
        found, good, more = _root(
            block.select(inside), np.zeros(len(inside)), at_zero.select(inside), tolerance=tolerance
        )
        s2[border[inside]], converged[border[inside]] = found, good
        passes[border[inside]] += more
    if start is None:
        outside = np.flatnonzero(at_zero.gradient >= 0)
        if len(outside):
            better, more = _look_behind_zero(block.select(outside), at_zero.select(outside), tolerance=tolerance)
            s2[border[outside]] = better
            passes[border[outside]] += more
    return s2, converged, passes


def _look_behind_zero(
    block: PixelBlock, at_zero: ProfileFit, *, tolerance: float
) -> tuple[FloatArray, NDArray[np.int64]]:
    """
    Search an optimum at s > 0 that is better than the local one at 0; return the best s2 and the passes.

    There can be one if the noise differs between stars: a few precise stars fit without scatter, many others do not.
    """
    best, passes = np.zeros(block.n_pixel), np.zeros(block.n_pixel, dtype=np.int64)
    prediction = block.moments.mean @ at_zero.theta.T
    low = 0.3 * at_zero.variance
    high = np.maximum(residual_variance(block.flux, prediction, block.ivar, block.moments.counts), 2 * low)
    trial = low * (high / low) ** np.linspace(0, 1, _N_SCAN)[:, None]
    # theta at s = 0 is set by the precise stars, theta near a second optimum by all stars
    far = block.moments.mean @ block.fit(high).theta.T
    negative = fixed_theta_gradient(block.flux, far, block.ivar, block.moments.counts, trial) < 0
    passes += 1
    hidden = np.flatnonzero(negative.any(axis=0))
    if len(hidden):
        last = _N_SCAN - 1 - negative[::-1].argmax(axis=0)[hidden]
        some = block.select(hidden)
        found, good, more = _root(some, trial[last, hidden], None, tolerance=tolerance, may_be_zero=True)
        at_found = some.fit(found, objective=True).objective
        better = good & (at_found < some.fit(np.zeros(len(hidden)), objective=True).objective)
        best[hidden[better]] = found[better]
        passes[hidden] += more + 2
    return best, passes


def _solve_grid(block: PixelBlock) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Find the scatters by the method of the released code: best of a grid in ln s, refined by a parabola."""
    n_pixel = block.n_pixel
    value = np.array([block.fit(np.full(n_pixel, np.exp(2 * x)), objective=True).objective for x in GRID_LN_SCATTER])
    best = value.argmin(axis=0)
    middle = np.clip(best, 1, len(value) - 2)
    left, centre, right = (np.take_along_axis(value, (middle + k)[None], 0)[0] for k in (-1, 0, 1))
    bend = left - 2 * centre + right
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(bend > 0, 0.5 * (left - right) / bend, 0.0)
    inner = (best == middle) & (np.abs(shift) <= 1)
    step = GRID_LN_SCATTER[1] - GRID_LN_SCATTER[0]
    ln_s = np.where(inner, GRID_LN_SCATTER[middle] + shift * step, GRID_LN_SCATTER[best])
    return np.exp(2 * ln_s), np.ones(n_pixel, dtype=bool), np.full(n_pixel, len(GRID_LN_SCATTER))


def _pixel_status(block: PixelBlock, n_live: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which pixels are dead, singular, or can be fitted (CONVERGED), shape (P,)."""
    n_free = (block.prior.precision == 0).sum(axis=1)
    status = np.where(n_live < np.maximum(n_free, 1), PixelStatus.DEAD, PixelStatus.CONVERGED).astype(np.int64)
    alive = np.flatnonzero(status == PixelStatus.CONVERGED)
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


def _known_status(start: FloatArray) -> NDArray[np.int64]:
    """Return the status of pixels that were fitted before: those without a scatter are dead."""
    return np.where(np.isfinite(start), PixelStatus.CONVERGED, PixelStatus.DEAD).astype(np.int64)


def _fit_block(block: PixelBlock, start: NDArray[np.float64] | None, *, scatter: str, tolerance: float) -> PixelFit:
    """Fit the pixels of one block that are neither dead nor singular."""
    n_term, n_pixel = block.moments.mean.shape[1], block.n_pixel
    n_live = np.rint(block.moments.counts @ (block.ivar > 0)).astype(np.int64)
    fit = PixelFit(
        theta=np.zeros((n_pixel, n_term)),
        scatter=np.full(n_pixel, np.inf),
        covariance=np.zeros((n_pixel, n_term, n_term)),
        gradient=np.zeros(n_pixel),
        slope=np.zeros(n_pixel),
        objective=np.zeros(n_pixel),
        chi2=np.zeros(n_pixel),
        freedom=np.zeros(n_pixel),
        n_live=n_live,
        n_passes=np.zeros(n_pixel, dtype=np.int64),
        status=_pixel_status(block, n_live) if scatter != "step" or start is None else _known_status(start),
    )
    good = np.flatnonzero(fit.status == PixelStatus.CONVERGED)
    if len(good) == 0:
        return fit
    block = block.select(good)
    if scatter == "grid":
        s2, converged, passes = _solve_grid(block)
    elif scatter in ("fixed", "step") and start is not None:
        s2, converged, passes = start[good], np.ones(len(good), dtype=bool), np.zeros(len(good), dtype=np.int64)
    else:
        s2, converged, passes = _solve_exact(block, None if start is None else start[good], tolerance=tolerance)
    final = block.fit(s2, objective=scatter != "step")
    if scatter == "step":
        s2 = _newton(block, s2, final)
        final = replace(final, objective=block.objective(final.theta, s2, final.chi2))
    fit.theta[good], fit.scatter[good] = final.theta, np.sqrt(s2)
    keep = ~final.held
    fit.covariance[good] = np.linalg.inv(final.normal) * (keep[:, :, None] & keep[:, None, :])
    fit.gradient[good], fit.slope[good], fit.objective[good] = final.gradient, final.slope, final.objective
    fit.chi2[good], fit.freedom[good] = final.chi2, final.freedom
    fit.n_passes[good] = passes + 1
    fit.status[good[~converged]] = PixelStatus.NOT_CONVERGED
    return fit


def fit_pixels(
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    prior: PixelPrior | None = None,
    kappa: FloatArray | float | FluxPrecision = 1.0,
    marginal: bool = False,
    start: FloatArray | None = None,
    solver: Solver | None = None,
) -> PixelFit:
    """
    Fit coefficients and scatter of every pixel exactly (Ho et al. 2017, eq. 3-6).

    Parameters
    ----------
    vectors : float array of shape (star, T), or LabelMoments
        Label vectors of the reference stars, or their moments if labels are uncertain or stars have multiplicities.
    flux, ivar : float arrays of shape (star, pixel)
        Normalised flux and inverse variance; 0 is a dead pixel. float32 is not converted; sums are float64.
    prior : PixelPrior, optional
        By default flat, as in the paper.
    kappa : float, float array of shape (pixel,), or FluxPrecision
        Scale of the noise: the variance is kappa^2 / ivar + s^2. It is 1 in the paper. A FluxPrecision says beside it
        how far fluxes are outliers.
    marginal : bool
        Maximise the likelihood of s with theta integrated out (REML) instead of the joint likelihood, whose estimate of
        s^2 is biased low by a factor of about 1 - T / N.
    start : float array of shape (pixel,), optional
        Scatters of a fit to similar data, from which this one starts; it then needs fewer passes.
    solver : Solver, optional
        Method and tolerance for s, and number of threads.

    Returns
    -------
    fit : PixelFit

    Raises
    ------
    InputError
        Shapes that do not match, or values that are not finite.
    """
    solver = solver or Solver()
    moments = vectors if isinstance(vectors, LabelMoments) else LabelMoments.known(vectors)
    n_star, n_term = moments.mean.shape
    if solver.scatter in ("fixed", "step") and start is None:
        raise InputError("scatter 'fixed' needs start; got none. Give the scatters as start")
    if flux.shape != ivar.shape or flux.ndim != 2 or len(flux) != n_star:
        raise InputError(
            f"flux and ivar must have shape (star, pixel) with {n_star} stars as in the label vectors; "
            f"got {flux.shape} and {ivar.shape}"
        )
    if flux.shape[1] == 0:
        raise InputError("at least one pixel is needed; got none")
    if not (np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()):
        raise InputError("flux and ivar must be finite, and ivar not negative; set ivar = 0 in dead pixels")
    if ivar.max(initial=0.0) > LARGEST_IVAR:
        raise InputError(
            f"the inverse variance of normalised flux must be at most {LARGEST_IVAR:g}; got {ivar.max():.3g}. Set it "
            "to 0 in such pixels, as the preparation does"
        )
    if not np.isfinite(moments.mean).all():
        raise InputError("label vectors must be finite; leave out reference stars with missing labels")
    n_pixel = flux.shape[1]
    prior = PixelPrior.flat(n_pixel, n_term) if prior is None else prior
    if prior.mean.shape != (n_pixel, n_term) or prior.precision.shape != (n_pixel, n_term):
        raise InputError(f"the prior must have shape (pixel, term) = {(n_pixel, n_term)}; got {prior.mean.shape}")
    precision = kappa if isinstance(kappa, FluxPrecision) else FluxPrecision(kappa)
    factors = precision.factors
    scales = np.broadcast_to(np.asarray(precision.kappa, dtype=np.float64), n_pixel)
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        raise InputError(f"kappa must be finite and positive; got {scales.min():g} to {scales.max():g}")
    if factors is not None and factors.shape != flux.shape:
        raise InputError(f"factors must have the shape of flux, {flux.shape}; got {factors.shape}")

    def one(part: slice) -> PixelFit:
        scaled = ivar[:, part] if np.all(scales[part] == 1) else ivar[:, part] / scales[part] ** 2
        down = None if factors is None else factors[:, part]
        data = PixelBlock(moments, flux[:, part], scaled, prior.select(part), marginal=marginal, factors=down)
        near = None if start is None else np.asarray(start[part], dtype=np.float64) ** 2
        if near is not None and solver.scatter != "step":
            near = np.where(np.isfinite(near), near, 0.0)
        return _fit_block(data, near, scatter=solver.scatter, tolerance=solver.tolerance)

    parts = map_blocks(one, n_pixel, solver.block, solver.workers)
    joined = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(PixelFit)}
    return PixelFit(**joined)
