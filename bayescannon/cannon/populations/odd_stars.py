"""Odd spectra under a survey model: each star by the model of its most probable population."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import N_FOLDS, SEED
from bayescannon.cannon.held_out import deal_folds
from bayescannon.cannon.odd_fit import fit_odd_reference, odd_reference_of
from bayescannon.cannon.odd_spectra import odd_spectra
from bayescannon.cannon.populations.labelling import RoutedStars
from bayescannon.cannon.populations.survey_folds import survey_fold_models
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.populations.training import population_stars
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.rows import rows_of
from bayescannon.reliability.odd_reference import OddReference


def fit_survey_odd(
    survey: SurveyModel,
    reference: ReferenceSet | str | Path,
    *,
    folds: int = N_FOLDS,
    power: float = 1.0,
    double_lined: bool = False,
    seed: int = SEED,
    workers: int | None = None,
    progress: Progress = None,
) -> dict[str, OddReference]:
    """
    Score the reference stars of every model of a survey model, each by that model without the stars of its fold.

    Parameters
    ----------
    survey : SurveyModel
    reference : ReferenceSet, or path of its file
        The stars that it was trained on.
    folds, power, double_lined, seed, workers, progress
        As in :func:`bayescannon.cannon.odd_fit.fit_odd_reference`.

    Returns
    -------
    odd : dict of str to OddReference
        By the name of the population, and "router".

    Raises
    ------
    ReferenceSetError
        The set lacks a star that a model was trained on.
    InputError
        `folds` is not between 2 and the number of stars.
    """
    reference = as_reference(reference).with_labels(survey.label_names)
    stars = population_stars(survey, reference)
    fold = deal_folds(reference, folds=folds, seed=seed)
    fold_of = {name: fold[rows_of(reference.spectra.id, own.spectra.id)] for name, own in stars.items()}
    found: dict[str, OddReference] = {}
    with reporting(progress, "odd spectra") as report:
        for name, models in survey_fold_models(survey, stars, fold_of, workers=workers):
            found[name] = odd_reference_of(
                survey.distinct[name], models, stars[name], fold_of[name], power=power, double_lined=double_lined,
                seed=seed, workers=workers,
            )  # fmt: skip
            report(len(found), len(survey.distinct))
    return found


def attach_odd(
    model: TrainedModel | SurveyModel,
    reference: ReferenceSet,
    **options: Any,
) -> TrainedModel | SurveyModel:
    """
    Return a model of one population or of several with the scores of its held-out reference stars.

    Parameters
    ----------
    model : TrainedModel or SurveyModel
    reference : ReferenceSet
        That it was trained on.
    options
        As in :func:`bayescannon.cannon.odd_fit.fit_odd_reference`.
    """
    if isinstance(model, TrainedModel):
        return replace(model, odd=fit_odd_reference(model, reference, **options))
    found = fit_survey_odd(model, reference, **options)
    models = tuple(None if one is None else replace(one, odd=found[name])
                   for name, one in zip(model.names, model.models, strict=True))  # fmt: skip
    return replace(model, router=replace(model.router, odd=found["router"]), models=models)


def require_odd(model: TrainedModel | SurveyModel, nuisances: Nuisances | None = None) -> None:
    """
    Refuse a model without scores of held-out stars, and nuisances with which these were not found.

    Raises
    ------
    InputError
    """
    models = {"the model": model} if isinstance(model, TrainedModel) else model.distinct
    lacking = [name for name, one in models.items() if one.odd is None]
    if lacking:
        raise InputError(
            f"odd spectra are measured against held-out stars, of which {lacking[0]} has no scores; train it with "
            "--odd (odd = true in [train]), or label without"
        )
    own = [one.options.nuisances for one in models.values()]
    if nuisances is not None and any(nuisances != one and (nuisances or one) for one in own):
        raise InputError(
            "odd spectra are measured against held-out stars with the nuisances of the training; got others. Leave "
            "them out, or label without --odd"
        )


def survey_odd_spectra(routed: RoutedStars, *, workers: int | None = None, **options: Any) -> xr.Dataset:
    """
    Say how stars differ from the single stars of their most probable population.

    Parameters
    ----------
    routed : RoutedStars
        N stars.
    workers, options
        As in :func:`bayescannon.cannon.odd_spectra.odd_spectra`.

    Returns
    -------
    assessment : xarray.Dataset
        As there; NaN for a star of no population.
    """
    best = routed.best
    parts, places = [], []
    for m in range(-1, len(routed.survey.regions)):
        # a star that the router cannot label is of none of them: its row under the router is NaN
        part = routed.router if m < 0 else routed.part_of(m)
        mine = np.flatnonzero(best[part.rows] == m)
        if not len(mine):
            continue
        likelihood = part.likelihood.select(mine)
        parts.append(
            odd_spectra(likelihood.model, likelihood, part.estimates.isel(star=mine), workers=workers, **options)
        )
        places.append(part.rows[mine])
    joined = xr.concat(parts, dim="star", combine_attrs="override", data_vars="minimal")
    joined.attrs["pairs"] = "of the main sequence, by the model of each star's most probable population"
    # of every population, whether a star of it is here or not, as blocks of stars are joined
    models = routed.survey.distinct.items()
    joined.attrs["measured_against"] = "; ".join(f"{name}: {one.odd.describe()}" for name, one in models if one.odd)
    return joined.isel(star=np.argsort(np.concatenate(places), kind="stable"))
