"""
The kinds of error of a star's labels.

Each kind is an entry of :data:`KINDS`: a sentence that describes it, and a function of a :class:`Task`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.populations.either_model import label_spectra, sample_posterior
from bayescannon.cannon.populations.local_training import keeps_to_router
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import ErrorStatus, FitStatus, PosteriorStatus
from bayescannon.data.spectra import Spectra
from bayescannon.data.star_groups import StarGroups, star_groups
from bayescannon.models.label_priors import LabelPrior
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.intervals import CENTRAL_68, PROBABILITIES
from bayescannon.numerics.typing import FloatArray
from bayescannon.uncertainty.bootstrap import bootstrap_labels
from bayescannon.uncertainty.coefficients import label_with_coefficient_errors
from bayescannon.uncertainty.jackknife import jackknife_covariance
from bayescannon.uncertainty.repeats import repeat_errors
from bayescannon.uncertainty.sandwich import sandwich_covariance


@dataclass(frozen=True)
class Task:
    """
    The data and options from which kinds of error are evaluated.

    Attributes
    ----------
    model : TrainedModel or SurveyModel
        A survey model for the kinds that are of its mixture (:attr:`Kind.of_mixture`).
    spectra : Spectra
        The N stars of the budget.
    everything : Spectra
        All spectra, including those of the budget.
    chosen : int array of shape (N,)
        Rows of the budget's stars in `everything`.
    estimates : xarray.Dataset
        Result of :func:`bayescannon.cannon.labelling.label_spectra` for the N stars.
    reference : ReferenceSet or None
    prior, n_bootstrap, n_draws, block, radius, star_id, seed, workers, keep_draws
        As in :func:`bayescannon.uncertainty.budget.error_budget`.
    replicates : mapping of a model's hash to sequence of TrainedModel
        Models of the bootstrap that were trained already.
    """

    model: TrainedModel | SurveyModel
    spectra: Spectra
    everything: Spectra
    chosen: NDArray[np.intp]
    estimates: xr.Dataset
    reference: ReferenceSet | None
    prior: LabelPrior | str | None
    n_bootstrap: int
    n_draws: int
    block: int
    radius: float
    star_id: str | None
    seed: int
    workers: int | None
    keep_draws: bool
    replicates: Mapping[str, Sequence[TrainedModel]] = field(default_factory=dict)

    @property
    def labels(self) -> FloatArray:
        """The stars' labels, shape (N, K), in their units."""
        return self.estimates["labels"].to_numpy()

    @property
    def fitted(self) -> NDArray[np.bool_]:
        """Whether a star's fit converged, shape (N,)."""
        result: NDArray[np.bool_] = self.estimates["status"].to_numpy() == FitStatus.CONVERGED
        return result

    @property
    def trained(self) -> TrainedModel:
        """The model of one population."""
        if not isinstance(self.model, TrainedModel):
            raise AssertionError("a kind that is of a survey model's mixture must say so in KINDS")
        return self.model

    def training_set(self) -> ReferenceSet:
        """Return the reference set; a kind that uses it has `needs_reference`."""
        if self.reference is None:
            raise AssertionError("a kind that uses the reference set must say so in KINDS")
        return self.reference


@dataclass(frozen=True)
class KindResult:
    """
    One kind of error of N stars.

    Attributes
    ----------
    error, value : float arrays of shape (N, K)
        The errors, and the labels that they belong to, in the labels' units.
    status : int array of shape (N,)
        :class:`bayescannon.data.flags.ErrorStatus`; errors whose status is not GIVEN become NaN.
    variables : mapping of str to (dims, array)
        Further variables of the Dataset.
    attrs : mapping
        Further attributes of the Dataset.
    """

    error: FloatArray
    value: FloatArray
    status: NDArray[np.int64]
    variables: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """
    A kind of error.

    Attributes
    ----------
    sentence : str
    evaluate : callable
    needs_reference : bool
        Whether it needs the reference set.
    of_mixture : bool
        Of a survey model, whether it is of the mixture's labels; others are of the star's most probable population.
    """

    sentence: str
    evaluate: Callable[[Task], KindResult]
    needs_reference: bool = False
    of_mixture: bool = False


def _given(good: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.where(good, ErrorStatus.GIVEN, ErrorStatus.NO_FIT).astype(np.int64)


def _diagonal(covariance: FloatArray) -> FloatArray:
    return np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))


def _formal(task: Task) -> KindResult:
    return KindResult(formal_errors(task.estimates), task.labels, _given(task.fitted))


