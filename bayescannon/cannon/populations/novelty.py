r"""
Stars that no population's model describes: coverage and novelty against all populations that a star can be of.

Of each population, two p-values say how unlike its held-out stars a star is (:mod:`bayescannon.cannon.novelty`), and
p_joint their combination. Nothing fits a star if its largest p_joint, over the populations it can be of, is small. As a
probability, with the share q of stars that belong to none and the bound of Sellke, Bayarri & Berger (2001, American
Statistician 55, 62) on the odds that a p-value can give,

    p_none = 1 / (1 + (1 - q) / q B(p)),        B(p) = -e p ln p  below p = 1 / e, and 1 above.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Table
from numpy.typing import NDArray

from bayescannon.cannon.choices import FALSE_ALARMS
from bayescannon.cannon.coverage_flag import belongs
from bayescannon.cannon.novelty import (
    CoverageError,
    as_pipeline_labels,
    assess_coverage,
    require_made_with,
    with_coverage,
)
from bayescannon.cannon.populations.labelling import PopulationStars, RoutedStars, route_stars
from bayescannon.cannon.populations.membership import LEAST_MEMBERSHIP
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import ResultFlag
from bayescannon.data.label_table import LabelTable
from bayescannon.data.spectra import Spectra
from bayescannon.io.catalogue import add_coverage
from bayescannon.io.inputs import as_spectra
from bayescannon.numerics.typing import FloatArray

# share of a survey's stars that belong to none of its populations, before a spectrum is seen
NONE_SHARE = 0.01
_FLAGS = (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM)


def probability_of_none(p_value: FloatArray, share: float = NONE_SHARE) -> NDArray[np.float64]:
    """
    Return the largest probability that a star belongs to no population, from the p-value of the one that fits it best.

    Parameters
    ----------
    p_value : float array of shape (N,)
        NaN stays NaN.
    share : float
        q, of stars that belong to none.

    Returns
    -------
    p_none : float array of shape (N,)
        At least q.
    """
    p = np.asarray(p_value, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = np.where(p < 1 / math.e, -math.e * p * np.log(p), 1.0)
        result: NDArray[np.float64] = 1 / (1 + (1 - share) / share * np.where(p > 0, bound, 0.0))
    return np.where(np.isnan(p), np.nan, result)


def assess_survey(
    routed: RoutedStars,
    estimates: xr.Dataset,
    *,
    scores: str = "deciding",
    pipeline_labels: LabelTable | None = None,
    false_alarms: float = FALSE_ALARMS,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Assess how far stars are from what the models of their populations were trained on.

    Parameters
    ----------
    routed : RoutedStars
        N stars under every model.
    estimates : xarray.Dataset
        Labels of their mixture.
    scores, pipeline_labels, false_alarms, workers
        As in :func:`bayescannon.cannon.novelty.assess_coverage`.

    Returns
    -------
    assessment : xarray.Dataset
        What that function returns, of the population that describes each star best among those that it can be of, and
        ``p_none`` (star). A flag is set where every population that the star can be of sets it.

    Raises
    ------
    CoverageError
        A model holds no coverage reference.
    """
    chosen = {"scores": scores, "pipeline_labels": pipeline_labels, "false_alarms": false_alarms, "workers": workers}
    membership = routed.membership
    found: dict[int, tuple[NDArray[np.intp], xr.Dataset]] = {}
    # the router stands in for populations without a model of their own, and for stars of none
    by_router = [m for m in range(membership.shape[1]) if m not in routed.parts]
    claimed = np.zeros(len(membership), dtype=bool)
    for m, part in routed.parts.items():
        claimed[part.rows] = True
        found[m] = (part.rows, _assess_part(part, np.arange(len(part.rows)), chosen))
    rows = np.flatnonzero(~claimed | routed.open[:, by_router].any(axis=1))
    if len(rows):
        found[-1] = (rows, _assess_part(routed.router, rows, chosen))
    joined = _best_described(found, estimates, routed.survey)
    return joined.assign(p_none=("star", probability_of_none(joined["p_joint"].to_numpy())))


def _assess_part(part: PopulationStars, chosen: NDArray[np.intp], options: Mapping[str, Any]) -> xr.Dataset:
    model = part.likelihood.model
    _require_coverage(model)
    return assess_coverage(model, part.likelihood.select(chosen), part.estimates.isel(star=chosen), **options)


def _require_coverage(model: TrainedModel) -> None:
    if model.coverage is None or not belongs(model.coverage, model):
        raise CoverageError(
            "a model of the survey holds no coverage reference; train with folds, or qualify the survey model"
        )


def _best_described(
    found: Mapping[int, tuple[NDArray[np.intp], xr.Dataset]], estimates: xr.Dataset, survey: SurveyModel
) -> xr.Dataset:
    """Return of each star the assessment of the population that describes it best, and the flags that all set."""
    n_star = estimates.sizes["star"]
    best_p, best_part = np.full(n_star, -1.0), np.full(n_star, -1)
    every = {flag: np.ones(n_star, dtype=bool) for flag in _FLAGS}
    for number, (rows, assessment) in found.items():
        p_joint = np.nan_to_num(assessment["p_joint"].to_numpy(), nan=-0.5)
        flags = assessment["flags"].to_numpy()
        for flag in _FLAGS:
            every[flag][rows] &= (flags & int(flag)) != 0
        better = p_joint > best_p[rows]
        best_p[rows[better]], best_part[rows[better]] = p_joint[better], number
    taken = [one.isel(star=np.flatnonzero(best_part[rows] == number)) for number, (rows, one) in found.items()]
    places = np.concatenate([rows[best_part[rows] == number] for number, (rows, _) in found.items()])
    taken = [one for one in taken if one.sizes["star"]]
    joined = xr.concat(taken, dim="star", combine_attrs="override", data_vars="minimal").isel(star=np.argsort(places))
    flags = estimates["flags"].to_numpy() if "flags" in estimates else np.zeros(n_star, dtype=np.int32)
    for flag in _FLAGS:
        flags = np.where(every[flag], flags | int(flag), flags)
    # of all models, whichever these stars needed: the text does not depend on how a survey is split
    texts = dict.fromkeys(one.coverage.describe_p_values() for one in survey.distinct.values() if one.coverage)
    return joined.assign(flags=("star", flags.astype(np.int32))).assign_attrs(coverage="; ".join(texts))


