"""
The search for the scatters of a block of pixels in few passes over the stars, from a sample of these.

A sample of the stars gives each s^2 to a few formal errors, or says that it is 0. Newton steps on all stars then end at
the optimum after one or two passes. Where the sample leaves a doubt on which side of a border the optimum is (at 0 or
not, or at a better one behind a local one at 0), all stars decide.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.mixed_block import MixedBlock
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.profile import ProfileFit
from bayescannon.pixels.scatter_search import look_behind_zero, newton_step, root, solve_exact, trial_variances

# of s^2 in the sample, relative
_SAMPLE_TOLERANCE = 0.02
# and in formal errors, of which those of the sample are larger than those of all stars
_SAMPLE_ERRORS = 0.3
# a gradient of the sample is taken to have the sign of that of all stars if it is so many standard errors from 0
_SURE = 5.0
# g surely rises if its slope is so large in units of the sum of w^2
_RISING = 0.5
# with this tolerance there is one pass, and what is in doubt stays as it is
ONE_PASS = 1.0
# a last Newton step is at most this many formal errors of s^2; what is then left is of its square over sqrt(N)
_SETTLED = 0.05
# where the step is in ln s, which a prior of ln s bends
_LOG_SETTLED = 0.01
# with a cubic it may be this much, because of its second order in the other numbers,
_NEAR = 0.1
# and what a cubic leaves, estimated, at most so many
_CUBIC_SETTLED = 3e-4
_MAX_PASSES = 8


def solve_mixed(
    block: MixedBlock, sample: MixedBlock, start: NDArray[np.float64] | None, *, tolerance: float
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.int64], ProfileFit]:
    """
    Find s2 (pixel,) of pixels that are neither dead nor singular.

    Parameters
    ----------
    block, sample : MixedBlock
        Of all stars, and of a sample of them.
    start : float array of shape (pixel,) or None
        s^2 of a fit to similar data; an optimum behind a local one at 0 is then not searched.
    tolerance : float
        Steps that change s^2 by less than this fraction end the search too; from 1 on, the first step does.

    Returns
    -------
    s2, converged, passes : arrays of shape (pixel,)
        Passes over all stars.
    profile : ProfileFit
        At s2, with the objective.
    """
    doubtful = np.zeros(block.n_pixel, dtype=bool)
    if start is None:
        s2, doubtful = _from_sample(sample)
    elif block.prior.reaches_zero:
        s2 = np.array(start, dtype=np.float64)
    else:
        s2 = np.where(start > 0, start, np.exp(2 * block.prior.scatter_parameters[0]))
    converged, passes = np.zeros(block.n_pixel, dtype=bool), np.zeros(block.n_pixel, dtype=np.int64)
    active = np.arange(block.n_pixel)
    result: ProfileFit | None = None
    last = np.full((3, block.n_pixel), np.nan)
    for _ in range(1 if tolerance >= ONE_PASS else _MAX_PASSES):
        some = block.select(active)
        x = s2[active]
        current = some.fit(x, objective=True)
        passes[active] += 1
        new, bend, done = _step(some, x, current, last[:, active], tolerance)
        if np.isnan(last).all() and not done.all():
            far = np.flatnonzero(~done)
            new[far] = _guided(sample.select(active[far]), x[far], new[far], current.select(far))
        last[:, active] = x, current.gradient, current.slope
        s2[active] = new
        moved = _moved(some.prior, current, new - x, bend)
        if result is None:
            result = moved
        else:
            result.put(active, moved)
        converged[active[done]] = True
        active = active[~done]
        if len(active) == 0:
            break
    if tolerance >= ONE_PASS:
        converged[active], active = True, active[:0]
        doubtful[:] = False
    if result is None:
        raise AssertionError("there is at least one pass")
    if len(active):
        _solve_anew(block, active, s2, converged, passes, result, tolerance=tolerance)
    border = np.flatnonzero(doubtful)
    if len(border):
        _settle_doubts(block, border, s2, converged, passes, result, tolerance=tolerance)
    return s2, converged, passes, result


def _moved(prior: PixelPrior, current: ProfileFit, change: FloatArray, bend: FloatArray) -> ProfileFit:
    """Return the profile after a change of s^2, and normal equations whose weights change as their mean does."""
    moved = current.moved(change, bend)
    keep = ~current.held
    data = current.normal * (keep[:, :, None] & keep[:, None, :])
    diagonal = np.arange(data.shape[1])
    data[:, diagonal, diagonal] -= np.where(keep, prior.precision, 0.0)
    # far steps are not the last ones
    share = np.clip(change / current.variance, -0.5, 0.5)
    return replace(moved, normal=current.normal - share[:, None, None] * data)


def _cubic(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return where the cubic of s^2 through two points (s^2, g, slope of g; each of shape (3, pixel)) has g = 0."""
    (x0, g0, d0), (x, g, d) = first, second
    h, u = g - g0, -g0 / (g - g0)
    result: FloatArray = (
        x0 * (1 + 2 * u) * (1 - u) ** 2 + x * u**2 * (3 - 2 * u) + h * (u * (1 - u) ** 2 / d0 - u**2 * (1 - u) / d)
    )
    return result


