r"""
Exact fit of all pixels when the coefficients are smooth along wavelength.

The line-spread function couples neighbouring pixels: under :mod:`bayescannon.pixels.smooth_process` the pixels are no
longer independent. Given all scatters, the coefficients and their covariances are one sweep; given those, each scatter
is a one-dimensional problem. The two alternate until nothing moves, and no step makes the objective worse.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.coefficient_population import eliminate_flat
from bayescannon.pixels.compressed import normal_equations
from bayescannon.pixels.fit import PixelFit, PixelStatus, fit_pixels
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.smooth_chain import Chain, scatter_step, whole_vector
from bayescannon.pixels.smooth_process import LOWEST_SCALE, SmoothProcess

# Where tau is learned it starts here: EM comes down to small scales faster than it climbs
_FIRST_SCALE = 0.03

# tau is held once no scale moves by more than this fraction in a round, or none gains more than this many nats by
# it (a scale that creeps towards 0), so that the scatters can settle
_SCALE_SETTLED = 1e-3
_GAIN_SETTLED = 1e-2

_MAX_ROUNDS = 100

# Rounding of the objective
_ROUNDING = 1e-10


@dataclass(frozen=True)
class SmoothFit(PixelFit):
    """
    A :class:`bayescannon.pixels.fit.PixelFit` of pixels that are coupled.

    The covariance is each pixel's marginal one; the slope of g is that with the other scatters held; `objective`
    shares the joint objective out over the pixels: only its sum has a meaning.

    Attributes
    ----------
    scale : float array of shape (n_shrunk,)
        tau of each shrunk term, given or learned; a learned one is at least 1e-7.
    log_marginal : float
        Log marginal likelihood of tau given the scatters, up to a constant.
    trace : tuple of float
        Sum of the objective after each round.
    """

    scale: NDArray[np.float64]
    log_marginal: float
    trace: tuple[float, ...]


def fit_pixels_smooth(
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    shrunk: NDArray[np.bool_],
    scale: ArrayLike | None = None,
    length: float = 3.0,
    position: FloatArray | None = None,
    prior: PixelPrior | None = None,
    kappa: FloatArray | float = 1.0,
    marginal: bool = False,
    start: FloatArray | None = None,
    tolerance: float = 1e-6,
    block: int = 64,
    workers: int | None = None,
) -> SmoothFit:
    """
    Fit coefficients that are smooth along wavelength, and scatters: the exact joint maximum given tau.

    Parameters
    ----------
    vectors, flux, ivar, kappa, marginal, start, tolerance, block, workers
        As in :func:`bayescannon.pixels.fit.fit_pixels`.
    shrunk : bool array of shape (T,)
        Terms that the prior covers, see :func:`bayescannon.models.coefficient_priors.shrunk_terms`; the others are
        flat.
    scale : array that broadcasts to (n_shrunk,), optional
        tau, standard deviation of the coefficients, in normalised flux. Learned by marginal likelihood given the
        scatters (EM) unless given.
    length : float
        Correlation length in pixels.
    position : float array of shape (pixel,), optional
        Ascending positions of the pixels, in pixels; 0, 1, 2 ... unless given. Dead pixels are left out, and the
        correlation reaches across them.
    prior : PixelPrior, optional
        Of the scatter, and of censored terms (precision inf); its other precisions must be 0.

    Returns
    -------
    fit : SmoothFit

    Raises
    ------
    ValueError
        A scale or length that is not positive, a precision that is neither 0 nor inf, or shapes that do not go
        together.
    """
    moments = vectors if isinstance(vectors, LabelMoments) else LabelMoments.known(vectors)
    n_pixel, n_term = flux.shape[1], moments.mean.shape[1]
    prior = PixelPrior.flat(n_pixel, n_term) if prior is None else prior
    if not ((prior.precision == 0) | prior.censored).all():
        raise InputError("with a smooth prior, PixelPrior.precision may be 0 or inf (a censored term) only")
    if shrunk.shape != (n_term,) or not shrunk.any():
        raise InputError(
            f"shrunk must mark some of the {n_term} terms; got shape {shrunk.shape}, {shrunk.sum()} marked"
        )
    first_scale = np.asarray(_FIRST_SCALE if scale is None else scale, dtype=np.float64)
    if not (np.isfinite(first_scale) & (first_scale > 0)).all():
        raise InputError("the scale of the smooth prior must be positive and finite")
    tau = np.array(np.broadcast_to(first_scale, int(shrunk.sum())))
    where = np.arange(n_pixel, dtype=np.float64) if position is None else np.asarray(position, dtype=np.float64)
    if where.shape != (n_pixel,):
        raise InputError(f"position must have shape (pixel,) = {(n_pixel,)}; got {where.shape}")
    SmoothProcess.along(where, length)

    # the same prior without its correlations tells dead pixels, and gives scatters to start from
    precision = prior.precision.copy()
    precision[:, shrunk] += 1 / tau**2
    first = fit_pixels(
        moments, flux, ivar, prior=replace(prior, precision=precision), kappa=kappa, marginal=marginal, start=start,
        tolerance=max(tolerance, 1e-3), block=block, workers=workers,
    )  # fmt: skip
    live = np.flatnonzero(first.live)
    if len(live) == 0:
        parts = {item.name: getattr(first, item.name) for item in fields(first)}
        return SmoothFit(**parts, scale=tau, log_marginal=0.0, trace=())
    whole = len(live) == n_pixel
    chain = Chain(
        moments, flux if whole else flux[:, live], ivar if whole else ivar[:, live], prior.select(live),
        np.broadcast_to(np.asarray(kappa, dtype=np.float64), n_pixel)[live],
        shrunk, SmoothProcess.along(where[live], length), marginal, tolerance, block, workers,
    )  # fmt: skip
    return _alternate(chain, first, live, tau, learn=scale is None)


def _alternate(
    chain: Chain, first: PixelFit, live: NDArray[np.intp], tau: NDArray[np.float64], *, learn: bool
) -> SmoothFit:
    """Alternate between coefficients and scatters, tau around them if it is to be learned."""
    scatter = safe = first.scatter[live]
    trace: list[float] = []
    moving = np.ones(len(live), dtype=bool)
    for n_rounds in range(_MAX_ROUNDS + 1):
        normal, right = normal_equations(
            chain.moments, chain.flux, chain.ivar, scatter, kappa=chain.kappa, allowed=~chain.prior.censored,
            block=chain.block, workers=chain.workers,
        )  # fmt: skip
        reduced, reduced_right = eliminate_flat(normal, right, chain.shrunk)
        was_learning = learn
        if learn:
            new, gains = chain.process.learn_scale(reduced, reduced_right, tau)
            moved = bool((np.abs(new - tau) > _SCALE_SETTLED * np.maximum(tau, 100 * LOWEST_SCALE)).any())
            learn, tau = moved and gains[-1] - gains[0] > _GAIN_SETTLED, new
        posterior = chain.process.posterior(reduced, reduced_right, tau)
        sweep = whole_vector(chain, normal, right, posterior, tau)
        step = scatter_step(chain, sweep, normal, scatter)
        value = float((step.at.objective + sweep.penalty).sum())
        worse = bool(trace) and not was_learning and value > trace[-1] + _ROUNDING * abs(value)
        if worse and (scatter != safe).any() and n_rounds < _MAX_ROUNDS:
            scatter = safe
            continue
        trace.append(value)
        moving = np.abs(step.long - scatter) > chain.tolerance * np.maximum(step.long, scatter)
        if n_rounds == _MAX_ROUNDS or not (moving.any() or learn):
            break
        scatter, safe = (step.short if learn else step.long), step.short

    result = {item.name: getattr(first, item.name).copy() for item in fields(first)}
    result["theta"][live], result["covariance"][live], result["scatter"][live] = sweep.theta, sweep.covariance, scatter
    result["gradient"][live], result["slope"][live] = step.at.gradient, step.slope
    result["objective"][live] = step.at.objective + sweep.penalty
    result["chi2"][live], result["freedom"][live] = step.chi2, sweep.freedom
    result["n_passes"][live] += 2 * n_rounds + 1
    result["status"][live] = np.where(moving | learn, PixelStatus.NOT_CONVERGED, PixelStatus.CONVERGED)
    return SmoothFit(**result, scale=tau, log_marginal=posterior.log_marginal, trace=tuple(trace))