def _coefficient(task: Task) -> KindResult:
    corrected = bool((task.trained.noise_scale != 1).any())
    found = label_with_coefficient_errors(
        task.trained, task.spectra, corrected=corrected, estimates=task.estimates, workers=task.workers
    )
    return KindResult(
        _diagonal(found["covariance"]),
        found["labels"],
        _given(found["status"] == FitStatus.CONVERGED),
        attrs={"coefficient_corrected": int(corrected)},
    )


def _bootstrap(task: Task) -> KindResult:
    draws = bootstrap_labels(
        task.trained,
        task.training_set(),
        task.spectra,
        n_bootstrap=task.n_bootstrap,
        models=task.replicates.get(task.trained.hash),
        estimates=task.estimates,
        seed=task.seed,
        workers=task.workers,
    )
    labels, n_failed = draws["labels"].to_numpy(), draws["n_failed"].to_numpy()
    several = len(labels) - n_failed > 1
    value, error = (np.full(labels.shape[1:], np.nan) for _ in range(2))
    value[several] = np.nanmean(labels[:, several], axis=0)
    error[several] = np.nanstd(labels[:, several], axis=0, ddof=1)
    variables: dict[str, tuple[Any, Any]] = {"bootstrap_failed": ("star", n_failed)}
    if task.keep_draws:
        variables["bootstrap_labels"] = (("bootstrap", "star", "stellar_label"), labels)
    status = np.where(task.fitted, ErrorStatus.FEW_DRAWS, ErrorStatus.NO_FIT)
    status = np.where(several, ErrorStatus.GIVEN, status).astype(np.int64)
    return KindResult(error, value, status, variables, {"n_bootstrap": task.n_bootstrap})


def _jackknife(task: Task) -> KindResult:
    covariance = jackknife_covariance(
        task.trained, task.training_set(), task.spectra, estimates=task.estimates, workers=task.workers
    )
    return KindResult(_diagonal(covariance), task.labels, _given(task.fitted))


def _sandwich(task: Task) -> KindResult:
    covariance, status = sandwich_covariance(
        task.trained, task.spectra, block=task.block, estimates=task.estimates, workers=task.workers
    )
    return KindResult(_diagonal(covariance), task.labels, status, attrs={"block_pixels": task.block})


def _repeat(task: Task) -> KindResult:
    everything = task.everything
    groups = star_groups(everything.columns, len(everything), star_id=task.star_id, radius=task.radius)
    labels = np.full((len(everything), task.labels.shape[1]), np.nan)
    labels[task.chosen] = np.where(task.fitted[:, None], task.labels, np.nan)
    others = np.isin(groups.number, groups.number[task.chosen])
    others[task.chosen] = False
    if others.any():
        # further spectra of the same stars that are not in the budget
        more = label_spectra(task.model, everything.select(others), seed=task.seed, workers=task.workers)
        labels[others] = fitted_labels(more)
    return repeated_spectra(labels, groups, task.chosen, radius=task.radius)


def fitted_labels(estimates: xr.Dataset) -> FloatArray:
    """Return the labels of stars, shape (N, K); NaN where the fit did not converge."""
    good = estimates["status"].to_numpy() == FitStatus.CONVERGED
    labels: FloatArray = np.where(good[:, None], estimates["labels"].to_numpy(), np.nan)
    return labels


def repeated_spectra(labels: FloatArray, groups: StarGroups, chosen: NDArray[np.intp], *, radius: float) -> KindResult:
    """
    Evaluate the spread of labels over the spectra of each star, for some of the spectra.

    Parameters
    ----------
    labels : float array of shape (M, K)
        Of all spectra, NaN where there are none.
    groups : StarGroups
        Of the same spectra.
    chosen : int array of shape (N,)
        The spectra of the budget.
    radius : float
        By which they were grouped, in arcsec.

    Raises
    ------
    InputError
        Nothing tells which spectra are of the same star.
    """
    if not groups.rule:
        raise InputError(groups.describe())
    found = repeat_errors(labels, groups.number)
    count = found.n_spectra[chosen]
    status = np.where(count > 1, ErrorStatus.GIVEN, np.where(count == 1, ErrorStatus.SINGLE, ErrorStatus.NO_FIT))
    return KindResult(
        found.error[chosen],
        found.mean[chosen],
        status.astype(np.int64),
        {"n_spectra": ("star", count)},
        {"repeat_pooled": found.pooled.tolist(), "repeat_radius_arcsec": radius, "repeat_stars": groups.describe()},
    )


