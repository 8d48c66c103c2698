r"""
Labels of stars under a survey model: those of the mixture of the populations that a star can be of.

The router labels every star first, and says which populations it can be of. Only the models of those label it. Given
population m, a star's labels are distributed as pi_m(l) p(f | l, theta_m)^rho_m, where rho_m widens the formal errors
to the calibrated ones, and over all populations as the mixture of these with the membership's probabilities P_m:

    E[l | f] = sum_m P_m (l_m + d_m),        d_m = E_m[pi_m(l) l] / E_m[pi_m(l)] - E_m[l],

with the optimum l_m of model m, and E_m over draws of its widened likelihood. d_m is the shift by which the region's
border moves the labels; a star well inside of one region keeps the optimum of its model. Where the models agree, the
shares pi_m sum to one, so that no border is seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import FALSE_ALARMS, N_STARTS, SEED
from bayescannon.cannon.fit_check import warn_of_run
from bayescannon.cannon.label_priors import as_label_prior
from bayescannon.cannon.labelling import Search, draw_starts, error_power, estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.offsets import check_offsets, subtract_offsets
from bayescannon.cannon.populations.membership import (
    LEAST_MEMBERSHIP,
    draw_labels,
    evidence_membership,
    router_membership,
)
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.star_nuisances import with_nuisances
from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.data.noise_check import NoiseFinding
from bayescannon.data.spectra import Spectra
from bayescannon.io.inputs import as_spectra
from bayescannon.models.label_priors import FlatLabels, LabelPrior
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.created import creation_time
from bayescannon.numerics.typing import BoolArray, FloatArray

# a star whose most probable population is less probable than this is flagged
_UNSURE = 0.9
# variables of the estimates that become those of the mixture, one value per label
_BY_LABEL = ("calibrated_error", "corrected_error")


@dataclass(frozen=True)
class PopulationStars:
    """
    Stars under the model of one population.

    Attributes
    ----------
    rows : int array of shape (S,)
        Which of the N stars can be of it.
    likelihood : StarLikelihood
    search : Search
    estimates : xarray.Dataset
        Their labels, as if they were of it.
    """

    rows: NDArray[np.intp]
    likelihood: StarLikelihood
    search: Search
    estimates: xr.Dataset


@dataclass(frozen=True)
class RoutedStars:
    """
    N stars by a survey model, before their labels are mixed.

    Attributes
    ----------
    survey : SurveyModel
    membership : float array of shape (N, M)
        Probabilities that sum to 1; NaN for a star that the router cannot label.
    router : PopulationStars
        All of the stars under the router.
    parts : mapping of a population's number to PopulationStars
        Of a population that the router labels only where labels have a prior; otherwise its stars are in `router`.
    priors : mapping of a population's number to prior object
        Of the stars' labels.
    """

    survey: SurveyModel
    membership: FloatArray
    router: PopulationStars
    parts: dict[int, PopulationStars]
    priors: Mapping[int, LabelPrior]

    @property
    def best(self) -> NDArray[np.intp]:
        """The number of each star's most probable population, shape (N,); -1 where the router cannot label it."""
        known = np.isfinite(self.membership).all(axis=1)
        return np.where(known, np.where(known[:, None], self.membership, 0.0).argmax(axis=1), -1)

    @property
    def open(self) -> BoolArray:
        """Which populations a star can be of, shape (N, M)."""
        open_to: BoolArray = np.nan_to_num(self.membership) >= LEAST_MEMBERSHIP
        return open_to

    def part_of(self, population: int) -> PopulationStars:
        """Return the stars under the model that labels a population, by its number."""
        return self.parts.get(population, self.router)


def local_priors(
    survey: SurveyModel, prior: LabelPrior | str | Mapping[int, LabelPrior] | None, *, seed: int = SEED
) -> Mapping[int, LabelPrior]:
    """Return the prior of the labels of each population's stars; one by name is of its model's reference stars."""
    if isinstance(prior, Mapping):
        return prior
    return {m: as_label_prior(prior, survey.model_of(m), seed=seed) for m in range(len(survey.regions))}


