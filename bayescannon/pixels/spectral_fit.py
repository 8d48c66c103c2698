r"""
Fit the whole spectral model: an exact fit of the pixels, and populations and noise scale by marginal likelihood.

The exact fit of the pixels is :func:`bayescannon.pixels.fit.fit_pixels`. The populations (of coefficients, scatters and
noise scales) have few parameters, which are learned in rounds until they converge.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.coefficient_priors import (
    CoefficientPrior,
    FlatCoefficients,
    LaplaceCoefficients,
    NormalCoefficients,
    PooledCoefficients,
    PriorError,
    shrunk_terms,
)
from bayescannon.models.noise_priors import (
    FixedNoise,
    FlatScatter,
    GlobalNoise,
    HalfNormalScatter,
    NoisePrior,
    PixelNoise,
    PooledScatter,
    ScatterPrior,
    StarNoise,
)
from bayescannon.models.outliers import MixtureOutliers, NoOutliers, OutlierPrior
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import PixelFit, fit_pixels
from bayescannon.pixels.flux_precision import FluxPrecision
from bayescannon.pixels.joint_rounds import Fit, fit_jointly
from bayescannon.pixels.laplace import LaplacePrior
from bayescannon.pixels.outlier_learner import OutlierLearner
from bayescannon.pixels.outliers import ReferenceResiduals
from bayescannon.pixels.population_learners import (
    ALL_PIXELS,
    SAMPLE,
    CoefficientLearner,
    KappaLearner,
    ScatterLearner,
    State,
    pooled_prior,
)
from bayescannon.pixels.populations import Populations, TrainingRound
from bayescannon.pixels.prior import PixelPrior, ScatterDensity
from bayescannon.pixels.smooth import SmoothPrior, fit_pixels_smooth
from bayescannon.pixels.solver import Solver
from bayescannon.pixels.star_noise import StarNoiseLearner

_MAX_ROUNDS = 8
# rounds end when no parameter of a population moves by more than this fraction
_SETTLED = 0.01


@dataclass(frozen=True)
class SpectralFit:
    """
    The fit of the pixels, and the populations and noise scales that were learned.

    Attributes
    ----------
    fit : PixelFit
    kappa : float array of shape (P,)
        Scale of the reported errors.
    prior : PixelPrior
        Prior of the pixels, including learned populations, but without the correlations of smooth coefficients.
    populations : Populations
        The learned populations, the rounds, and whether they converged.
    star_scale : float array of shape (star,) or None
        kappa_n / kappa, where every star has a kappa_n of its own.
    factors : float array of shape (star, P) or None
        Mean precisions of the fluxes in units of their weights, see :mod:`bayescannon.pixels.outliers`; None where no
        pixel can be an outlier.
    """

    fit: PixelFit
    kappa: NDArray[np.float64]
    prior: PixelPrior
    populations: Populations = field(default_factory=Populations)
    star_scale: NDArray[np.float64] | None = None
    factors: NDArray[np.float32] | None = None

    def star_ivar(self, ivar: FloatArray) -> FloatArray:
        """Return the inverse variances (star, pixel) of the reference stars on the scales of the stars."""
        return ivar if self.star_scale is None else ivar / self.star_scale[:, None] ** 2


def fit_spectral(
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    n_label: int,
    priors: SpectralPriors | None = None,
    marginal: bool = False,
    start: SpectralFit | None = None,
    solver: Solver | None = None,
) -> SpectralFit:
    """
    Fit :func:`bayescannon.models.spectral.spectral_model` exactly, and its populations by marginal likelihood.

    Parameters
    ----------
    vectors, flux, ivar, marginal, solver
        As in :func:`bayescannon.pixels.fit.fit_pixels`; the scatters are exact. With a noise scale of every star the
        coefficients are always integrated out.
    n_label : int
        K.
    priors : SpectralPriors, optional
        By default those of the paper.
    start : SpectralFit, optional
        A fit of the same pixels to similar data with the same priors, whose scatters, kappa and populations are the
        starting values; fewer passes and rounds are then needed.

    Returns
    -------
    result : SpectralFit

    Raises
    ------
    PriorError
        A prior without an exact solver; the message says what to do.
    """
    moments = vectors if isinstance(vectors, LabelMoments) else LabelMoments.known(vectors)
    priors, solver = priors or SpectralPriors(), solver or Solver()
    if priors.proper:
        raise PriorError("the exact solvers take flat densities; proper=True is for PyMC only. Give proper=False")
    coefficients, scatter, noise = priors.coefficients, priors.scatter, priors.noise
    _require_known(coefficients, scatter, noise, priors.outliers)
    # otherwise stars that the coefficients follow would seem to have less noise
    marginal = marginal or isinstance(noise, StarNoise)
    n_pixel = flux.shape[1]
    shrunk = shrunk_terms(n_label, getattr(coefficients, "terms", "quadratic"))

    state = State(
        prior=first_prior(priors, n_pixel, n_label),
        kappa=np.full(n_pixel, _first_kappa(noise)),
        offsets=np.zeros(len(flux) if isinstance(noise, StarNoise) else 0),
    )

    first = None
    if start is not None:
        first = start.fit.scatter
        state = _warm(state, start, priors, shrunk)
    elif isinstance(noise, StarNoise) and n_pixel > 2 * SAMPLE:
        # the stars' scales are first found on a sample of the pixels
        some = slice(None, None, n_pixel // SAMPLE)
        allowed = None if priors.allowed is None else priors.allowed[some]
        near = fit_spectral(
            moments, flux[:, some], ivar[:, some], n_label=n_label, solver=solver,
            priors=SpectralPriors(noise=noise, allowed=allowed),
        )  # fmt: skip
        state = _with_star_scales(replace(state, kappa=np.full(n_pixel, np.median(near.kappa))), near)

    if n_pixel > 2 * SAMPLE and _is_joint(priors):

        def fit_of(stars: slice, pixels: slice) -> Fit:
            some = (moments, flux, ivar) if stars == ALL_PIXELS else (moments.select(stars), flux[stars], ivar[stars])

            def fit(current: State, near: FloatArray | None, tolerance: float | None) -> PixelFit:
                loose = solver if tolerance is None else replace(solver, tolerance=tolerance)
                return fit_pixels(
                    some[0], some[1][:, pixels], some[2][:, pixels], prior=current.prior, kappa=current.kappa,
                    marginal=marginal, start=near, solver=loose,
                )  # fmt: skip

            return fit

        pooled = CoefficientLearner(coefficients, shrunk) if isinstance(coefficients, PooledCoefficients) else None
        state, result, rounds, converged = fit_jointly(
            fit_of, state, first, learns_kappa=isinstance(noise, GlobalNoise), coefficients=pooled, n_star=len(flux)
        )
        populations = replace(state.populations, trace=rounds, converged=converged)
        return SpectralFit(result, state.kappa, state.prior, populations)

    def fit(current: State, near: FloatArray | None, pixels: slice = ALL_PIXELS, **options: Any) -> PixelFit:
        return fit_pixels(
            moments, flux[:, pixels], current.star_ivar(ivar[:, pixels]), prior=current.prior.select(pixels),
            kappa=FluxPrecision(
                current.kappa[pixels], None if current.factors is None else current.factors[:, pixels]
            ),
            marginal=marginal, start=None if near is None else near[pixels], solver=replace(solver, **options),
        )  # fmt: skip

    kappa = KappaLearner(noise, fit)
    learns: list[Any] = []
    outliers = None
    if isinstance(priors.outliers, MixtureOutliers):
        outliers = OutlierLearner(priors.outliers, fit, ReferenceResiduals(moments, flux, ivar, solver.workers))
        learns.append(outliers)
        if start is not None:
            state = outliers.first(state, start.fit)
    if isinstance(noise, StarNoise):
        learns.append(StarNoiseLearner(noise, fit, moments, flux, ivar, workers=solver.workers))
    elif not isinstance(noise, FixedNoise):
        learns.append(kappa)
    if _is_learned(scatter):
        learns.append(ScatterLearner(scatter, fit))
    if isinstance(coefficients, PooledCoefficients):
        learns.append(CoefficientLearner(coefficients, shrunk))
    if start is None and kappa in learns:
        state = kappa.first(state)
    result = fit(state, first)
    trace: list[TrainingRound] = []
    converged = not learns
    for _ in range(_MAX_ROUNDS if learns else 0):
        moved = 0.0
        for learn in learns:
            state, result, move = learn.step(state, result)
            moved = max(moved, move)
        # whose fit is that of its state
        if not isinstance(learns[-1], KappaLearner | StarNoiseLearner | OutlierLearner):
            result = fit(state, result.scatter)
        trace.append(TrainingRound(float(result.objective.sum()), float(np.median(state.kappa)), moved))
        if moved < _SETTLED:
            converged = True
            break
    if outliers is not None:
        state, result = outliers.settle(state, result)
    populations = replace(state.populations, trace=tuple(trace), converged=converged)
    if isinstance(coefficients, SmoothCoefficients):
        # only this fit has correlated pixels: kappa and the population of scatters were learned with flat coefficients
        prior = SmoothPrior(
            state.prior.mean, state.prior.precision, state.prior.scatter, state.prior.scatter_parameters,
            shrunk=shrunk, tau=coefficients.scale, length=coefficients.length, position=_positions(coefficients),
        )  # fmt: skip
        smooth = fit_pixels_smooth(
            moments, flux, state.star_ivar(ivar), prior=prior, kappa=state.kappa, marginal=marginal,
            start=result.scatter, solver=solver,
        )  # fmt: skip
        populations = replace(populations, smooth_scale=np.asarray(smooth.scale))
        result = PixelFit(**{item.name: getattr(smooth, item.name) for item in fields(PixelFit)})
    scale = np.exp(state.offsets) if isinstance(noise, StarNoise) else None
    return SpectralFit(result, state.kappa, state.prior, populations, scale, state.factors)


def known_prior(priors: SpectralPriors, populations: Populations, n_pixel: int, n_label: int) -> PixelPrior:
    """
    Return the prior of the coefficients (pixel, T) that a fit with these populations ended with.

    Raises
    ------
    PriorError
        Coefficients whose prior is not Gaussian and independent in pixels.
    """
    if not isinstance(priors.coefficients, FlatCoefficients | NormalCoefficients | PooledCoefficients):
        raise PriorError(f"the prior of {type(priors.coefficients).__name__} is not that of a pixel alone")
    prior, population = first_prior(priors, n_pixel, n_label), populations.coefficients
    if population is None or not isinstance(priors.coefficients, PooledCoefficients):
        return prior
    return pooled_prior(prior, population, shrunk_terms(n_label, priors.coefficients.terms))


def _warm(
    state: State,
    start: SpectralFit,
    priors: SpectralPriors,
    shrunk: NDArray[np.bool_],
) -> State:
    """Return the state with the parameters to be learned set to those of another fit."""
    learned = start.populations
    state = replace(state, populations=replace(state.populations, outliers=learned.outliers))
    if not isinstance(priors.noise, FixedNoise):
        state = replace(state, kappa=np.array(start.kappa, dtype=np.float64))
    if isinstance(priors.noise, StarNoise) and learned.star_kappa is not None:
        state = _with_star_scales(state, start)
    if _is_learned(priors.scatter) and learned.scatter is not None:
        parameters = (learned.scatter.centre, learned.scatter.width)
        prior = replace(state.prior, scatter=ScatterDensity.LOG_NORMAL, scatter_parameters=parameters)
        state = replace(state, prior=prior)
    if isinstance(priors.coefficients, PooledCoefficients) and learned.coefficients is not None:
        prior = pooled_prior(state.prior, learned.coefficients, shrunk)
        state = replace(state, prior=prior, populations=replace(state.populations, coefficients=learned.coefficients))
    return state


def _with_star_scales(state: State, start: SpectralFit) -> State:
    """Return the state with the population of the stars' noise scales, and the scales if they are of these stars."""
    state = replace(state, populations=replace(state.populations, star_kappa=start.populations.star_kappa))
    if start.star_scale is None or start.star_scale.shape != state.offsets.shape:
        return state
    return replace(state, offsets=np.log(start.star_scale))


