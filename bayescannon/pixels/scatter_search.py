"""Searches for the scatters of a block of pixels: exact roots, the paper's grid, and Newton steps from nearby."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import PixelBlock
from bayescannon.pixels.mixed_block import MixedBlock
from bayescannon.pixels.profile import ProfileFit

# either takes the sums over the stars
type Block = PixelBlock | MixedBlock

# the paper steps through a grid of scatters; its released code uses these values of ln s
GRID_LN_SCATTER = np.arange(np.log(1e-4), 1e-9, 0.5)

# if s = 0 is a local optimum, a better one is searched at this many variances up to that of the residuals
_N_SCAN = 6

_MAX_PASSES = 60

# a decreasing s^2 below this fraction of the total variance is given up, and the pixel is solved from s = 0
_NEARLY_ZERO = 1e-4

# steps from nearby end within this number of passes, or are left to the exact search
_NEAR_PASSES = 8
# a step of s^2 is small relative to s^2 plus this fraction of the total variance
_SMALL_SCATTER = 0.01


def root(
    block: Block,
    s2: NDArray[np.float64],
    first: ProfileFit | None,
    *,
    tolerance: float,
    may_be_zero: bool = False,
    errors: float = 0.0,
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """
    Find a root of g between 0, where g is taken to be negative, and inf, from s2 on; return s2, converged, passes.

    Newton's method is applied to g(s2) t^2, where t is the total variance of the pixel: it is linear in s2 if all stars
    have the same noise, so that few steps are needed. If the prior excludes s = 0, it is applied to s2 g as a function
    of ln s2. A step that leaves the bracket is replaced by one inside it. With `may_be_zero`, g(0) need not be
    negative: a pixel whose s2 approaches 0 is given up as not converged. A step ends the search if it is below
    `tolerance` times s2, or `errors` formal errors of s2.
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
        formal = np.sqrt(2 / np.maximum(current.slope, np.finfo(float).tiny))
        done = np.abs(new - x) <= np.maximum(tolerance * x, np.where(current.slope > 0, errors * formal, 0.0))
        s2[active] = new
        converged[active[done]] = True
        if may_be_zero:
            done |= (lo == 0) & (new < _NEARLY_ZERO * t)
        active = active[~done]
        current = None
        if len(active) == 0:
            break
    return s2, converged, passes


def newton_step(block: Block, s2: FloatArray, current: ProfileFit) -> FloatArray:
    """Return s2 after one step of Newton's method as in :func:`root`, by at most a factor of 4 or a total variance."""
    g, t = current.gradient, current.variance
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if block.prior.reaches_zero:
            curvature = current.slope * t + 2 * g
            new = np.where(curvature > 0, s2 - g * t / curvature, np.where(g < 0, 4 * s2 + t, s2 / 4))
            return np.clip(new, 0.0, 4 * s2 + t)
        curvature = g + s2 * current.slope
        step = np.where(curvature > 0, -g / curvature, np.sign(-g))
        return s2 * np.exp(np.clip(step, -1.5, 1.5))