def route_stars(
    survey: SurveyModel,
    spectra: Spectra,
    *,
    prior: LabelPrior | str | Mapping[int, LabelPrior] | None = None,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    false_alarms: float = FALSE_ALARMS,
    workers: int | None = None,
) -> RoutedStars:
    """
    Tell which populations stars can be of, and label them with the models of these.

    Parameters and exceptions are those of :func:`label_survey`; `prior` may be what :func:`local_priors` returned, and
    `false_alarms` is the rate of OUTSIDE_COVERAGE. The router tells membership without the prior.
    """
    priors = local_priors(survey, prior, seed=seed)
    likelihood = StarLikelihood.of(survey.router, spectra, workers=workers)
    search = search_optima(likelihood, n_starts=min(n_starts, survey.router.n_stars), seed=seed, workers=workers)
    estimates = estimate_labels(likelihood, search, false_alarms=false_alarms, workers=workers)
    every = PopulationStars(np.arange(len(spectra)), likelihood, search, estimates)
    membership = router_membership(survey.regions, likelihood, estimates, workers=workers)
    parts: dict[int, PopulationStars] = {}
    for m in range(len(survey.regions)):
        rows = np.flatnonzero(membership[:, m] >= LEAST_MEMBERSHIP)
        if not len(rows) or (survey.models[m] is None and isinstance(priors[m], FlatLabels)):
            continue
        model = survey.model_of(m)
        own = StarLikelihood.of(model, spectra.select(rows), prior=priors[m], workers=workers)
        found = search_optima(own, prior=priors[m], n_starts=min(n_starts, model.n_stars), seed=seed, workers=workers)
        parts[m] = PopulationStars(
            rows, own, found, estimate_labels(own, found, false_alarms=false_alarms, workers=workers)
        )
    routed = RoutedStars(survey, membership, every, parts, priors)
    power = survey.evidence_power
    return replace(routed, membership=with_evidence(routed, power, seed=seed, workers=workers)) if power else routed