def assess_survey_coverage(
    survey: SurveyModel,
    spectra: Spectra | str | Path | None,
    estimates: xr.Dataset,
    *,
    scores: str = "deciding",
    pipeline_labels: LabelTable | str | Path | None = None,
    false_alarms: float = FALSE_ALARMS,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Assess how far stars are from what the models of a survey model were trained on.

    Parameters
    ----------
    survey : SurveyModel
    spectra : Spectra, path of a store, or None
        The stars of `estimates`; without them only labels are assessed, and there is no p_none.
    estimates : xarray.Dataset
        From :func:`bayescannon.cannon.populations.labelling.label_survey`. With spectra, they are labelled again under
        each model, without a prior.
    scores, pipeline_labels, false_alarms, workers
        As in :func:`bayescannon.cannon.novelty.assess_coverage`.

    Returns
    -------
    assessment : xarray.Dataset
        As :func:`assess_survey` returns.

    Raises
    ------
    CoverageError
        A model holds no coverage reference, or spectra and estimates are of different stars.
    """
    stars = estimates["star"].to_numpy()
    own = None if pipeline_labels is None else as_pipeline_labels(pipeline_labels, survey.router, stars.tolist())
    options: dict[str, Any] = {"scores": scores, "pipeline_labels": own, "false_alarms": false_alarms}
    if spectra is None:
        return assess_labels(survey, estimates, **options, workers=workers)
    spectra = as_spectra(spectra)
    if list(map(str, spectra.id)) != list(map(str, stars)):
        raise CoverageError("spectra and estimates must be of the same stars in the same order")
    search: dict[str, Any] = {
        name: int(estimates.attrs[name]) for name in ("n_starts", "seed") if name in estimates.attrs
    }
    return assess_survey(route_stars(survey, spectra, **search, workers=workers), estimates, **options, workers=workers)


def assess_labels(survey: SurveyModel, estimates: xr.Dataset, **options: Any) -> xr.Dataset:
    """
    Assess labels alone, against the reference stars of the populations that each star can be of.

    Parameters
    ----------
    survey : SurveyModel
    estimates : xarray.Dataset
        Needs ``labels``; with ``membership``, a star counts in the populations that it gives, and in those whose share
        of its labels is not small without it.
    options
        As in :func:`bayescannon.cannon.novelty.assess_coverage`.

    Returns
    -------
    assessment : xarray.Dataset
        What that function returns, of the population whose reference stars are nearest.

    Raises
    ------
    CoverageError
        A model holds no coverage reference.
    """
    labels = estimates["labels"].transpose("star", "stellar_label").to_numpy()
    if "membership" in estimates:
        membership = estimates["membership"].transpose("star", "population_name").to_numpy()
    else:
        membership = survey.regions.shares(labels, survey.label_names)
    is_open = np.nan_to_num(membership) >= LEAST_MEMBERSHIP
    # the flags of the estimates are of the mixture, not of one model
    bare = estimates[["labels"]]
    found = {}
    for m in range(len(survey.regions)):
        # a star of no population counts in the first, which gives NaN for labels that are not known
        rows = np.flatnonzero(is_open[:, m] | (~is_open.any(axis=1) if m == 0 else False))
        if len(rows):
            model = survey.model_of(m)
            _require_coverage(model)
            found[m] = (rows, assess_coverage(model, None, bare.isel(star=rows), **options))
    return _best_described(found, estimates, survey)


def survey_coverage_of_catalogue(survey: SurveyModel, table: Table, **options: Any) -> Table:
    """
    Assess the labels of a catalogue that a survey model made; without spectra there is no novelty, and p_none stays.

    Parameters are those of :func:`bayescannon.cannon.novelty.coverage_of_catalogue`.

    Raises
    ------
    CoverageError
        The catalogue was made with another model, or a model holds no coverage reference.
    """
    require_made_with(table, survey.hash)
    labels = np.column_stack([np.asarray(table[name]) for name in survey.label_names])
    columns = [f"p_{name}" for name in survey.names]
    membership = np.column_stack([np.asarray(table[name]) for name in columns])
    estimates = xr.Dataset(
        {
            "labels": (("star", "stellar_label"), labels),
            "membership": (("star", "population_name"), membership),
            "flags": ("star", np.asarray(table["flags"])),
        },
        coords={"star": np.asarray(table["id"]), "stellar_label": list(survey.label_names)},
    )
    return add_coverage(table, assess_survey_coverage(survey, None, estimates, **options))


def with_none(estimates: xr.Dataset, assessment: xr.Dataset) -> xr.Dataset:
    """Put an assessment into estimates of the same stars: membership of all populations and of none sums to 1."""
    merged = with_coverage(estimates, assessment)
    known = np.nan_to_num(assessment["p_none"].to_numpy(), nan=0.0)
    return merged.assign(membership=merged["membership"] * xr.DataArray(1 - known, dims="star"))
