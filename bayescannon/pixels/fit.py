r"""
Exact maximum a posteriori fit of every pixel: coefficients by least squares, scatter by Newton.

Given the parameters of the priors, the pixels of :func:`bayescannon.models.spectral.spectral_model` are independent.
Given the scatter s, the coefficients solve a (penalised) weighted least-squares problem (Ho et al. 2017, section 3:
eq. 5 for a given s), so the scatter is the root of a one-dimensional function, or 0 if the objective rises from there;
see :mod:`bayescannon.pixels.block`.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.spectra import LARGEST_IVAR
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.mapped import release
from bayescannon.numerics.small_inverse import invert_positive
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments, PixelBlock
from bayescannon.pixels.flux_precision import FluxPrecision
from bayescannon.pixels.mixed_block import MixedBlock
from bayescannon.pixels.mixed_search import solve_mixed
from bayescannon.pixels.orthogonal_labels import OrthogonalLabels, least_stars
from bayescannon.pixels.pixel_status import PixelStatus, known_status, pixel_status
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.profile import ProfileFit
from bayescannon.pixels.scatter_search import newton_step, solve_exact, solve_grid, solve_near
from bayescannon.pixels.solver import Solver

# methods whose start is a fit of the same pixels to the same stars, which says which pixels are dead
_CONTINUED = ("step", "near")
# methods that sums in single precision do for
_IN_SINGLE = ("exact", "near")
# elements of the arrays of pixels that are fitted in double precision beside others
_DOUBLE_BLOCK = 1 << 23
# so many stars have smaller blocks of pixels
_MANY_STARS = 1 << 18


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


def _fit_block(block: PixelBlock, start: NDArray[np.float64] | None, *, scatter: str, tolerance: float) -> PixelFit:
    """Fit the pixels of one block that are neither dead nor singular."""
    n_live = np.rint(block.moments.counts @ (block.ivar > 0)).astype(np.int64)
    # a round with uncertain moments continues a fit to the label vectors, whose rank was seen there
    known = scatter == "step" or (scatter == "near" and block.moments.covariance is not None)
    status = known_status(block, n_live, start) if known and start is not None else pixel_status(block, n_live)
    if scatter == "near" and start is not None:
        status[~np.isfinite(start)] = PixelStatus.DEAD
    good = np.flatnonzero(status == PixelStatus.CONVERGED)
    fit = _empty_fit(block.moments.mean.shape[1], n_live, status)
    if len(good) == 0:
        return fit
    block = block.select(good)
    near, final = None if start is None else start[good], None
    if scatter == "grid":
        s2, converged, passes = solve_grid(block)
    elif scatter in ("fixed", "step") and start is not None:
        s2, converged, passes = start[good], np.ones(len(good), dtype=bool), np.zeros(len(good), dtype=np.int64)
    elif scatter == "near":
        s2, converged, passes, final = solve_near(block, near, tolerance=tolerance)
        passes -= 1
    else:
        s2, converged, passes = solve_exact(block, near, tolerance=tolerance)
    if final is None:
        final = block.fit(s2, objective=scatter != "step")
    if scatter == "step":
        s2 = newton_step(block, s2, final)
        final = replace(final, objective=block.objective(final.theta, s2, final.chi2))
    _put(fit, good, s2, final, converged, passes + 1, covariance=scatter != "step")
    return fit


def _empty_fit(n_term: int, n_live: NDArray[np.int64], status: NDArray[np.int64]) -> PixelFit:
    n_pixel = len(n_live)
    return PixelFit(
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
        status=status,
    )


def _put(
    fit: PixelFit,
    good: NDArray[np.intp],
    s2: FloatArray,
    final: ProfileFit,
    converged: NDArray[np.bool_],
    passes: NDArray[np.int64],
    *,
    covariance: bool,
) -> None:
    """Fill in the pixels that were fitted."""
    fit.theta[good], fit.scatter[good] = final.theta, np.sqrt(s2)
    if covariance:
        keep = ~final.held
        fit.covariance[good] = invert_positive(final.normal) * (keep[:, :, None] & keep[:, None, :])
    fit.gradient[good], fit.slope[good], fit.objective[good] = final.gradient, final.slope, final.objective
    fit.chi2[good], fit.freedom[good] = final.chi2, final.freedom
    fit.n_passes[good] = passes
    fit.status[good[~converged]] = PixelStatus.NOT_CONVERGED


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

    labels = _labels_in_single(moments, flux, ivar, prior, solver)

    def one(part: slice) -> PixelFit:
        near = None if start is None else np.asarray(start[part], dtype=np.float64) ** 2
        if near is not None and solver.scatter not in _CONTINUED:
            near = np.where(np.isfinite(near), near, 0.0)

        def in_double(some: slice | NDArray[np.intp]) -> PixelFit:
            scaled = ivar[:, some] if np.all(scales[some] == 1) else ivar[:, some] / scales[some] ** 2
            down = None if factors is None else factors[:, some]
            block = PixelBlock(
                moments, flux[:, some], scaled, prior.select(some),
                marginal=marginal, factors=down, single=solver.single,
            )  # fmt: skip
            some_start = near if near is None or isinstance(some, slice) else near[some - part.start]
            return _fit_block(block, some_start, scatter=solver.scatter, tolerance=solver.tolerance)

        if labels is None:
            _require_sound(flux[:, part], ivar[:, part])
            return in_double(part)
        data = MixedBlock(
            labels, flux[:, part], ivar[:, part], (1 / scales[part] ** 2).astype(np.float32), prior.select(part),
            marginal, np.zeros(part.stop - part.start), None if factors is None else factors[:, part],
        )  # fmt: skip
        return _fit_mixed(data.held(), near, in_double, part.start, solver)

    def read(part: slice) -> PixelFit:
        found = one(part)
        for data in (flux, ivar):
            release(data[:, part])
        return found

    parts = map_blocks(read, n_pixel, _block_size(n_star, solver, single=labels is not None), solver.workers)
    joined = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(PixelFit)}
    return PixelFit(**joined)


def _block_size(n_star: int, solver: Solver, *, single: bool) -> int:
    """Return the pixels per block: fewer of very many stars, so that the memory of a worker is bounded."""
    if single:
        return 2 * solver.block if n_star <= _MANY_STARS else max(solver.block // 2, 1)
    return max(min(solver.block, _DOUBLE_BLOCK // n_star), 1)


def _labels_in_single(
    moments: LabelMoments, flux: FloatArray, ivar: FloatArray, prior: PixelPrior, solver: Solver
) -> OrthogonalLabels | None:
    """Return the labels for sums in single precision, or None where double is asked for or needed."""
    if solver.double or solver.single or solver.scatter not in _IN_SINGLE or type(prior) is not PixelPrior:
        return None
    if flux.dtype != np.float32 or ivar.dtype != np.float32 or len(flux) < least_stars(prior.mean.shape[1]):
        return None
    return moments.orthogonal


def _fit_mixed(
    block: MixedBlock,
    start: NDArray[np.float64] | None,
    in_double: Callable[[NDArray[np.intp]], PixelFit],
    first: int,
    solver: Solver,
) -> PixelFit:
    """Fit the pixels of one block; those that single precision may not do for, dead ones among them, in double."""
    n_live, logs, sound = block.look()
    if not sound:
        _require_sound(block.flux, block.ivar)
    block = replace(block, logs=logs)
    fit = _empty_fit(len(block.labels.root), n_live, np.full(len(n_live), PixelStatus.CONVERGED, dtype=np.int64))
    sample = block.sample()
    surely = sample.surely_regular()
    if solver.scatter == "near" and start is not None:
        surely &= np.isfinite(start)
    few = max(_DOUBLE_BLOCK // len(block.flux), 1)
    others = np.flatnonzero(~surely)
    for some in (others[k : k + few] for k in range(0, len(others), few)):
        slow = in_double(first + some)
        for item in fields(PixelFit):
            getattr(fit, item.name)[some] = getattr(slow, item.name)
    good = np.flatnonzero(surely)
    if len(good) == 0:
        return fit
    near, block, sample = None if start is None else start[good], block.select(good), sample.select(good)
    search = solve_near if solver.scatter == "near" else partial(solve_mixed, sample=sample)
    s2, converged, passes, final = search(block, start=near, tolerance=solver.tolerance)
    _put(fit, good, s2, final, converged, passes, covariance=True)
    return fit


def _require_sound(flux: FloatArray, ivar: FloatArray) -> None:
    """Raise unless the data of some of the pixels are finite, and the inverse variances within their bounds."""
    if not (np.isfinite(flux).all() and np.isfinite(ivar).all() and (ivar >= 0).all()):
        raise InputError("flux and ivar must be finite, and ivar not negative; set ivar = 0 in dead pixels")
    if ivar.max(initial=0.0) > LARGEST_IVAR:
        raise InputError(
            f"the inverse variance of normalised flux must be at most {LARGEST_IVAR:g}; got {ivar.max():.3g}. Set it "
            "to 0 in such pixels, as the preparation does"
        )