def _posterior(task: Task) -> KindResult:
    found = sample_posterior(
        task.model,
        task.spectra,
        prior=task.prior,
        n_draws=task.n_draws,
        n_keep=task.n_draws if task.keep_draws else 0,
        seed=task.seed,
        workers=task.workers,
    )
    quantiles = found["posterior_quantile"].to_numpy()
    low, centre, high = (quantiles[:, PROBABILITIES.index(p)] for p in (CENTRAL_68[0], 0.5, CENTRAL_68[1]))
    ended = found["posterior_status"].to_numpy()
    status = np.where(ended == PosteriorStatus.UNRELIABLE, ErrorStatus.UNRELIABLE, ErrorStatus.GIVEN)
    status = np.where(ended == PosteriorStatus.NO_POSTERIOR, ErrorStatus.NO_FIT, status)
    variables: dict[str, tuple[Any, Any]] = {
        name: ("star", found[name].to_numpy()) for name in ("k_hat", "ess", "posterior_status")
    }
    if task.keep_draws:
        variables["posterior_draws"] = (
            ("draw", "star", "stellar_label"),
            np.moveaxis(found["posterior_draws"].to_numpy(), 1, 0),
        )
    attrs = {"n_draws": task.n_draws, "prior": found.attrs["prior"]}
    return KindResult((high - low) / 2, centre, status.astype(np.int64), variables, attrs)


def _calibrated(task: Task) -> KindResult:
    nothing = np.full_like(task.labels, np.nan)
    error = task.estimates["calibrated_error"].to_numpy() if "calibrated_error" in task.estimates else nothing
    # of a survey model, the model of a population may have no calibration
    known = np.isfinite(error).all(axis=1) | (~task.fitted & ("calibrated_error" in task.estimates))
    return KindResult(error, task.labels, np.where(known, _given(task.fitted), ErrorStatus.NOT_CALIBRATED))


def _membership(task: Task) -> KindResult:
    if "population_spread" not in task.estimates:
        one = np.where(task.fitted, ErrorStatus.ONE_POPULATION, ErrorStatus.NO_FIT).astype(np.int64)
        return KindResult(np.full_like(task.labels, np.nan), task.labels, one)
    return KindResult(task.estimates["population_spread"].to_numpy(), task.labels, _given(task.fitted))


KINDS: dict[str, Kind] = {
    "formal": Kind(
        "The noise of the star's pixels, as reported, with the model known exactly: (J^T W J)^-1.",
        _formal,
    ),
    "coefficient": Kind(
        "The noise of the pixels and the errors of the coefficients, and of the scale of latent labels.",
        _coefficient,
    ),
    "bootstrap": Kind(
        "The choice of the reference stars: spread of the labels over models trained on resampled ones.",
        _bootstrap,
        needs_reference=True,
    ),
    "jackknife": Kind(
        "The choice of the reference stars, by derivatives: the limit of the bootstrap with fixed populations.",
        _jackknife,
        needs_reference=True,
    ),
    "sandwich": Kind(
        "The noise of the pixels as estimated from the residuals, which may be correlated within blocks of pixels.",
        _sandwich,
    ),
    "posterior": Kind(
        "The noise of the pixels and the prior, without Gaussian approximation: half of the central 68.3 % interval.",
        _posterior,
        of_mixture=True,
    ),
    "calibrated": Kind(
        "The total error, from held-out reference stars: half of the central 68.3 % interval of (label - true label).",
        _calibrated,
        of_mixture=True,
    ),
    "membership": Kind(
        "Which population the star is of: standard deviation of the labels between the populations' models.",
        _membership,
        of_mixture=True,
    ),
    "repeat": Kind(
        "Everything that changes between observations of the same star: spread of the labels over its spectra.",
        _repeat,
        of_mixture=True,
    ),
}


def default_kinds(model: TrainedModel | SurveyModel, *, has_reference: bool) -> tuple[str, ...]:
    """
    Name the kinds of error that can be had: all but repeats, which few surveys have.

    Bootstrap and jackknife need the reference set, and models that were trained by themselves; the jackknife a model
    without nuisances; membership a survey model.
    """
    left_out = {"repeat"} | ({"jackknife"} if model.options.nuisances else set())
    if isinstance(model, TrainedModel):
        left_out.add("membership")
    elif keeps_to_router(model.options):
        left_out |= {"bootstrap", "jackknife"}
    return tuple(
        name for name, kind in KINDS.items() if name not in left_out and (has_reference or not kind.needs_reference)
    )
