"""
The two steps of a smooth fit: coefficients given the scatters, and scatters given the coefficients.

Each step is exact; :mod:`bayescannon.pixels.smooth` alternates between them.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.packing import pack_products
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import PixelFit, fit_pixels
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.smooth_process import ChainPosterior, SmoothProcess
from bayescannon.pixels.solver import Solver

# a long step of s^2 is at most this many times the short one, which cannot increase the objective
_MAX_REACH = 4.0

# pixels per block of residuals
_CHUNK = 256


@dataclass(frozen=True)
class Chain:
    """The data and priors of the live pixels, in order."""

    moments: LabelMoments
    flux: FloatArray
    ivar: FloatArray
    prior: PixelPrior
    kappa: NDArray[np.float64]
    shrunk: NDArray[np.bool_]
    process: SmoothProcess
    marginal: bool
    solver: Solver


@dataclass(frozen=True)
class Sweep:
    """The coefficients given scatters and tau."""

    theta: NDArray[np.float64]
    covariance: NDArray[np.float64]
    penalty: NDArray[np.float64]  # the contribution of each pixel to the objective without that of the fluxes
    freedom: NDArray[np.float64]


def whole_vector(
    chain: Chain, normal: FloatArray, right: FloatArray, posterior: ChainPosterior, tau: FloatArray
) -> Sweep:
    """Add the flat terms to the posterior of the shrunk ones, and set censored ones to 0."""
    shrunk, flat = chain.shrunk, ~chain.shrunk
    block, cross = normal[:, flat][:, :, flat].copy(), normal[:, flat][:, :, shrunk]
    diagonal = np.arange(block.shape[1])
    block[:, diagonal, diagonal] += block[:, diagonal, diagonal] == 0
    inverse = np.linalg.inv(block)
    gain = inverse @ cross
    theta, covariance = np.zeros(right.shape), np.zeros(normal.shape)
    theta[:, shrunk] = posterior.mean
    theta[:, flat] = np.einsum("pij,pj->pi", inverse, right[:, flat]) - np.einsum("pij,pj->pi", gain, posterior.mean)
    both = -gain @ posterior.covariance
    s, f = np.flatnonzero(shrunk), np.flatnonzero(flat)
    covariance[:, s[:, None], s] = posterior.covariance
    covariance[:, f[:, None], s] = both
    covariance[:, s[:, None], f] = both.transpose(0, 2, 1)
    covariance[:, f[:, None], f] = inverse - both @ gain.transpose(0, 2, 1)
    keep = ~chain.prior.censored
    theta *= keep
    covariance *= keep[:, :, None] & keep[:, None, :]
    penalty = 0.5 * (chain.process.squares(posterior.mean) / tau**2).sum(axis=1)
    freedom = np.zeros(len(theta))
    if chain.marginal:
        freedom = np.einsum("pij,pij->p", covariance, normal)
        # the r^2 below contain the variance of the coefficients, which is not part of the marginal likelihood
        penalty += 0.5 * (posterior.log_det + np.linalg.slogdet(block)[1] - freedom)
    return Sweep(theta, covariance, penalty, freedom)


@dataclass(frozen=True)
class ScatterStep:
    """The next scatters; every array is (P,)."""

    at: PixelFit  # at the current scatters, coefficients held fixed
    short: NDArray[np.float64]  # the best scatters with the coefficients held fixed: never worse
    long: NDArray[np.float64]  # the scatters of a Newton step in which the coefficients follow
    slope: NDArray[np.float64]  # dg / d(s^2) with coefficients that follow
    chi2: NDArray[np.float64]


def scatter_step(chain: Chain, sweep: Sweep, normal: FloatArray, scatter: FloatArray) -> ScatterStep:
    """
    Fit the scatters with the coefficients held fixed, or with their distribution held fixed if they are integrated out.

    The likelihood then depends only on r^2, so |r| is given as the flux of a fit whose only coefficient is held at 0.
    """
    counts = chain.moments.counts
    ones = LabelMoments.known(np.ones((len(chain.flux), 1)), multiplicity=chain.moments.multiplicity)
    held = replace(chain.prior, mean=np.zeros((len(scatter), 1)), precision=np.full((len(scatter), 1), np.inf))

    def one(part: slice) -> ScatterStep:
        ivar, kappa, s = chain.ivar[:, part], chain.kappa[part], scatter[part]
        residual = chain.flux[:, part] - chain.moments.mean @ sweep.theta[part].T
        squares = residual**2 + _label_spread(chain, sweep, part)
        root = np.sqrt(np.maximum(squares + _coefficient_spread(chain, sweep, part), 0.0))
        at, best = (
            fit_pixels(
                ones, root, ivar, prior=held.select(part), kappa=kappa, start=s,
                solver=replace(chain.solver, scatter=how, tolerance=0.1 * chain.solver.tolerance),
            )
            for how in ("fixed", "exact")
        )  # fmt: skip
        short = np.where(best.objective < at.objective, best.scatter, s)
        weight = ivar / (kappa**2 + s**2 * ivar)
        w2 = weight**2
        q = (w2 * residual).T @ chain.moments.counted_mean
        slope = at.slope - 2 * np.einsum("pi,pij,pj->p", q, sweep.covariance[part], q)
        if chain.marginal:
            # exact if all stars have the same noise, else an approximation
            data = sweep.covariance[part] @ normal[part]
            slope -= (counts @ w2 / (counts @ weight)) ** 2 * np.einsum("pij,pji->p", data, data)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where((slope > 0) & (at.slope > slope), np.minimum(at.slope / slope, _MAX_REACH), 1.0)
        far = s**2 + reach * (short**2 - s**2)
        long = np.sqrt(np.where((short > 0) & (far > 0), far, short**2))
        return ScatterStep(at, short, long, slope, counts @ (weight * squares))

    parts = map_blocks(one, len(scatter), _CHUNK, chain.solver.workers)
    joined = {item.name: np.concatenate([getattr(step.at, item.name) for step in parts]) for item in fields(PixelFit)}
    arrays = {
        name: np.concatenate([getattr(step, name) for step in parts]) for name in ("short", "long", "slope", "chi2")
    }
    return ScatterStep(at=PixelFit(**joined), **arrays)


def _label_spread(chain: Chain, sweep: Sweep, part: slice) -> FloatArray | float:
    """Return the variance that uncertain labels add to r^2, (star, pixel)."""
    covariance = chain.moments.covariance
    return 0.0 if covariance is None else covariance @ pack_products(sweep.theta[part]).T


def _coefficient_spread(chain: Chain, sweep: Sweep, part: slice) -> FloatArray | float:
    """Return the variance that uncertain coefficients add to r^2 if they are integrated out, (star, pixel)."""
    if not chain.marginal:
        return 0.0
    k, l = np.triu_indices(sweep.theta.shape[1])  # noqa: E741 - the indices of the paper
    return chain.moments.products @ (sweep.covariance[part][:, k, l] * np.where(k == l, 1.0, 2.0)).T
