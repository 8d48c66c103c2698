r"""
Kappa of the survey and the population of coefficients, learned in rounds that cost one pass over the stars each.

With s at its optimum the objective F has the derivative h = dF/dln kappa of
:mod:`bayescannon.pixels.population_learners`, and with a the sum of w, and dg/d(s^2) the slope of the profile,

    dh/dln kappa = 2 chi2 - 2 a^2 / (dg/d(s^2)),     d(s^2)/dln kappa = 2 s^2 - 2 a / (dg/d(s^2)),

without the second term where s = 0: Newton's method, whose sums the fit of the pixels has already. The population is
fitted to the normal equations of the same fit. A round with a sample of the pixels and of the stars costs little, so
that all of them are fitted first with parameters that are nearly right, in one pass.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.small_inverse import invert_positive
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.mixed_search import ONE_PASS
from bayescannon.pixels.population_learners import (
    ALL_PIXELS,
    CoefficientLearner,
    State,
    data_equations,
    noise_excess,
    sample_of,
)
from bayescannon.pixels.populations import TrainingRound
from bayescannon.pixels.prior import PixelPrior

# takes a state, scatters to start from, and a tolerance unless it is that of the solver
type Fit = Callable[[State, FloatArray | None, float | None], PixelFit]

_MAX_ROUNDS = 12
# rounds end when no parameter of the population moves by more than this fraction, and ln kappa by less than that; what
# they still move by is then followed without a pass
_SETTLED, _KAPPA_SETTLED = 5e-3, 3e-4
# in the sample; and the expected gain of a last step of its population, in nats per pixel
_SAMPLE_SETTLED, _SAMPLE_GAIN = 0.02, 1e-3
# and of the first round with all pixels, which is never the last
_FIRST_GAIN = 1e-4
# from a scatter at another kappa a search starts if ln kappa differs by less
_NEAR_KAPPA = 0.1
# stars that the sample of pixels is fitted to
_SAMPLE_STARS = 2500
_LARGEST_MOVE = 0.7


def fit_jointly(
    fit_of: Callable[[slice, slice], Fit],
    state: State,
    first: FloatArray | None,
    *,
    learns_kappa: bool,
    coefficients: CoefficientLearner | None,
    n_star: int,
) -> tuple[State, PixelFit, tuple[TrainingRound, ...], bool]:
    """
    Learn kappa, or the population of coefficients, or both, and fit the pixels.

    Parameters
    ----------
    fit_of : callable
        Takes a slice of the stars and one of the pixels, and returns their fit.
    state : State
        To start with.
    first : float array of shape (pixel,) or None
        Scatters of a fit to similar data, whose parameters are those of `state`. Otherwise a sample is fitted first.
    learns_kappa : bool
    coefficients : CoefficientLearner or None
    n_star : int
        Number of stars.

    Returns
    -------
    state : State
    fit : PixelFit
        With the parameters of the state.
    trace : tuple of TrainingRound
    converged : bool
    """
    fit = fit_of(ALL_PIXELS, ALL_PIXELS)
    learn = _Rounds(learns_kappa, coefficients)
    n_pixel = len(state.kappa)
    some = sample_of(n_pixel)
    if first is None and some != ALL_PIXELS:
        stars = slice(None, None, -(-n_star // _SAMPLE_STARS))
        small = replace(state, prior=state.prior.select(some), kappa=state.kappa[some])
        fit_some = fit_of(stars, some)
        small, *_ = _Rounds(learns_kappa, coefficients, gain=_SAMPLE_GAIN).until(
            small, fit_some(small, None, None), fit_some, _SAMPLE_SETTLED
        )
        population = small.populations.coefficients
        if population is not None:
            population = replace(population, activity=np.ones(n_pixel))
        populations = replace(state.populations, coefficients=population)
        state = replace(state, kappa=np.full(n_pixel, small.kappa[0]), populations=populations)
    rough = first is None and some != ALL_PIXELS
    result = fit(state, first, ONE_PASS if rough else None)
    return learn.until(state, result, fit, _SETTLED, rough=rough)


class _Rounds:
    """Rounds of a fit of the pixels, and steps of what is learned."""

    def __init__(self, learns_kappa: bool, coefficients: CoefficientLearner | None, **gain: float) -> None:
        self.learns_kappa, self.coefficients, self.gain = learns_kappa, coefficients, gain

    def until(
        self, state: State, result: PixelFit, fit: Fit, settled: float, *, rough: bool = False
    ) -> tuple[State, PixelFit, tuple[TrainingRound, ...], bool]:
        """Go on until no parameter moves by more than `settled`; kappa by the same part of its own limit.

        A `rough` result is not the last one.
        """
        trace: list[TrainingRound] = []
        for _ in range(_MAX_ROUNDS):
            before, equations = state, data_equations(result, state.prior)
            move, change = 0.0, np.zeros(len(state.kappa))
            if self.learns_kappa:
                move, change = kappa_step(result, state.prior, equations[0])
                state = replace(state, kappa=state.kappa * np.exp(move))
            moved = abs(move) * _SETTLED / _KAPPA_SETTLED
            if self.coefficients is not None:
                gain = {"gain": _FIRST_GAIN} if rough else self.gain
                state, _, more = self.coefficients.step(state, result, equations, **gain)
                moved = max(moved, more)
            trace.append(TrainingRound(float(result.objective.sum()), float(np.median(state.kappa)), moved))
            s2 = np.where(result.live, result.scatter, 0.0) ** 2
            near = np.sqrt(np.where(s2 > 0, np.maximum(s2 + change * move, 0.0), 0.0))
            near = np.where(result.live, near, result.scatter)
            if moved < settled and not rough:
                if state.prior is not before.prior:
                    result = solved(result, *equations, state.prior)
                return state, replace(result, scatter=near), tuple(trace), True
            rough, result = False, fit(state, near if abs(move) < _NEAR_KAPPA else None, None)
        return state, result, tuple(trace), False


def kappa_step(fit: PixelFit, prior: PixelPrior, normal: FloatArray) -> tuple[float, NDArray[np.float64]]:
    """
    Return the step of ln kappa to the root of the summed derivative, and d(s^2)/dln kappa of each pixel.

    Parameters
    ----------
    fit : PixelFit
    prior : PixelPrior
    normal : float array of shape (P, T, T)
        V^T W V, whose first element is the sum of w.
    """
    live = fit.live
    inside = live & (fit.scatter > 0) & (fit.slope > 0)
    slope = np.where(inside, fit.slope, 1.0)
    weight = normal[:, 0, 0]
    change = np.where(inside, 2 * np.where(inside, fit.scatter, 0.0) ** 2 - 2 * weight / slope, 0.0)
    curvature = 2 * np.maximum(fit.chi2 - np.where(inside, weight**2 / slope, 0.0), 0.0)
    # at least as much as that of a few pixels without scatter, for a step that is not too long
    total = max(float(curvature[live].sum()), 0.05 * float(fit.n_live[live].sum()))
    excess = float(noise_excess(fit, prior)[live].sum())
    return float(np.clip(-excess / total, -_LARGEST_MOVE, _LARGEST_MOVE)), change


def solved(fit: PixelFit, normal: FloatArray, right: FloatArray, prior: PixelPrior) -> PixelFit:
    """Return the fit with the coefficients of another prior, given the normal equations without a prior."""
    live, free = fit.live[:, None], ~prior.censored
    precision = np.where(free, prior.precision, 0.0)
    size = right.shape[1]
    diagonal = np.arange(size)
    whole = normal.copy()
    whole[:, diagonal, diagonal] += np.where(free & live, precision, 1.0)
    covariance = invert_positive(whole) * ((free & live)[:, :, None] & (free & live)[:, None, :])
    theta = np.einsum("pij,pj->pi", covariance, right + precision * np.where(free, prior.mean, 0.0))
    return replace(fit, theta=theta, covariance=covariance)