def _require_known(
    coefficients: CoefficientPrior, scatter: ScatterPrior, noise: NoisePrior, outliers: OutlierPrior
) -> None:
    known = {
        "coefficients": (
            coefficients,
            (FlatCoefficients, NormalCoefficients, PooledCoefficients, LaplaceCoefficients, SmoothCoefficients),
        ),
        "scatter": (scatter, (FlatScatter, HalfNormalScatter, PooledScatter)),
        "noise": (noise, (FixedNoise, GlobalNoise, PixelNoise, StarNoise)),
        "outliers": (outliers, (NoOutliers, MixtureOutliers)),
    }
    for what, (prior, kinds) in known.items():
        if not isinstance(prior, kinds):
            names = ", ".join(kind.__name__ for kind in kinds)
            raise PriorError(
                f"the exact solver needs one of the {what} priors {names}; got {type(prior).__name__}. Sample it with "
                "NUTS in spectral_model or compressed_model, on few pixels"
            )
    if isinstance(noise, StarNoise) and isinstance(outliers, MixtureOutliers):
        raise PriorError(
            "StarNoise has no exact solver together with outliers, which it would take for noise of the whole star; "
            "take fixed, global or pixel noise, or leave the outliers out"
        )
    if isinstance(coefficients, SmoothCoefficients) and isinstance(outliers, MixtureOutliers):
        raise PriorError(
            "SmoothCoefficients have no exact solver together with outliers; take flat, normal, pooled or laplace "
            "coefficients, or leave the outliers out"
        )


