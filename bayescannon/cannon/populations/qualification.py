"""Qualify a survey model by held-out stars: errors and coverage of each of its models, and their membership."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import N_FOLDS, N_STARTS, SEED
from bayescannon.cannon.fold_work import FoldWork
from bayescannon.cannon.held_out import deal_folds, hold_out_of
from bayescannon.cannon.held_out_labels import HeldOutLabels
from bayescannon.cannon.populations.held_out_membership import HeldOutMembership, log_scores
from bayescannon.cannon.populations.labelling import RoutedStars, mixed_estimates, route_stars, with_evidence
from bayescannon.cannon.populations.survey_folds import survey_fold_models
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.populations.training import population_stars
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import FloatArray

# powers of the local models' evidence that held-out stars choose from beside 0: the next is tried if one gains
_POWERS = (0.01, 0.1, 1.0)


def qualify_survey(
    survey: SurveyModel,
    reference: ReferenceSet | str | Path,
    *,
    folds: int = N_FOLDS,
    label_errors: Mapping[str, float] | None = None,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | FoldWork | None = None,
    progress: Progress = None,
) -> SurveyModel:
    """
    Attach calibrated errors and coverage to every model of a survey model, and what held-out stars say of membership.

    All models of a fold are trained without the same stars, so that their mixture is held out as a whole.

    Parameters
    ----------
    survey : SurveyModel
    reference : ReferenceSet, or path of its file
        The stars that it was trained on, with those that were clipped.
    folds, label_errors, n_starts, seed, workers, progress
        As in :func:`bayescannon.cannon.qualification.qualify`.

    Returns
    -------
    survey : SurveyModel
        With ``held_out``, and the ``evidence_power`` under which held-out stars' membership is told best.

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
    qualified: dict[str, TrainedModel] = {}
    fold_parts: dict[str, list[TrainedModel]] = {}
    clipped = reference.clipped
    work = FoldWork.of(workers)
    workers = work.threads
    with reporting(progress, "hold out") as report:
        for name, models in survey_fold_models(survey, stars, fold_of, workers=workers):
            own, model = stars[name], survey.distinct[name]
            fold_parts[name] = models
            held_out = hold_out_of(
                fold_parts[name], own, fold_of[name], n_starts=min(n_starts, model.n_stars // 2), seed=seed,
                workers=replace(work, name=f"model-{len(fold_parts)}-fold"),
            )  # fmt: skip
            qualified[name] = qualify(
                model, own, clipped=_clipped_near(survey, name, clipped), held_out=held_out, label_errors=label_errors,
                n_starts=n_starts, seed=seed, workers=workers,
            )  # fmt: skip
            report(len(fold_parts), len(survey.distinct))
    survey = replace(survey, router=qualified["router"], models=tuple(qualified.get(name) for name in survey.names))
    routed = [
        (rows, route_stars(_of_fold(survey, fold_parts, k), reference.spectra.select(rows), n_starts=n_starts,
                           seed=seed, workers=workers))
        for k in range(folds)
        if len(rows := np.flatnonzero(fold == k))
    ]  # fmt: skip
    shares = survey.regions.shares(reference.labels, survey.label_names)
    power, membership = _choose_power(routed, shares, seed=seed, workers=workers)
    parts = [
        mixed_estimates(replace(stars_of_fold, membership=own), workers=workers)
        for (_, stars_of_fold), own in zip(routed, membership, strict=True)
    ]
    back = np.argsort(np.concatenate([rows for rows, _ in routed]))
    joined = xr.concat(parts, dim="star", combine_attrs="drop_conflicts", join="outer").isel(star=back)
    held = HeldOutMembership(HeldOutLabels(joined, folds, n_starts, seed, reference.star), reference.labels, shares)
    return replace(survey, held_out=held, evidence_power=power)


def _clipped_near(survey: SurveyModel, name: str, clipped: ReferenceSet | None) -> ReferenceSet | None:
    """Return the clipped stars in the region of a model."""
    if clipped is None or not len(clipped):
        return None
    inside = survey.regions.training_stars(clipped.labels, clipped.label_names)
    if name == "router":
        mine = inside[:, [region.in_router for region in survey.regions.regions]].any(axis=1)
    else:
        mine = inside[:, survey.names.index(name)]
    return clipped.select(mine) if mine.any() else None


def _of_fold(survey: SurveyModel, fold_parts: dict[str, list[TrainedModel]], k: int) -> SurveyModel:
    """Return the survey model of a fold, with the calibrations that all folds gave."""

    def calibrated(name: str) -> TrainedModel:
        whole = survey.distinct[name]
        return replace(fold_parts[name][k], calibration=whole.calibration, calibration_note=whole.calibration_note)

    models = tuple(None if model is None else calibrated(name) for name, model in
                   zip(survey.names, survey.models, strict=True))  # fmt: skip
    return replace(survey, router=calibrated("router"), models=models, evidence_power=0.0)


def _choose_power(
    routed: list[tuple[NDArray[np.intp], RoutedStars]], shares: FloatArray, *, seed: int, workers: int | None
) -> tuple[float, list[FloatArray]]:
    """Return the power of the evidence with the best log score of held-out membership, and that membership."""
    best = (0.0, [part.membership for _, part in routed])
    at_best = np.concatenate([log_scores(part.membership, shares[rows]) for rows, part in routed])
    for power in _POWERS:
        found = [with_evidence(part, power, seed=seed, workers=workers) for _, part in routed]
        scores = np.concatenate([log_scores(own, shares[rows]) for (rows, _), own in zip(routed, found, strict=True)])
        gain = scores - at_best
        # a larger power must gain more than the standard error: each departs farther from what the router says
        if not gain.mean() > gain.std() / np.sqrt(len(gain)):
            break
        best, at_best = (power, found), scores
    return best
