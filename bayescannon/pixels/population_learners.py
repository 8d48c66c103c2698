"""
Learners of the populations: each updates its parameters from the current state and the fit of the pixels.

A learner's `step` returns the new state, the last fit, and the largest relative change of its parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.noise_priors import PixelNoise
from bayescannon.numerics.small_inverse import invert_positive
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.coefficient_population import SMALL_GAIN, Population, eliminate_flat, fit_population
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.populations import LogNormalPopulation, Populations
from bayescannon.pixels.prior import PixelPrior, ScatterDensity
from bayescannon.pixels.scatter_search import GRID_LN_SCATTER

# iterations end when ln kappa changes by less: of the whole survey, and of every pixel
_KAPPA_SETTLED = 5e-4
_PIXEL_KAPPA_SETTLED = 5e-3
# within this distance of ln kappa the sample of pixels has nothing to add
_KAPPA_NEAR = 0.02
# while kappa is searched, s^2 need not be exact: Newton's method converges quadratically
_NEAR = {"scatter": "near", "tolerance": 1e-3}
# smallest width of the population of ln s; a tenth of it for ln kappa
_NARROWEST_POPULATION = 0.05
# parameters of the whole survey are first found on a sample of about this many pixels
SAMPLE = 500
ALL_PIXELS = slice(None)


@dataclass(frozen=True)
class State:
    """The prior, the noise scales, the populations and the factors of outliers with which the pixels are fitted."""

    prior: PixelPrior
    kappa: NDArray[np.float64]
    populations: Populations = field(default_factory=Populations)
    # of ln kappa, of each star; shape (0,) where stars have none of their own
    offsets: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def star_ivar(self, ivar: FloatArray) -> FloatArray:
        """Return the inverse variances (star, pixel) on the scales of the stars."""
        return ivar / np.exp(2 * self.offsets)[:, None] if self.offsets.any() else ivar

    factors: NDArray[np.float32] | None = None


def pooled_prior(prior: PixelPrior, population: Population, shrunk: NDArray[np.bool_]) -> PixelPrior:
    """Return the prior of the pixels with `population` as the prior of the shrunk terms, bool array of shape (T,)."""
    mean, precision = prior.mean.copy(), prior.precision.copy()
    mean[:, shrunk] = population.mu
    precision[:, shrunk] = np.where(prior.censored[:, shrunk], np.inf, 1 / population.scale**2)
    return replace(prior, mean=mean, precision=precision)


class CoefficientLearner:
    """Learns mu, tau and lambda of the coefficients."""

    def __init__(self, prior: Any, shrunk: NDArray[np.bool_]) -> None:
        self.prior, self.shrunk = prior, shrunk

    def step(
        self,
        state: State,
        fit: PixelFit,
        equations: tuple[FloatArray, FloatArray] | None = None,
        gain: float = SMALL_GAIN,
    ) -> tuple[State, PixelFit, float]:
        """Fit the population to the normal equations without the prior; the last gain is below `gain` per pixel."""
        live = fit.live
        normal, right = data_equations(fit, state.prior) if equations is None else equations
        normal, right = eliminate_flat(normal[live], right[live], self.shrunk)
        start = state.populations.coefficients
        if start is not None:
            start = replace(start, activity=start.activity[live])
        found = fit_population(normal, right, activity_spread=self.prior.activity_spread, start=start, tolerance=gain)
        activity = np.ones(len(live))
        activity[live] = found.activity
        population = replace(found, activity=activity)
        move = 1.0
        if start is not None:
            # changes of a negligible tau do not count
            size = np.maximum(population.tau, 0.01 * population.tau.max())
            move = float(np.abs(population.tau - start.tau).max() / size.max())
            move = max(move, float(np.median(np.abs(np.log(found.activity / start.activity)))))
        state = replace(
            state,
            prior=pooled_prior(state.prior, population, self.shrunk),
            populations=replace(state.populations, coefficients=population),
        )
        return state, fit, move


def data_equations(fit: PixelFit, prior: PixelPrior) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Return the normal equations of a fit without its prior: V^T W V (P, T, T) and V^T W f (P, T).

    They are 0 for censored terms and in dead pixels.
    """
    censored = prior.censored
    precision = np.where(censored, 0.0, prior.precision)
    size = fit.theta.shape[1]
    diagonal = np.arange(size)
    padded = fit.covariance.copy()
    padded[:, diagonal, diagonal] += censored
    padded[~fit.live] = np.eye(size)
    normal = invert_positive(padded)
    normal[:, diagonal, diagonal] -= censored
    right = np.einsum("pij,pj->pi", normal, fit.theta) - precision * np.where(censored, 0.0, prior.mean)
    normal[:, diagonal, diagonal] -= precision
    normal[~fit.live], right[~fit.live] = 0.0, 0.0
    return normal, right