def _is_joint(priors: SpectralPriors) -> bool:
    """Return whether what is learned is kappa of the survey, the population of coefficients, or both."""
    coefficients, noise = priors.coefficients, priors.noise
    known = isinstance(coefficients, FlatCoefficients | NormalCoefficients | PooledCoefficients)
    known &= isinstance(noise, FixedNoise | GlobalNoise) and not _is_learned(priors.scatter)
    learned = isinstance(coefficients, PooledCoefficients) or isinstance(noise, GlobalNoise)
    return known and learned and isinstance(priors.outliers, NoOutliers)


def _first_kappa(noise: NoisePrior) -> float:
    if isinstance(noise, FixedNoise):
        return noise.kappa
    centre = noise.centre if isinstance(noise, StarNoise) else None
    return 1.0 if centre is None else float(np.exp(centre))


def _positions(coefficients: SmoothCoefficients) -> FloatArray | None:
    return None if coefficients.position is None else np.asarray(coefficients.position, dtype=np.float64)


def _is_learned(scatter: ScatterPrior) -> bool:
    return isinstance(scatter, PooledScatter) and (scatter.centre is None or scatter.width is None)


def first_prior(priors: SpectralPriors, n_pixel: int, n_label: int) -> PixelPrior:
    """Return the prior of the pixels with a flat prior in place of those that are to be learned."""
    coefficients, scatter, allowed = priors.coefficients, priors.scatter, priors.allowed
    n_term = len(shrunk_terms(n_label, "all"))
    prior = PixelPrior.flat(n_pixel, n_term)
    if isinstance(coefficients, NormalCoefficients):
        mean, scale = coefficients.parameters(n_pixel, n_label)
        prior = replace(prior, mean=mean, precision=1 / scale**2)
    if isinstance(coefficients, LaplaceCoefficients):
        scale = coefficients.parameters(n_pixel, n_label)
        prior = LaplacePrior(prior.mean, prior.precision, scale=scale)
    if isinstance(scatter, HalfNormalScatter):
        prior = replace(prior, scatter=ScatterDensity.HALF_NORMAL, scatter_parameters=(scatter.scale, 0.0))
    if isinstance(scatter, PooledScatter) and scatter.centre is not None and scatter.width is not None:
        parameters = (scatter.centre, scatter.width)
        prior = replace(prior, scatter=ScatterDensity.LOG_NORMAL, scatter_parameters=parameters)
    if allowed is not None:
        if allowed.shape != (n_pixel, n_term):
            raise InputError(f"allowed must have shape (pixel, term) = {(n_pixel, n_term)}; got {allowed.shape}")
        prior = replace(prior, precision=np.where(allowed, prior.precision, np.inf))
    return prior
