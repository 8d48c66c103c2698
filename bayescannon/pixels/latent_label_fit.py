r"""
Train with hidden components, and with errors of the reference labels: expectation-maximisation over stars and pixels.

A round finds the stars' latent labels and hidden components given the pixels, then the pixels given their moments
(:func:`bayescannon.pixels.fit.fit_pixels`), which raises the expected log posterior. With exact labels
(:mod:`bayescannon.pixels.hidden_step`) this is the exact solver of the marginal likelihood of

    f_n ~ Normal(theta v(l_n), diag(s^2 + kappa^2 sigma_n^2) + H H^T);

with errors of the labels (:mod:`bayescannon.pixels.latent_label_step`) that of
:func:`bayescannon.models.latent_labels.latent_label_model`, except for Laplace's approximation of each star's integral.
Two things make the rounds few and their labels right:

* hidden components are standardised and decorrelated from the label vectors in each round, and latent labels are mapped
  to the scale of the reported ones (parameter expansion; Liu, Rubin & Wu 1998, Biometrika 85, 755);
* with `anchor`, the default, that map is fitted to the reported labels alone, with quadratic terms and hidden
  components (:mod:`bayescannon.pixels.label_anchor`). The likelihood of the pixels would otherwise bend the labels at
  the edges of the reference set. Without it, the map is affine, which leaves the likelihood unchanged, and the rounds
  end at the maximum of the posterior.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.packing import changed_products
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.fit import PixelFit, fit_pixels
from bayescannon.pixels.hidden_step import infer_hidden
from bayescannon.pixels.label_anchor import anchor_labels
from bayescannon.pixels.label_moments import packed_moments, standardise_hidden, vector_map
from bayescannon.pixels.label_population import AffineMap, LabelPopulation, ReferenceErrorError, regress_reported
from bayescannon.pixels.latent_label_step import LatentLabels, infer_latent
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver
from bayescannon.stars.hidden import first_loadings, ordered_loadings

# label errors of 0 are replaced by this, in scaled labels, which is negligible
EXACT_ERROR = 1e-3
# anchored rounds end when the root mean square move of every label is below this share of its reported error
ANCHOR_SETTLED = 0.02
# tolerance of s^2 in the last fit, in units of that of the rounds: Newton steps converge quadratically, so that the
# error of s^2 is its square
_LAST_TOLERANCE = 10.0
# rounds with a tolerance not below the first sum in single precision, if the smallest eigenvalue of their products,
# scaled to a unit diagonal, is above the second
_SINGLE, _TAME = 1e-3, 1e-4


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
        H, of the hidden components in order of the variance that they explain. New stars are labelled with them: see
        :mod:`bayescannon.stars.hidden`.
    labels : float array of shape (star, K)
        Latent labels, scaled.
    covariance : float array of shape (star, K, K)
        Covariance of the latent labels.
    population : LabelPopulation
        mu and Omega of the true labels.
    error_scale : float array of shape (K,)
        Errors of the reported labels in units of those that were given: 1 unless learned; NaN if labels are exact.
    trace : float array of shape (round,)
        Objective of every accepted round: ln posterior with latent labels and hidden components integrated out, without
        constants. It increases unless the labels are anchored.
    status : LabelErrorStatus
    n_failed : int
        Stars without a mode in the last round.
    """

    pixels: PixelFit
    loadings: NDArray[np.float64]
    labels: FloatArray
    covariance: FloatArray
    population: LabelPopulation
    error_scale: FloatArray
    trace: NDArray[np.float64]
    status: LabelErrorStatus
    n_failed: int