class ScatterLearner:
    """Learns centre and width of the population of ln s, integrating each pixel's s over a grid."""

    def __init__(self, prior: Any, fit: Callable[..., PixelFit]) -> None:
        self.prior, self.fit = prior, fit

    def step(self, state: State, fit: PixelFit) -> tuple[State, PixelFit, float]:
        """Fit the population to the likelihoods of a sample of pixels on a grid of s."""
        flat = replace(state, prior=replace(state.prior, scatter=ScatterDensity.FLAT))
        some = _sample(fit)
        live = fit.live[some]
        objective = np.empty((len(GRID_LN_SCATTER), int(live.sum())))
        for k, ln_s in enumerate(GRID_LN_SCATTER):
            at = np.full(len(fit.live), np.exp(ln_s))
            objective[k] = self.fit(flat, at, some, scatter="fixed").objective[live]
        centre, width = scatter_population(objective, centre=self.prior.centre, width=self.prior.width)
        before = state.prior
        move = 1.0
        if before.scatter is ScatterDensity.LOG_NORMAL:
            move = max(abs(centre - before.scatter_parameters[0]), abs(width / before.scatter_parameters[1] - 1))
        state = replace(
            state,
            prior=replace(state.prior, scatter=ScatterDensity.LOG_NORMAL, scatter_parameters=(centre, width)),
            populations=replace(state.populations, scatter=LogNormalPopulation(centre, width)),
        )
        return state, fit, move


def _sample(fit: PixelFit) -> slice:
    """Choose a sample of pixels spread over the grid."""
    return sample_of(len(fit.scatter))


