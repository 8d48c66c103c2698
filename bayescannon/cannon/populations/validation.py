"""Validation of a survey model: inferred against reference labels, of all stars and of each population."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import N_FOLDS, N_STARTS, SEED, SNR_MIN
from bayescannon.cannon.populations.labelling import label_survey
from bayescannon.cannon.populations.qualification import qualify_survey
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.validation import LabelStatistics, Validation, compare
from bayescannon.numerics.progress import Progress
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.whole_numbers import whole_number


def validate_survey(
    survey: SurveyModel,
    reference: ReferenceSet | str | Path,
    *,
    folds: int = N_FOLDS,
    snr_min: float = SNR_MIN,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
    progress: Progress = None,
) -> Validation:
    """
    Compare inferred with reference labels, leave-none-out and k-fold: of all stars, and of each population.

    Parameters
    ----------
    survey : SurveyModel
    reference : ReferenceSet, or path of its file
        The N spectra that it was trained on.
    folds, snr_min, n_starts, seed, workers, progress
        As in :func:`bayescannon.cannon.validation.validate`. The held-out stars of a qualified model are used where
        they have as many folds, the same starts and the same seed; other folds hold the stars out anew.

    Returns
    -------
    validation : Validation
        Further selections are the name of each population, and ``"NAME, snr > 50"``: of stars whose reported labels are
        of it, whatever population they are found to be of.

    Raises
    ------
    ReferenceSetError
        The set lacks a star that a model was trained on.
    InputError, InputTypeError
        An argument of another kind, or more folds than stars allow.
    """
    reference = as_reference(reference).with_labels(survey.label_names)
    snr_min, folds = real_number(snr_min, "snr_min"), whole_number(folds, "folds")
    search: dict[str, Any] = {"n_starts": n_starts, "seed": seed}
    estimates = {"leave-none-out": label_survey(survey, reference.spectra, workers=workers, **search)}
    if folds:
        estimates["k-fold"] = _held_out(survey, reference, folds, search, workers, progress)
    rows = [
        row
        for method, dataset in estimates.items()
        for row in _compare(survey, reference, dataset, method=method, snr_min=snr_min)
    ]
    return Validation(tuple(rows), estimates, reference.labels, reference.n_stars)


def _held_out(
    survey: SurveyModel,
    reference: ReferenceSet,
    folds: int,
    search: dict[str, Any],
    workers: int | None,
    progress: Progress,
) -> xr.Dataset:
    """Return the labels of the mixture of held-out stars: those that are known, or made anew."""
    if survey.held_out is not None:
        known = survey.held_out.labels.of(reference, folds=folds, **search)
        if known is not None:
            return known
    anew = qualify_survey(survey, reference, folds=folds, workers=workers, progress=progress, **search)
    found = None if anew.held_out is None else anew.held_out.labels.of(reference, folds=folds, **search)
    if found is None:
        raise AssertionError("a survey model that was qualified with this set has its held-out stars")
    return found


def _compare(
    survey: SurveyModel, reference: ReferenceSet, estimates: xr.Dataset, *, method: str, snr_min: float
) -> Iterator[LabelStatistics]:
    """Yield the statistics of all stars, then of each population's."""
    yield from compare(estimates, reference.labels, method=method, snr_min=snr_min, star=reference.star_number)
    own = survey.regions.shares(reference.labels, survey.label_names).argmax(axis=1)
    for m, name in enumerate(survey.names):
        rows = np.flatnonzero(own == m)
        if not len(rows) or len(survey.names) == 1:
            continue
        part = compare(
            estimates.isel(star=rows), reference.labels[rows], method=method, snr_min=snr_min,
            star=np.unique(reference.star_number[rows], return_inverse=True)[1],
        )  # fmt: skip
        for row in part:
            yield replace(row, selection=name if row.selection == "all" else f"{name}, {row.selection}")