@dataclass(frozen=True)
class _State:
    """The pixels, the population, the starting labels of a round, and the scales of the label errors."""

    fit: PixelFit
    population: LabelPopulation
    starts: FloatArray
    error_scale: FloatArray


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
        the latent labels away from the reported ones. New stars must be labelled with the loadings.
    anchor : bool
        Fit the map from spectra to labels to the reported labels alone.
    learn_errors : bool
        Multiply the errors of each label by a factor at which anchored labels scatter about the reported ones as they
        should; needs `anchor`.
    fitted_errors : bool
        The errors were fitted before, to more stars or other ones: they may leave a part of the stars no spread.
    tolerance : float
        Rounds end when the objective rises by less than this per star, or, with `anchor`, when the labels move by less
        than :data:`ANCHOR_SETTLED` of their errors.
    max_rounds : int
    seed : int
        Seed of the first estimate of the hidden components.
    """

    n_hidden: int = 12
    anchor: bool = True
    learn_errors: bool = False
    fitted_errors: bool = False
    tolerance: float = 1e-3
    max_rounds: int = 3
    seed: int = 0


def with_loadings(fit: PixelFit, loadings: FloatArray) -> PixelFit:
    """Return a fit whose coefficients are followed by loadings (pixel, R), a start of :func:`fit_latent_labels`."""
    return replace(fit, theta=np.concatenate([fit.theta, loadings], axis=1))


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
        A fit to the reported labels, from which this one starts; or one with R more coefficients, the loadings.
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
    exact = bool((stars.variance == 0).all())
    scales = np.broadcast_to(np.asarray(kappa, dtype=np.float64), flux.shape[1:])
    data = replace(stars, variance=variance, ivar=stars.ivar if np.all(scales == 1) else stars.ivar / scales**2)
    vectors = label_vector(observed)
    first = start or fit_pixels(vectors, flux, data.ivar, prior=prior, solver=Solver(workers=workers))
    size = n_terms(observed.shape[1])
    if n_hidden and first.theta.shape[1] != size + n_hidden:
        loadings = first_loadings(vectors, first.theta, first.scatter, flux, data.ivar, n_hidden, seed=options.seed)
        first = with_loadings(first, loadings)
    population = (
        LabelPopulation.of_latent(observed, np.zeros((1, *np.eye(observed.shape[1]).shape)))
        if exact
        else LabelPopulation.of_reported(observed, variance, to_fit=options.learn_errors or options.fitted_errors)
    )
    state = _State(first, population, observed, np.ones(observed.shape[1]))
    rounds = _Rounds(
        data, None if prior is None else with_hidden(prior, n_hidden), options, exact=exact, workers=workers
    )
    state, latent, trace, status = rounds.run(state)
    final = fit_pixels(
        packed_moments(latent.products),
        flux,
        data.ivar,
        prior=rounds.prior,
        start=state.fit.scatter,
        solver=Solver(scatter="near", tolerance=min(_LAST_TOLERANCE * options.tolerance, 0.01), workers=workers),
    )
    population = LabelPopulation.of_latent(latent.mean, latent.covariance)
    if not rounds.anchor:
        population = state.population
        if not exact:
            latent = rounds.infer(replace(state, fit=final))
    return LatentLabelFit(
        pixels=replace(final, theta=final.theta[:, :size], covariance=final.covariance[:, :size, :size]),
        loadings=np.asarray(ordered_loadings(final.theta[:, size:], data.ivar.mean(axis=0)), dtype=np.float64),
        labels=latent.mean,
        covariance=latent.covariance,
        population=population,
        error_scale=state.error_scale * (np.nan if exact else 1.0),
        trace=np.array(trace),
        status=status,
        n_failed=int(latent.n_failed.sum()),
    )


class _Rounds:
    """Rounds of expectation-maximisation over the data of one fit."""

    def __init__(
        self,
        data: ReportedStars,
        prior: PixelPrior | None,
        options: LatentLabelOptions,
        *,
        exact: bool,
        workers: int | None,
    ) -> None:
        self.data, self.prior, self.options, self.exact, self.workers = data, prior, options, exact, workers
        self.anchor = options.anchor and not exact
        self.single = self.anchor or options.tolerance >= _SINGLE

    def run(self, state: _State) -> tuple[_State, LatentLabels, list[float], LabelErrorStatus]:
        """Return the last state, its latent labels, the trace and the status."""
        return self._anchored(state) if self.anchor else self._rising(state)

    def _anchored(self, state: _State) -> tuple[_State, LatentLabels, list[float], LabelErrorStatus]:
        trace: list[float] = []
        for number in range(self.options.max_rounds):
            latent = self.infer(state)
            trace.append(self._objective(state, latent))
            variance = self.data.variance * state.error_scale**2
            anchored = anchor_labels(latent, self.data.observed, variance)
            scale = state.error_scale
            if self.options.learn_errors:
                scale = scale * anchored.error_scale
            latent = replace(
                anchored.latent, products=standardise_hidden(anchored.latent.products, latent.mean.shape[1])
            )
            moved = ((latent.mean - state.starts) ** 2 / variance).mean(axis=0)
            population = LabelPopulation.of_latent(latent.mean, latent.covariance)
            settled = bool((moved < ANCHOR_SETTLED**2).all())
            if settled or number == self.options.max_rounds - 1:
                # the pixels of the last round are those of the last fit
                state = _State(state.fit, population, latent.mean, scale)
                break
            state = _State(self._fit(latent, state), population, latent.mean, scale)
        return state, latent, trace, LabelErrorStatus.CONVERGED if settled else LabelErrorStatus.MAX_ROUNDS

    def _rising(self, state: _State) -> tuple[_State, LatentLabels, list[float], LabelErrorStatus]:
        """Return the best state; the objective rises in each round."""
        trace: list[float] = []
        best: tuple[_State, LatentLabels] | None = None
        expand = True
        for n_done in range(self.options.max_rounds + 1):
            latent = self.infer(state)
            value = self._objective(state, latent)
            if best is not None and value < trace[-1]:
                if not expand:
                    return *best, trace, LabelErrorStatus.STOPPED
                # a prior of the coefficients is not invariant under the map: continue from the best round without it
                expand = False
            else:
                gain = np.inf if best is None else value - trace[-1]
                best = (state, latent)
                trace.append(value)
                if gain < self.options.tolerance * len(self.data.observed):
                    return *best, trace, LabelErrorStatus.CONVERGED
            if n_done < self.options.max_rounds:
                state = self._maximise(*best, expand=expand)
        if best is None:
            raise AssertionError("there is at least one round")
        return *best, trace, LabelErrorStatus.MAX_ROUNDS

    def infer(self, state: _State) -> LatentLabels:
        """Return the latent labels and hidden components given the pixels of a state."""
        data = self.data
        if self.exact:
            return infer_hidden(state.fit.theta, state.fit.scatter, data, single=self.single, workers=self.workers)
        data = replace(data, variance=data.variance * state.error_scale**2)
        starts = state.starts[:, None]
        if not self.anchor:
            starts = np.concatenate([starts, np.zeros_like(starts)], axis=1)
        fit = state.fit
        return infer_latent(
            fit.theta, fit.scatter, data, state.population, starts, single=self.anchor, workers=self.workers
        )

    @staticmethod
    def _objective(state: _State, latent: LatentLabels) -> float:
        # the contribution of the pixels: sum of ln weights and their prior
        pixels = float((state.fit.objective - 0.5 * state.fit.chi2).sum())
        return float(latent.log_likelihood.sum()) - pixels

    def _maximise(self, state: _State, latent: LatentLabels, *, expand: bool) -> _State:
        """Fit map, population and pixels to the latent labels."""
        products, mean, covariance = latent.products, latent.mean, latent.covariance
        n_label = mean.shape[1]
        if expand:
            if not self.exact:
                affine = regress_reported(mean, covariance, self.data.observed, self.data.variance)
                products = _mapped(products, affine)
                mean, covariance = affine.apply(mean, covariance)
            products = standardise_hidden(products, n_label)
        fit = self._fit(replace(latent, products=products), state)
        return _State(fit, LabelPopulation.of_latent(mean, covariance), mean, state.error_scale)

    def _fit(self, latent: LatentLabels, state: _State) -> PixelFit:
        return fit_pixels(
            packed_moments(latent.products),
            self.data.flux,
            self.data.ivar,
            prior=self.prior,
            start=state.fit.scatter,
            solver=Solver(scatter="step", single=self.single and _is_tame(latent.products), workers=self.workers),
        )


def _is_tame(products: FloatArray) -> bool:
    """Return whether the mean of E[w w^T] is so far from singular that single precision does."""
    total = products.mean(axis=0)
    size = np.sqrt(np.maximum(np.diagonal(total), np.finfo(float).tiny))
    return bool(np.linalg.eigvalsh(total / size / size[:, None])[0] > _TAME)


def _mapped(products: FloatArray, affine: AffineMap) -> FloatArray:
    """Map E[w w^T] by an affine map of the labels."""
    change = np.eye(products.shape[1])
    size = n_terms(len(affine.offset))
    change[:size, :size] = vector_map(affine.matrix, affine.offset)
    return changed_products(products, change)


def with_hidden(prior: PixelPrior, n_hidden: int) -> PixelPrior:
    """Append flat coefficients of the hidden components to a prior."""
    flat = np.zeros((len(prior.mean), n_hidden))
    return replace(
        prior,
        mean=np.concatenate([prior.mean, flat], axis=1),
        precision=np.concatenate([prior.precision, flat], axis=1),
    )