def sample_of(n_pixel: int) -> slice:
    """Choose a sample of about `SAMPLE` pixels spread over the grid."""
    step = n_pixel // SAMPLE
    return slice(step // 2, None, step) if step > 1 else ALL_PIXELS


def scatter_population(
    objective: FloatArray, *, centre: float | None = None, width: float | None = None
) -> tuple[float, float]:
    """
    Fit mean and standard deviation of ln s over the pixels by maximum marginal likelihood (EM).

    Parameters
    ----------
    objective : float array of shape (grid, P)
        Minus log likelihood of each pixel at the scatters of :data:`bayescannon.pixels.scatter_search.GRID_LN_SCATTER`.
    centre, width : float, optional
        Held fixed if given.

    Returns
    -------
    centre, width : float
    """
    grid = GRID_LN_SCATTER[:, None]
    likelihood = np.exp(objective.min(axis=0) - objective)
    m = float(grid[objective.argmin(axis=0)].mean()) if centre is None else centre
    w = 1.0 if width is None else width
    for _ in range(2000):
        weight = likelihood * np.exp(-0.5 * ((grid - m) / w) ** 2)
        weight /= weight.sum(axis=0)
        new_m = float((weight * grid).sum(axis=0).mean()) if centre is None else centre
        new_w = float(np.sqrt((weight * (grid - new_m) ** 2).sum(axis=0).mean())) if width is None else width
        new_w = max(new_w, _NARROWEST_POPULATION)
        settled = abs(new_m - m) + abs(new_w - w) < 1e-5
        m, w = new_m, new_w
        if settled:
            break
    return m, w


def noise_excess(fit: PixelFit, prior: PixelPrior) -> FloatArray:
    """
    Differentiate each pixel's objective by ln kappa, with s at its optimum; shape (P,).

    With a flat prior of s it is n - chi2, minus the effective number of terms if theta is integrated out. With s at its
    optimum, or at 0, the change of s contributes only through its prior.
    """
    s2 = np.where(fit.live & (fit.scatter > 0), fit.scatter, 1.0) ** 2
    pull = np.where(fit.live & (fit.scatter > 0), s2 * prior.scatter_gradient(s2)[0], 0.0)
    return fit.n_live - fit.freedom - fit.chi2 + pull


class KappaLearner:
    """
    Learns the scale of the noise, of the survey or of each pixel.

    It is the root of the derivative of the objective by ln kappa, see :func:`noise_excess`.
    """

    def __init__(self, noise: Any, fit: Callable[..., PixelFit]) -> None:
        self.noise, self.fit = noise, fit

    def first(self, state: State) -> State:
        """Return the state with the scale of a sample of pixels, before all of them are fitted; or as it is."""
        n_pixel = len(state.kappa)
        some = sample_of(n_pixel)
        if some == ALL_PIXELS:
            return state
        fit = self.fit(state, None, some, **_NEAR)
        start = np.zeros(n_pixel)
        start[some] = fit.scatter
        move = self._secant(state, lambda moved: self.fit(moved, start, some, **_NEAR), fit, state.prior.select(some))
        return replace(state, kappa=state.kappa * np.exp(move))

    def step(self, state: State, fit: PixelFit) -> tuple[State, PixelFit, float]:
        """Find the roots of the derivatives by ln kappa."""
        first = np.log(state.kappa)
        state, fit = self.find_common(state, fit)
        if isinstance(self.noise, PixelNoise):
            state, fit = self._by_pixel(state, fit)
        return state, fit, float(np.abs(np.log(state.kappa) - first).max())

    def find_common(self, state: State, fit: PixelFit) -> tuple[State, PixelFit]:
        """Multiply all kappa by the factor at which the summed derivative vanishes; start with a sample of pixels."""
        first, some = state, _sample(fit)
        if some != ALL_PIXELS and abs(self.first_move(fit, state.prior)) > _KAPPA_NEAR:
            start = fit.scatter
            move = self._secant(
                state,
                lambda moved: self.fit(moved, start, some, **_NEAR),
                self.fit(state, start, some, **_NEAR),
                state.prior.select(some),
            )
            state = replace(state, kappa=state.kappa * np.exp(move))
            fit = self.fit(state, start, **_NEAR)
        start = fit.scatter
        move = self._secant(state, lambda moved: self.fit(moved, start, **_NEAR), fit, state.prior)
        state = replace(state, kappa=state.kappa * np.exp(move))
        if not np.array_equal(state.kappa, first.kappa):
            fit = self.fit(state, start)
        return state, fit

    @staticmethod
    def first_move(fit: PixelFit, prior: PixelPrior) -> float:
        """Estimate the change of ln kappa to the root: in pixels with s = 0 the slope of the derivative is 2 chi2."""
        at_zero = float(fit.chi2[fit.live & (fit.scatter == 0)].sum())
        slope = 2 * max(at_zero, 0.2 * float(fit.n_live[fit.live].sum()))
        return float(np.clip(-noise_excess(fit, prior)[fit.live].sum() / slope, -0.7, 0.7))

    @staticmethod
    def _secant(state: State, refit: Callable[[State], PixelFit], fit: PixelFit, prior: PixelPrior) -> float:
        """Return the change of ln kappa at which the summed derivative vanishes; 0 if it is within the tolerance."""
        previous: tuple[float, float] | None = None
        shift = 0.0
        for _ in range(12):
            excess = float(noise_excess(fit, prior)[fit.live].sum())
            if previous is None or excess == previous[1]:
                move = KappaLearner.first_move(fit, prior)
            else:
                slope = (excess - previous[1]) / (shift - previous[0])
                move = float(np.clip(-excess / slope, -0.7, 0.7)) if slope > 0 else -0.2 * float(np.sign(excess))
            if abs(move) < _KAPPA_SETTLED:
                break
            previous = (shift, excess)
            shift += move
            fit = refit(replace(state, kappa=state.kappa * np.exp(shift)))
        return shift

    def _by_pixel(self, state: State, fit: PixelFit) -> tuple[State, PixelFit]:
        """Solve for kappa of each pixel under the population N(centre, width) of ln kappa, and for the population."""
        live = fit.live
        u = np.log(state.kappa)
        centre = float(np.median(u[live])) if self.noise.centre is None else self.noise.centre
        width = 0.3 if self.noise.width is None else self.noise.width
        slope = 2 * np.maximum(fit.chi2, 1.0) + 1 / width**2
        last_u, last_h = u.copy(), np.full(len(u), np.nan)
        for _ in range(10):
            h = noise_excess(fit, state.prior)
            with np.errstate(divide="ignore", invalid="ignore"):
                secant = (h - last_h) / (u - last_u)
            # the curvature of the likelihood lies between 0 and that at s = 0
            curvature = np.where(np.isfinite(secant), np.clip(secant, 0.0, 2 * np.maximum(fit.chi2, 1.0)), slope)
            if self.noise.centre is None:
                centre = float(u[live].mean())
            if self.noise.width is None:
                spread = (u[live] - centre) ** 2 + 1 / (curvature[live] + 1 / width**2)
                width = max(float(np.sqrt(spread.mean())), _NARROWEST_POPULATION / 10)
            move = -(h + (u - centre) / width**2) / (curvature + 1 / width**2)
            move = np.where(live, np.clip(move, -0.5, 0.5), 0.0)
            last_u, last_h = u, h
            u = u + move
            state = replace(state, kappa=np.exp(u))
            fit = self.fit(state, fit.scatter)
            if np.abs(move).max() < _PIXEL_KAPPA_SETTLED:
                break
        return replace(state, populations=replace(state.populations, kappa=LogNormalPopulation(centre, width))), fit
