r"""
Exact fit of all pixels under a prior of coefficients that are smooth along wavelength.

The line-spread function correlates neighbouring pixels: under :mod:`bayescannon.pixels.smooth_process` the pixels are
not independent. Given all scatters, the coefficients and their covariances follow from one sweep over the pixels; given
those, each scatter is a one-dimensional problem. The two steps alternate until they converge, and none increases the
objective.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.coefficient_population import eliminate_flat
from bayescannon.pixels.compressed import normal_equations
from bayescannon.pixels.fit import PixelFit, fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.smooth_chain import Chain, scatter_step, whole_vector
from bayescannon.pixels.smooth_process import LOWEST_SCALE, SmoothProcess
from bayescannon.pixels.solver import Solver

# first value of a tau that is learned: EM decreases a scale faster than it increases it
_FIRST_SCALE = 0.03

# tau is held fixed, so that the scatters can converge, once a round changes no scale by more than this fraction, or
# gains less than this many nats (a scale that slowly approaches 0)
_SCALE_SETTLED = 1e-3
_GAIN_SETTLED = 1e-2

_MAX_ROUNDS = 100

# relative rounding error of the objective
_ROUNDING = 1e-10


@dataclass(frozen=True)
class SmoothFit(PixelFit):
    """
    A :class:`bayescannon.pixels.fit.PixelFit` of correlated pixels.

    `covariance` is the marginal covariance of each pixel; `slope` is that of g with the other scatters held fixed; only
    the sum of `objective` over the pixels, the joint objective, has a meaning.

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


@dataclass(frozen=True, kw_only=True)
class SmoothPrior(PixelPrior):
    """
    Priors of P pixels with T terms: smooth along wavelength, flat, or censored.

    Attributes
    ----------
    shrunk : bool array of shape (T,)
        The smooth terms, see :func:`bayescannon.models.coefficient_priors.shrunk_terms`.
    tau : float array that broadcasts to (n_shrunk,), or None
        Standard deviation of the coefficients, in normalised flux. With None it is learned by marginal likelihood given
        the scatters (EM).
    length : float
        Correlation length in pixels.
    position : float array of shape (P,), or None
        Ascending positions of the pixels, in pixels; by default 0, 1, 2 ... Dead pixels are left out; the pixels on
        both sides of them are correlated by their distance.
    """

    shrunk: NDArray[np.bool_]
    tau: ArrayLike | None = None
    length: float = 3.0
    position: FloatArray | None = None

    def __post_init__(self) -> None:
        n_pixel, n_term = self.mean.shape
        if not ((self.precision == 0) | self.censored).all():
            raise InputError(
                "with a smooth prior, PixelPrior.precision must be 0, or inf for a censored term; got another value"
            )
        if self.shrunk.shape != (n_term,) or not self.shrunk.any():
            raise InputError(
                f"shrunk must mark some of the {n_term} terms; got shape {self.shrunk.shape}, "
                f"{self.shrunk.sum()} marked"
            )
        if not (np.isfinite(self.first_tau) & (self.first_tau > 0)).all():
            raise InputError(f"the scale of the smooth prior must be positive and finite; got {self.first_tau}")
        if self.where.shape != (n_pixel,):
            raise InputError(f"position must have shape (pixel,) = {(n_pixel,)}; got {self.where.shape}")
        SmoothProcess.along(self.where, self.length)

    @property
    def first_tau(self) -> NDArray[np.float64]:
        """The given tau, or the first value of a tau that is learned; shape (n_shrunk,)."""
        tau = np.asarray(_FIRST_SCALE if self.tau is None else self.tau, dtype=np.float64)
        return np.array(np.broadcast_to(tau, int(self.shrunk.sum())))

    @property
    def where(self) -> NDArray[np.float64]:
        """The positions of the pixels, shape (P,)."""
        given = np.arange(len(self.mean)) if self.position is None else self.position
        return np.asarray(given, dtype=np.float64)

    def uncorrelated(self) -> PixelPrior:
        """Return the same prior without correlations between pixels."""
        precision = self.precision.copy()
        precision[:, self.shrunk] += 1 / self.first_tau**2
        return PixelPrior(self.mean, precision, self.scatter, self.scatter_parameters)


def fit_pixels_smooth(
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    prior: SmoothPrior,
    kappa: FloatArray | float = 1.0,
    marginal: bool = False,
    start: FloatArray | None = None,
    solver: Solver | None = None,
) -> SmoothFit:
    """
    Fit coefficients that are smooth along wavelength, and scatters, at the exact joint maximum given tau.

    Parameters
    ----------
    prior : SmoothPrior
    vectors, flux, ivar, kappa, marginal, start, solver
        As in :func:`bayescannon.pixels.fit.fit_pixels`; the scatters are exact.

    Returns
    -------
    fit : SmoothFit

    Raises
    ------
    InputError
        Shapes that do not match.
    """
    solver = solver or Solver()
    moments = vectors if isinstance(vectors, LabelMoments) else LabelMoments.known(vectors)
    n_pixel = flux.shape[1]
    if prior.mean.shape != (n_pixel, moments.mean.shape[1]):
        raise InputError(
            f"the prior must have shape (pixel, term) = {(n_pixel, moments.mean.shape[1])}; got {prior.mean.shape}"
        )
    # a fit without the correlations finds the dead pixels and the first scatters
    tau = prior.first_tau
    first = fit_pixels(
        moments, flux, ivar, prior=prior.uncorrelated(), kappa=kappa, marginal=marginal, start=start,
        solver=replace(solver, tolerance=max(solver.tolerance, 1e-3)),
    )  # fmt: skip
    live = np.flatnonzero(first.live)
    if len(live) == 0:
        parts = {item.name: getattr(first, item.name) for item in fields(first)}
        return SmoothFit(**parts, scale=tau, log_marginal=0.0, trace=())
    whole = len(live) == n_pixel
    chain = Chain(
        moments, flux if whole else flux[:, live], ivar if whole else ivar[:, live], prior.select(live),
        np.broadcast_to(np.asarray(kappa, dtype=np.float64), n_pixel)[live],
        prior.shrunk, SmoothProcess.along(prior.where[live], prior.length), marginal, solver,
    )  # fmt: skip
    return _alternate(chain, first, live, tau, learn=prior.tau is None)


def _alternate(
    chain: Chain, first: PixelFit, live: NDArray[np.intp], tau: NDArray[np.float64], *, learn: bool
) -> SmoothFit:
    """Alternate between coefficients and scatters, and learn tau in each round if it is not given."""
    scatter = safe = first.scatter[live]
    trace: list[float] = []
    moving = np.ones(len(live), dtype=bool)
    for n_rounds in range(_MAX_ROUNDS + 1):
        normal, right = normal_equations(
            chain.moments, chain.flux, chain.ivar, scatter, kappa=chain.kappa, allowed=~chain.prior.censored,
            workers=chain.solver.workers,
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
        moving = np.abs(step.long - scatter) > chain.solver.tolerance * np.maximum(step.long, scatter)
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