def _guided(sample: MixedBlock, x: FloatArray, new: FloatArray, current: ProfileFit) -> FloatArray:
    """
    Return s^2 after a step from x along g of all stars, whose curvature is taken to be that of the sample.

    `new` is s^2 after Newton's step, and `current` the profile of all stars at x.
    """
    here, there = sample.fit(x), sample.fit(new)
    step = new - x
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = current.slope / here.slope
        gradient = current.gradient + share * (there.gradient - here.gradient)
        slope = share * there.slope
        cubic = _cubic(np.array([x, current.gradient, current.slope]), np.array([new, gradient, slope]))
        usable = (current.slope > 0) & (here.slope > 0) & (there.slope > 0) & (cubic > 0)
        usable &= np.abs(cubic - new) < 0.5 * np.abs(step)
    return np.where(usable, cubic, new)


def _step(
    block: MixedBlock, x: FloatArray, current: ProfileFit, last: FloatArray, tolerance: float
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """
    Return s^2 after a step from x, the second derivative of g there, and whether the step was the last one.

    `last` (3, pixel) is s^2, g and its slope of the pass before, NaN in the first. With it, s^2 as a function of g is
    interpolated by a cubic; otherwise the step is Newton's.
    """
    new = newton_step(block, x, current)
    formal = np.sqrt(2 / np.maximum(current.slope, np.finfo(float).tiny))
    step = np.abs(new - x)
    done = (current.slope > 0) & (step <= (_SETTLED if block.prior.reaches_zero else _LOG_SETTLED) * formal)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x0, _, d0 = last
        d = current.slope
        cubic = _cubic(last, np.array([x, current.gradient, d]))
        before = np.abs(x - x0)
        # Newton's step leaves a fraction of the last one that falls with its square, the cubic's with its fifth power
        usable = (d0 > 0) & (d > 0) & (step < 0.5 * before) & (new > 0) & (cubic > 0)
        usable &= (np.abs(cubic - new) < 0.5 * step) & block.prior.reaches_zero
        done |= usable & (step <= _NEAR * formal) & (step**5 <= _CUBIC_SETTLED * formal * before**4)
        bend = np.where(usable, (d - d0) / (x - x0), 0.0)
    new = np.where(usable, cubic, new)
    done |= (np.abs(new - x) <= tolerance * x) & ((x > 0) | (current.gradient >= 0))
    return new, bend, done


def _from_sample(sample: MixedBlock) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return s2 of a sample of the stars, and for which pixels it does not tell on which side of a border it is."""
    n_pixel = sample.n_pixel
    doubtful = np.zeros(n_pixel, dtype=bool)
    if not sample.prior.reaches_zero:
        centre = np.full(n_pixel, np.exp(2 * sample.prior.scatter_parameters[0]))
        return root(sample, centre, None, tolerance=_SAMPLE_TOLERANCE, errors=_SAMPLE_ERRORS)[0], doubtful
    s2 = np.zeros(n_pixel)
    at_zero = sample.fit(s2)
    inside, outside = np.flatnonzero(at_zero.gradient < 0), np.flatnonzero(at_zero.gradient >= 0)
    if len(inside):
        some, first = sample.select(inside), at_zero.select(inside)
        s2[inside] = root(some, np.zeros(len(inside)), first, tolerance=_SAMPLE_TOLERANCE, errors=_SAMPLE_ERRORS)[0]
        _, error = some.trial_errors(first.theta, np.zeros((1, len(inside))))
        # a g that rises at 0 and at the optimum is taken to rise between them too
        squares = first.normal[:, 0, 0] / first.variance
        doubtful[inside] = (first.gradient > -_SURE * error[0]) & (first.slope < _RISING * squares)
    if len(outside):
        some, first = sample.select(outside), at_zero.select(outside)
        far, trial = trial_variances(some, first)
        gradient, error = some.trial_errors(far, trial)
        doubtful[outside] = (gradient < _SURE * error).any(axis=0)
    return s2, doubtful


def _solve_anew(
    block: MixedBlock,
    index: NDArray[np.intp],
    s2: FloatArray,
    converged: NDArray[np.bool_],
    passes: NDArray[np.int64],
    result: ProfileFit,
    *,
    tolerance: float,
) -> None:
    """Solve some of the pixels from s = 0 on, whatever was found of them."""
    some = block.select(index)
    s2[index], converged[index], more = solve_exact(some, None, tolerance=tolerance)
    result.put(index, some.fit(s2[index], objective=True))
    passes[index] += more + 1


def _settle_doubts(
    block: MixedBlock,
    border: NDArray[np.intp],
    s2: FloatArray,
    converged: NDArray[np.bool_],
    passes: NDArray[np.int64],
    result: ProfileFit,
    *,
    tolerance: float,
) -> None:
    """Look at s = 0 in pixels whose optimum is not there, and behind it where it is, with all stars."""
    inside, outside = border[s2[border] > 0], border[s2[border] == 0]
    if len(inside):
        some = block.select(inside)
        at_zero = some.fit(np.zeros(len(inside)))
        passes[inside] += 1
        # g < 0 at 0: what was found is the first optimum from there
        other = inside[at_zero.gradient >= 0]
        if len(other):
            _solve_anew(block, other, s2, converged, passes, result, tolerance=tolerance)
    if len(outside):
        better, more = look_behind_zero(block.select(outside), result.select(outside), tolerance=tolerance)
        passes[outside] += more
        moved = better > 0
        if moved.any():
            s2[outside[moved]] = better[moved]
            passes[outside[moved]] += 1
            result.put(outside[moved], block.select(outside[moved]).fit(better[moved], objective=True))