def solve_exact(
    block: Block, start: NDArray[np.float64] | None, *, tolerance: float
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Find s2 (pixel,) of pixels that are neither dead nor singular; return s2, converged, passes."""
    n_pixel = block.n_pixel
    if not block.prior.reaches_zero:
        centre = np.full(n_pixel, np.exp(2 * block.prior.scatter_parameters[0]))
        near = centre if start is None else np.where(start > 0, start, centre)
        return root(block, near, None, tolerance=tolerance)
    s2, converged = np.zeros(n_pixel), np.ones(n_pixel, dtype=bool)
    passes = np.zeros(n_pixel, dtype=np.int64)
    border = np.arange(n_pixel)
    if start is not None:
        # pixels whose start is above 0 are solved from there; all others, and those that fail, from s = 0
        inside = np.flatnonzero(start > 0)
        s2[inside], converged[inside], passes[inside] = root(
            block.select(inside), start[inside], None, tolerance=tolerance, may_be_zero=True
        )
        border = np.flatnonzero((start == 0) | ~converged | (s2 < 1e-4 * start.max(initial=0.0)))
        s2[border], converged[border] = 0.0, True
        block = block.select(border)
    at_zero = block.fit(np.zeros(len(border)))
    passes[border] += 1

    inside = np.flatnonzero(at_zero.gradient < 0)
    if len(inside):
        found, good, more = root(
            block.select(inside), np.zeros(len(inside)), at_zero.select(inside), tolerance=tolerance
        )
        s2[border[inside]], converged[border[inside]] = found, good
        passes[border[inside]] += more
    if start is None:
        outside = np.flatnonzero(at_zero.gradient >= 0)
        if len(outside):
            better, more = look_behind_zero(block.select(outside), at_zero.select(outside), tolerance=tolerance)
            s2[border[outside]] = better
            passes[border[outside]] += more
    return s2, converged, passes


def solve_near(
    block: Block, start: NDArray[np.float64] | None, *, tolerance: float
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64], ProfileFit]:
    """
    Take Newton steps until one is small, and move the coefficients along with it; return also the profile.

    With tolerance x, s^2 has an error of about x^2, and the coefficients are those at this s^2 to second order in x;
    no pass is needed at the end. An optimum behind a local one at s = 0 is not searched.
    """
    n_pixel = block.n_pixel
    centre = 0.0 if block.prior.reaches_zero else np.exp(2 * block.prior.scatter_parameters[0])
    s2 = np.full(n_pixel, centre) if start is None else start.copy()
    if not block.prior.reaches_zero:
        s2 = np.where(s2 > 0, s2, centre)
    converged, passes = np.zeros(n_pixel, dtype=bool), np.zeros(n_pixel, dtype=np.int64)
    active = np.arange(n_pixel)
    result: ProfileFit | None = None
    for _ in range(_NEAR_PASSES):
        some = block.select(active)
        current = some.fit(s2[active], objective=True)
        passes[active] += 1
        x = s2[active]
        new = newton_step(some, x, current)
        s2[active] = new
        if result is None:
            result = current.moved(new - x)
        else:
            result.put(active, current.moved(new - x))
        done = np.abs(new - x) <= tolerance * (x + _SMALL_SCATTER * current.variance)
        converged[active[done]] = True
        active = active[~done]
        if len(active) == 0:
            break
    if result is None:
        raise AssertionError("there is at least one pass")
    if len(active):
        some = block.select(active)
        s2[active], converged[active], more = solve_exact(some, None, tolerance=tolerance)
        result.put(active, some.fit(s2[active], objective=True))
        passes[active] += more + 1
    return s2, converged, passes, result


def trial_variances(block: Block, at_zero: ProfileFit) -> tuple[FloatArray, NDArray[np.float64]]:
    """Return theta (pixel, T) far from s = 0, and the variances (k, pixel) at which a better optimum is looked for."""
    low = 0.3 * at_zero.variance
    high = np.maximum(block.residual_variance(at_zero.theta), 2 * low)
    trial = low * (high / low) ** np.linspace(0, 1, _N_SCAN)[:, None]
    # theta at s = 0 is set by the precise stars, theta near a second optimum by all stars
    return block.fit(high).theta, trial


def look_behind_zero(block: Block, at_zero: ProfileFit, *, tolerance: float) -> tuple[FloatArray, NDArray[np.int64]]:
    """
    Search an optimum at s > 0 that is better than the local one at 0; return the best s2 and the passes.

    There can be one if the noise differs between stars: a few precise stars fit without scatter, many others do not.
    """
    best, passes = np.zeros(block.n_pixel), np.zeros(block.n_pixel, dtype=np.int64)
    far, trial = trial_variances(block, at_zero)
    negative = block.trial_gradient(far, trial) < 0
    passes += 1
    hidden = np.flatnonzero(negative.any(axis=0))
    if len(hidden):
        last = _N_SCAN - 1 - negative[::-1].argmax(axis=0)[hidden]
        some = block.select(hidden)
        found, good, more = root(some, trial[last, hidden], None, tolerance=tolerance, may_be_zero=True)
        at_found = some.fit(found, objective=True).objective
        better = good & (at_found < some.fit(np.zeros(len(hidden)), objective=True).objective)
        best[hidden[better]] = found[better]
        passes[hidden] += more + 2
    return best, passes


def solve_grid(block: Block) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64]]:
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
