r"""
Learning of the noise scales of the reference stars, and of their population: kappa_n = kappa exp(u_n).

The coefficients are integrated out of the likelihood of scatters and u_n: otherwise stars with unusual labels, which
the coefficients follow, would seem to have less noise. Given the population, u_n is the exact maximum; kappa and the
width of the population are those of maximum marginal likelihood, with each star's likelihood as a Gaussian of u_n at
its maximum.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from bayescannon.models.noise_priors import StarNoise
from bayescannon.numerics.packing import pack_products
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.population_learners import KappaLearner, State
from bayescannon.pixels.populations import LogNormalPopulation
from bayescannon.stars.noise_scale import settle_offsets

# stars per block
_BLOCK = 128
# first width of the population of ln kappa
_FIRST_WIDTH = 0.3
# turns between the offsets and their population in a round
_TURNS = 2


def normal_population(
    values: FloatArray, variances: FloatArray, counts: FloatArray, *, width: float | None = None
) -> tuple[float, float]:
    """
    Return centre and width of a normal population of values with known errors, by maximum marginal likelihood.

    Parameters
    ----------
    values, variances : float arrays of shape (star,)
        Measurements, and the variances of their errors.
    counts : float array of shape (star,)
        How many times each counts.
    width : float, optional
        Held fixed if given.

    Returns
    -------
    centre, width : float
        A width of 0 if the errors explain the spread of the values.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> values = 0.5 + rng.standard_normal(1000) * np.hypot(0.3, 0.1)
    >>> centre, width = normal_population(values, np.full(1000, 0.01), np.ones(1000))
    >>> print(round(centre, 1), round(width, 1))
    0.5 0.3
    """

    def centre_at(one: float) -> float:
        return float(np.average(values, weights=counts / (variances + one**2)))

    def objective(one: float) -> float:
        total = variances + one**2
        return float((counts * (np.log(total) + (values - centre_at(one)) ** 2 / total)).sum())

    if width is None:
        largest = 2 * float(np.std(values)) + 1e-12
        found = minimize_scalar(objective, bounds=(0.0, largest), method="bounded", options={"xatol": 1e-6 * largest})
        width = float(found.x) if found.fun < objective(0.0) - 1e-6 else 0.0
    return centre_at(width), width


class StarNoiseLearner:
    """
    Learns u_n of every star, kappa, and the width of the population.

    Parameters
    ----------
    noise : StarNoise
    fit : callable
        Fits the pixels in a state, from scatters nearby, with the coefficients integrated out.
    moments : LabelMoments
    flux, ivar : float arrays of shape (star, pixel)
        As reported.
    workers : int or None
        Threads; None takes every core.
    """

    def __init__(
        self,
        noise: StarNoise,
        fit: Callable[..., PixelFit],
        moments: LabelMoments,
        flux: FloatArray,
        ivar: FloatArray,
        *,
        workers: int | None = None,
    ) -> None:
        self.noise, self.fit, self.workers = noise, fit, workers
        self.moments, self.flux, self.ivar = moments, flux, ivar

    def step(self, state: State, fit: PixelFit) -> tuple[State, PixelFit, float]:
        """Find kappa, then u_n given the population, then the population; fit the pixels again."""
        first = np.log(state.kappa)
        if self.noise.centre is None:
            state, fit = KappaLearner(self.noise, self.fit).find_common(state, fit)
        before = state.populations.star_kappa
        width = before.width if before is not None else self.noise.width or _FIRST_WIDTH
        offsets = state.offsets
        for _ in range(_TURNS):
            offsets, slope, curvature = self._offsets(state, fit, offsets, width)
            known = curvature > 0
            # the maximum of the likelihood of each star alone, and its error
            values, variances = (offsets - slope / np.where(known, curvature, 1.0))[known], 1 / curvature[known]
            centre, width = normal_population(values, variances, self.moments.counts[known], width=self.noise.width)
        offsets, _, _ = self._offsets(state, fit, offsets, width)
        # under a prior around 0; kappa was found before
        free = self.noise.centre is None
        centre = float(np.average(offsets, weights=self.moments.counts)) if free else 0.0
        shrunk = offsets - centre
        moved = float(np.sqrt(np.mean((shrunk - state.offsets) ** 2)))
        kappa = state.kappa * np.exp(centre)
        population = LogNormalPopulation(float(np.log(np.median(kappa))), width)
        state = replace(
            state, kappa=kappa, offsets=shrunk, populations=replace(state.populations, star_kappa=population)
        )
        return state, self.fit(state, fit.scatter), max(moved, float(np.abs(np.log(kappa) - first).max()))

    def _offsets(
        self, state: State, fit: PixelFit, start: FloatArray, width: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return u_n at its maximum under the width, and slope and curvature of its likelihood there."""
        moments, scale2 = self.moments, state.kappa**2
        offsets = np.array(start, dtype=np.float64)
        slope, curvature = np.zeros((2, len(offsets)))
        precision = np.inf if width == 0 else width**-2
        s2, none = fit.scatter**2, np.zeros(len(offsets))
        rows, columns = np.triu_indices(fit.theta.shape[1])
        # so that E[v v^T], packed, times it is E[v^T C v]
        packed = np.ascontiguousarray((fit.covariance[:, rows, columns] * np.where(rows == columns, 1.0, 2.0)).T)
        theta2 = pack_products(fit.theta).T if moments.covariance is not None else None

        def one(part: slice) -> None:
            squares = (self.flux[part] - moments.mean[part] @ fit.theta.T) ** 2 + moments.products[part] @ packed
            if moments.covariance is not None and theta2 is not None:
                squares += moments.covariance[part] @ theta2
            settle_offsets(
                squares, self.ivar[part] / scale2, s2, none[part], precision, offsets[part], slope[part],
                curvature[part],
            )  # fmt: skip

        map_blocks(one, len(offsets), _BLOCK, self.workers)
        return offsets, slope, curvature
