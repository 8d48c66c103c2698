r"""
Train with errors of the reference labels: expectation-maximisation over stars and pixels.

This is the exact solver of :func:`bayescannon.models.latent_labels.latent_label_model`, except for Laplace's
approximation of each star's integral. A round finds the stars' latent labels given the pixels
(:mod:`bayescannon.pixels.latent_label_step`), then the pixels given the moments of the latent labels
(:func:`bayescannon.pixels.fit.fit_pixels`), which is an exact maximum of the expected log posterior. Spectra constrain
the latent labels far better than the reported labels do, so plain rounds would change their scale very slowly.
Therefore the affine map that best fits the reported labels is applied to the latent labels in each round (parameter
expansion; Liu, Rubin & Wu 1998, Biometrika 85, 755). The map leaves the likelihood of the spectra unchanged, and its
Jacobian cancels with that of the population.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.fit import PixelFit, fit_pixels
from bayescannon.pixels.label_moments import packed_moments, vector_map
from bayescannon.pixels.label_population import (
    AffineMap,
    LabelPopulation,
    ReferenceErrorError,
    calibrate_shown,
    regress_reported,
)
from bayescannon.pixels.latent_label_step import LatentLabels, infer_latent, leave_one_out
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver
from bayescannon.stars.hidden import first_loadings

# label errors of 0 are replaced by this, in scaled labels, which is negligible
EXACT_ERROR = 1e-3
# tolerance of s^2 in the rounds: one Newton step per round is enough
_ROUND_TOLERANCE = 1.0
# tolerance of s^2 in the last fit: Newton steps converge quadratically, so that the error of s^2 is then below 1e-6
_LAST_TOLERANCE = 1e-3


class LabelErrorStatus(IntEnum):
    """How the rounds ended."""

    CONVERGED = 0
    MAX_ROUNDS = 1  # the objective still rose by more than the tolerance
    STOPPED = 2  # another round would have lowered the objective; the result is the best one


@dataclass(frozen=True)
class LatentLabelFit:
    """
    A spectral model trained on latent labels.

    Attributes
    ----------
    pixels : PixelFit
        theta (pixel, T) and its covariance are those of the label vector, without the hidden components.
    loadings : float array of shape (pixel, R)
        H, of the hidden components. They are needed to label new stars: see :mod:`bayescannon.stars.hidden`.
    labels : float array of shape (star, K)
        Latent labels, scaled.
    covariance : float array of shape (star, K, K)
        Covariance of the latent labels.
    population : LabelPopulation
        mu and Omega of the true labels.
    slope_correction : AffineMap or None
        The map of the last step, after which labels of new stars have slope 1 on the true labels; None if it was not
        requested, or if the spectra do not constrain every label.
    systematic : float array of shape (K, K) or None
        Covariance of labels from spectra alone minus true labels, estimated together with that map.
    trace : float array of shape (round,)
        Objective of every accepted round: ln posterior with latent labels and hidden components integrated out, without
        constants. It increases.
    status : LabelErrorStatus
    n_failed : int
        Stars without a mode in the last round.
    """

    pixels: PixelFit
    loadings: NDArray[np.float64]
    labels: FloatArray
    covariance: FloatArray
    population: LabelPopulation
    slope_correction: AffineMap | None
    systematic: FloatArray | None
    trace: NDArray[np.float64]
    status: LabelErrorStatus
    n_failed: int


@dataclass(frozen=True)
class _State:
    """The pixels, the population and the starting labels of a round."""

    fit: PixelFit
    population: LabelPopulation
    starts: FloatArray


def check_label_variance(variance: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """
    Return usable variances of label errors, (star, K): 0 becomes `EXACT_ERROR` squared.

    Raises
    ------
    ReferenceErrorError
        A variance is NaN, infinite or negative, or the shape is wrong.
    """
    if variance.shape != shape:
        raise ReferenceErrorError(f"label_variance must have shape (star, label) = {shape}; got {variance.shape}")
    wrong = ~(np.isfinite(variance) & (variance >= 0))
    if wrong.any():
        star, label = np.argwhere(wrong)[0]
        raise ReferenceErrorError(
            f"every label error must be finite and not negative; this fails for {int(wrong.any(axis=1).sum())} "
            f"reference stars, the first of them star number {star}, label number {label}, with variance "
            f"{variance[star, label]}. "
            "Leave out those stars, or give one error per label instead"
        )
    return np.maximum(variance, EXACT_ERROR**2)


@dataclass(frozen=True)
class LatentLabelOptions:
    """
    Choices of :func:`fit_latent_labels`.

    Attributes
    ----------
    n_hidden : int
        Number of hidden components R. All real spectra have correlated residuals; without hidden components these pull
        the latent labels away from the reported ones. Twelve are enough for the mock survey. New stars must be labelled
        with the loadings.
    calibrate : bool
        Apply at the end the map after which labels of new stars have slope 1 on the true labels, fitted to
        leave-one-out labels. It also corrects for noise in the coefficients, which shrinks labels of new stars.
    tolerance : float
        Rounds end when the objective rises by less than this per star.
    max_rounds : int
    seed : int
        Seed of the first estimate of the hidden components.
    """

    n_hidden: int = 12
    calibrate: bool = True
    tolerance: float = 1e-3
    max_rounds: int = 5
    seed: int = 0


def fit_latent_labels(
    stars: ReportedStars,
    *,
    options: LatentLabelOptions | None = None,
    kappa: FloatArray | float = 1.0,
    prior: PixelPrior | None = None,
    start: PixelFit | None = None,
    workers: int | None = None,
) -> LatentLabelFit:
    """
    Train on reference labels that have errors.

    Parameters
    ----------
    stars : ReportedStars
        Reference stars; a variance of 0 is an exact label.
    options : LatentLabelOptions, optional
    kappa : float, or float array of shape (pixel,)
        Scale of the noise.
    prior : PixelPrior, optional
        By default flat.
    start : PixelFit, optional
        A fit to the reported labels, from which this one starts.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    fit : LatentLabelFit

    Raises
    ------
    ReferenceErrorError
        A label error is NaN or negative, or the errors are as large as the spread of the labels.
    InputError
        Options out of range, shapes that do not match, or labels that are not finite.
    """
    options = options or LatentLabelOptions()
    observed, flux, n_hidden = stars.observed, stars.flux, options.n_hidden
    if options.max_rounds < 1 or not 0 <= n_hidden < min(flux.shape) / 2:
        raise InputError(
            f"max_rounds must be at least 1, and n_hidden less than half of the stars and of the pixels, {flux.shape}; "
            f"got {options.max_rounds} and {n_hidden}"
        )
    if not np.isfinite(observed).all():
        raise InputError("reported labels must be finite; leave out reference stars with missing labels")
    variance = check_label_variance(stars.variance, observed.shape)
    scales = np.broadcast_to(np.asarray(kappa, dtype=np.float64), flux.shape[1:])
    data = replace(stars, variance=variance, ivar=stars.ivar if np.all(scales == 1) else stars.ivar / scales**2)
    vectors = label_vector(observed)
    first = start or fit_pixels(vectors, flux, data.ivar, prior=prior, solver=Solver(workers=workers))
    if n_hidden:
        loadings = first_loadings(vectors, first.theta, first.scatter, flux, data.ivar, n_hidden, seed=options.seed)
        first = replace(first, theta=np.concatenate([first.theta, loadings], axis=1))
    full_prior = _with_hidden(prior, n_hidden)
    state = _State(
        first,
        LabelPopulation.of_reported(observed, variance),
        np.stack([observed, np.zeros_like(observed)], axis=1),
    )
    best, latent, trace, status = _rounds(state, data, full_prior, options, workers=workers)
    products, population = latent.products, best.population
    starts: FloatArray = latent.mean
    calibrated = _calibrate(best.fit, latent, data, workers=workers) if options.calibrate else None
    if calibrated is not None:
        affine = calibrated[0]
        products = _transform(products, affine, n_hidden)
        starts, spread = affine.apply(starts, population.covariance)
        population = LabelPopulation(affine.apply(population.mean, spread)[0], spread)
    final = fit_pixels(
        packed_moments(products),
        flux,
        data.ivar,
        prior=full_prior,
        start=best.fit.scatter,
        solver=Solver(tolerance=_LAST_TOLERANCE, workers=workers),
    )
    latent = infer_latent(final.theta, final.scatter, data, population, starts[:, None], workers=workers)
    size = n_terms(observed.shape[1])
    return LatentLabelFit(
        pixels=replace(final, theta=final.theta[:, :size], covariance=final.covariance[:, :size, :size]),
        loadings=final.theta[:, size:],
        labels=latent.mean,
        covariance=latent.covariance,
        population=population,
        slope_correction=None if calibrated is None else calibrated[0],
        systematic=None if calibrated is None else calibrated[1],
        trace=np.array(trace),
        status=status,
        n_failed=int(latent.n_failed.sum()),
    )


def _rounds(
    state: _State,
    data: ReportedStars,
    prior: PixelPrior | None,
    options: LatentLabelOptions,
    *,
    workers: int | None,
) -> tuple[_State, LatentLabels, list[float], LabelErrorStatus]:
    """Run the rounds; return the best state, its latent labels, the trace and the status."""
    n_star = len(data.observed)
    trace: list[float] = []
    best: tuple[_State, LatentLabels] | None = None
    expand = True
    for n_done in range(options.max_rounds + 1):
        latent = infer_latent(state.fit.theta, state.fit.scatter, data, state.population, state.starts, workers=workers)
        # the contribution of the pixels: sum of ln weights and their prior
        pixels = float((state.fit.objective - 0.5 * state.fit.chi2).sum())
        value = float(latent.log_likelihood.sum()) - pixels
        if best is not None and value < trace[-1]:
            if not expand:
                return *best, trace, LabelErrorStatus.STOPPED
            # a prior of the coefficients is not invariant under the map: continue from the best round without the map
            expand = False
        else:
            gain = np.inf if best is None else value - trace[-1]
            best = (state, latent)
            trace.append(value)
            if gain < options.tolerance * n_star:
                return *best, trace, LabelErrorStatus.CONVERGED
        if n_done < options.max_rounds:
            state = _maximise(*best, data, prior, expand=expand, workers=workers)
    if best is None:
        raise AssertionError("there is at least one round")
    return *best, trace, LabelErrorStatus.MAX_ROUNDS


def _maximise(
    state: _State,
    latent: LatentLabels,
    data: ReportedStars,
    prior: PixelPrior | None,
    *,
    expand: bool,
    workers: int | None,
) -> _State:
    """Fit map, population and pixels to the latent labels."""
    products, mean, covariance = latent.products, latent.mean, latent.covariance
    if expand:
        affine = regress_reported(mean, covariance, data.observed, data.variance)
        n_hidden = products.shape[1] - n_terms(mean.shape[1])
        products = _transform(products, affine, n_hidden)
        mean, covariance = affine.apply(mean, covariance)
    fit = fit_pixels(
        packed_moments(products),
        data.flux,
        data.ivar,
        prior=prior,
        start=state.fit.scatter,
        solver=Solver(tolerance=_ROUND_TOLERANCE, workers=workers),
    )
    return _State(fit, LabelPopulation.of_latent(mean, covariance), mean[:, None])


def _transform(products: FloatArray, affine: AffineMap, n_hidden: int) -> FloatArray:
    """Map E[w w^T] by an affine map of the labels; standardise the hidden components and decorrelate them from v."""
    size = products.shape[1] - n_hidden
    change = np.eye(products.shape[1])
    change[:size, :size] = vector_map(affine.matrix, affine.offset)
    if n_hidden:
        total = products.mean(axis=0)
        slope = np.linalg.solve(total[:size, :size], total[:size, size:]).T
        root = np.linalg.cholesky(total[size:, size:] - slope @ total[:size, size:])
        change[size:, size:] = np.linalg.inv(root)
        change[size:, :size] = -change[size:, size:] @ slope
    return change @ products @ change.T


def _calibrate(
    fit: PixelFit, latent: LatentLabels, data: ReportedStars, *, workers: int | None
) -> tuple[AffineMap, FloatArray] | None:
    """Fit the map after which labels of new stars have slope 1 on the true labels, and the covariance around them."""
    shown, noise, good = leave_one_out(
        fit.theta,
        fit.scatter,
        fit.covariance,
        data,
        latent.products[:, 0],
        n_label=latent.mean.shape[1],
        workers=workers,
    )
    return calibrate_shown(shown[good], noise[good], data.observed[good], data.variance[good])


def _with_hidden(prior: PixelPrior | None, n_hidden: int) -> PixelPrior | None:
    """Append flat coefficients of the hidden components to a prior."""
    if prior is None or n_hidden == 0:
        return prior
    flat = np.zeros((len(prior.mean), n_hidden))
    return replace(
        prior,
        mean=np.concatenate([prior.mean, flat], axis=1),
        precision=np.concatenate([prior.precision, flat], axis=1),
    )