def label_survey(
    survey: SurveyModel,
    spectra: Spectra | str | Path,
    *,
    prior: LabelPrior | str | None = None,
    nuisances: Nuisances | None = None,
    correct_offsets: bool = False,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Find labels of stars by a survey model, and the probability of each population.

    Parameters
    ----------
    survey : SurveyModel
    spectra : Spectra, or path of a store
        N stars.
    prior, nuisances, correct_offsets, n_starts, seed, workers
        As in :func:`bayescannon.cannon.labelling.label_spectra`; a prior by name is built from each local model's
        reference stars.

    Returns
    -------
    estimates : xarray.Dataset
        As :func:`bayescannon.cannon.labelling.label_spectra` returns, of the mixture; ``membership`` (star,
        population_name) and ``population`` (star), the most probable one; ``population_spread`` (star, stellar_label),
        the standard deviation of the labels between the populations' models. chi2 and what else is of one model only
        are of the most probable one.

    Raises
    ------
    GridError, LabelError, InputError
        As there.
    """
    survey, spectra = survey.with_models(partial(with_nuisances, nuisances=nuisances)), as_spectra(spectra)
    for model in survey.distinct.values():
        check_offsets(model, wanted=correct_offsets)
    routed = route_stars(survey, spectra, prior=prior, n_starts=n_starts, seed=seed, workers=workers)
    estimates = mixed_estimates(routed, workers=workers)
    warn_of_run(estimates, NoiseFinding.of(spectra.flux, spectra.ivar))
    return subtract_offsets(estimates) if correct_offsets else estimates


def with_evidence(routed: RoutedStars, power: float, *, seed: int = SEED, workers: int | None = None) -> FloatArray:
    """
    Return the membership of stars with the local models' evidence to a power.

    Parameters
    ----------
    routed : RoutedStars
        With the router's membership.
    power : float
        beta.
    seed, workers
        As in labelling.
    """
    membership, survey = routed.membership, routed.survey
    rows = np.flatnonzero((np.nan_to_num(membership) >= LEAST_MEMBERSHIP).sum(axis=1) > 1)
    if not power or not len(rows):
        return membership
    likelihood = routed.router.likelihood
    spectra = likelihood.spectra.select(rows)
    local = {m: StarLikelihood.of(survey.model_of(m), spectra, workers=workers) for m in routed.parts}
    starts = draw_starts(survey.router, min(N_STARTS, survey.router.n_stars), seed=seed)
    result = membership.copy()
    result[rows] = evidence_membership(
        survey.regions, likelihood.select(rows), local, error_power(routed.router.estimates)[rows], power, starts,
        seed=seed, workers=workers,
    )  # fmt: skip
    # only the populations that the router leaves open have local labels
    result[membership < LEAST_MEMBERSHIP] = 0.0
    return result / result.sum(axis=1, keepdims=True)


def mixed_estimates(routed: RoutedStars, *, workers: int | None = None) -> xr.Dataset:
    """
    Return the labels of the mixture, from the labels under each population's model.

    Parameters
    ----------
    routed : RoutedStars
    workers : int or None

    Returns
    -------
    estimates : xarray.Dataset
        As :func:`label_survey` returns.
    """
    survey, membership = routed.survey, routed.membership
    known, best = np.isfinite(membership).all(axis=1), routed.best
    result = _of_best(routed, best)
    labels, covariance, second = _moments(routed, workers=workers)
    weight = np.where(routed.open, membership, 0.0)
    apart_by = np.where(np.isfinite(result["labels"].to_numpy()), 0.0, np.nan)
    several = (weight > 0).sum(axis=1) > 1
    if several.any():
        rows = np.flatnonzero(several)
        share = weight[rows] / weight[rows].sum(axis=1, keepdims=True)
        at = labels[rows]
        usable = np.isfinite(at).all(axis=2)
        share = np.where(usable, share, 0.0)
        share = share / np.where(share.sum(axis=1, keepdims=True) > 0, share.sum(axis=1, keepdims=True), np.nan)
        at = np.where(usable[:, :, None], at, 0.0)
        mean = np.einsum("nm,nmk->nk", share, at)
        apart = at - mean[:, None]
        between = np.einsum("nm,nmi,nmj->nij", share, apart, apart)
        own = np.where(usable[:, :, None, None], covariance[rows], 0.0)
        keep = np.isfinite(mean).all(axis=1)
        rows, mean, between, share = rows[keep], mean[keep], between[keep], share[keep]
        result["labels"][{"star": rows}] = mean
        result["formal_covariance"][{"star": rows}] = np.einsum("nm,nmij->nij", share, own[keep]) + between
        spread = np.diagonal(between, axis1=1, axis2=2)
        apart_by[rows] = np.sqrt(np.maximum(spread, 0.0))
        for name in _BY_LABEL:
            if name in result and name in second:
                within = np.einsum("nm,nmk->nk", share, np.where(share[:, :, None] > 0, second[name][rows] ** 2, 0.0))
                result[name][{"star": rows}] = np.sqrt(within + spread)
    flags = np.where(_inside_of_one(routed), result["flags"] & ~int(ResultFlag.OUTSIDE_COVERAGE), result["flags"])
    unsure = known & (np.where(known[:, None], membership, 0.0).max(axis=1) < _UNSURE)
    result["flags"] = ("star", np.where(unsure, flags | int(ResultFlag.BETWEEN_POPULATIONS), flags).astype(np.int32))
    result["population_spread"] = (("star", "stellar_label"), apart_by)
    result["membership"] = (("star", "population_name"), membership)
    result["population"] = ("star", np.array([*survey.names, ""])[best])
    result = result.assign_coords(population_name=list(survey.names))
    result.attrs = {**routed.router.estimates.attrs, **_provenance(routed)}
    return result


def _inside_of_one(routed: RoutedStars) -> BoolArray:
    """Return which stars are within the coverage of a population that they can be of, whatever another one says."""
    inside = np.zeros(len(routed.membership), dtype=bool)
    for m in range(routed.membership.shape[1]):
        part = routed.part_of(m)
        covered = (part.estimates["flags"].to_numpy() & int(ResultFlag.OUTSIDE_COVERAGE)) == 0
        inside[part.rows] |= covered & routed.open[part.rows, m]
    return inside


def _provenance(routed: RoutedStars) -> dict[str, str]:
    """Return the attributes of the mixture that are not the router's."""
    survey = routed.survey
    models = survey.distinct
    calibrated = {name: model.calibration.describe() for name, model in models.items() if model.calibration is not None}
    priors = {survey.names[m]: prior.describe() for m, prior in routed.priors.items()}
    found = {
        "model_hash": survey.hash,
        **creation_time(),
        "reference": _by_model({name: model.describe_reference() for name, model in models.items()}),
        "prior": _by_model(priors),
        "populations": _by_model({region.name: region.describe() for region in survey.regions.regions}),
    }
    if calibrated:
        # readers of catalogues look at how it begins
        found["errors"] = f"calibrated, of each model: {_by_model(calibrated)}"
    if survey.notes:
        found["population_notes"] = "; ".join(survey.notes)
    return found


def _by_model(texts: Mapping[str, str]) -> str:
    """Join texts of models, with the models' names where they differ."""
    if len(set(texts.values())) == 1 and len(texts) > 1:
        return next(iter(texts.values()))
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def _of_best(routed: RoutedStars, best: NDArray[np.intp]) -> xr.Dataset:
    """Return the estimates of every star under its most probable population's model; the router's without any."""
    router = routed.router.estimates
    taken, places = [], []
    for m, part in routed.parts.items():
        mine = best[part.rows] == m
        taken.append(part.estimates.isel(star=np.flatnonzero(mine)))
        places.append(part.rows[mine])
    local = np.concatenate(places) if places else np.zeros(0, dtype=np.intp)
    rest = np.setdiff1d(np.arange(router.sizes["star"]), local)
    if len(rest) or not len(local):
        taken.append(router.isel(star=rest))
        places.append(rest)
    taken = [one for one in taken if one.sizes["star"]]
    joined = xr.concat(taken, dim="star", combine_attrs="override", data_vars="minimal", join="outer")
    return joined.isel(star=np.argsort(np.concatenate(places), kind="stable")).copy(deep=True)


def _moments(routed: RoutedStars, *, workers: int | None) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
    """
    Return the labels l_m + d_m of every star under every population's model, with covariances and errors.

    NaN for a star that the population does not claim.
    """
    survey, membership = routed.survey, routed.membership
    n_star, n_population = membership.shape
    n_label = len(survey.label_names)
    labels = np.full((n_star, n_population, n_label), np.nan)
    covariance = np.full((n_star, n_population, n_label, n_label), np.nan)
    second = {name: np.full((n_star, n_population, n_label), np.nan) for name in _BY_LABEL}
    several = routed.open.sum(axis=1) > 1
    for m in range(n_population):
        part = routed.part_of(m)
        mine = several[part.rows] & (np.nan_to_num(membership[part.rows, m]) >= LEAST_MEMBERSHIP)
        chosen = np.flatnonzero(mine)
        if not len(chosen):
            continue
        rows = part.rows[chosen]
        estimates = part.estimates.isel(star=chosen)
        at = estimates["labels"].transpose("star", "stellar_label").to_numpy()
        fitted = estimates["status"].to_numpy() == FitStatus.CONVERGED
        draws = draw_labels(part.likelihood, part.estimates, chosen, workers=workers)
        drawn = part.likelihood.model.scaler.from_scaled(draws.scaled)
        weight = draws.weight * survey.regions.shares(drawn, survey.label_names)[:, :, m]
        with np.errstate(invalid="ignore", divide="ignore"):
            inside = np.einsum("nd,ndk->nk", weight / weight.sum(axis=1, keepdims=True), drawn)
        shift = inside - np.einsum("nd,ndk->nk", draws.weight, drawn)
        labels[rows, m] = np.where(fitted[:, None], at + np.nan_to_num(shift), np.nan)
        covariance[rows, m] = estimates["formal_covariance"].to_numpy()
        for name in _BY_LABEL:
            if name in estimates:
                second[name][rows, m] = estimates[name].to_numpy()
    return labels, covariance, second
