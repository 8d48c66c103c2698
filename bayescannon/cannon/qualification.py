"""Qualify a trained model by held-out stars: calibrated errors, and what stars unlike its own are measured against."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.calibrate import calibrate, without_calibration
from bayescannon.cannon.choices import N_FOLDS, N_STARTS, SEED
from bayescannon.cannon.fold_work import FoldWork
from bayescannon.cannon.held_out import HeldOut, hold_out
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.novelty import attach_coverage, coverage_from_estimates
from bayescannon.cannon.reference import ReferenceSet, ReferenceSetError
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import training_stars
from bayescannon.data.flags import FitStatus
from bayescannon.data.parts import require_kind
from bayescannon.data.star_groups import first_rows
from bayescannon.numerics.progress import Progress


def qualify(
    model: TrainedModel | str | Path,
    reference: ReferenceSet | str | Path,
    *,
    clipped: ReferenceSet | None = None,
    folds: int = N_FOLDS,
    held_out: HeldOut | None = None,
    label_errors: Mapping[str, float] | None = None,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | FoldWork | None = None,
    progress: Progress = None,
) -> TrainedModel:
    """
    Attach calibrated errors and a coverage reference to a model, from one pass of held-out labels.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    reference : ReferenceSet, or path of its file
        The spectra that it was trained on; further ones of the set are left out.
    clipped : ReferenceSet, optional
        As in :func:`bayescannon.cannon.calibrate.calibrate`; those of `reference` unless given.
    folds : int
        As in :func:`bayescannon.cannon.held_out.hold_out`.
    held_out : HeldOut, optional
        What that function returned for `reference`, if it is known already.
    label_errors
        As in :func:`bayescannon.cannon.calibrate.calibrate`.
    n_starts, seed, workers, progress
        As in `hold_out`; a FoldWork does the folds and keeps those that are done.

    Returns
    -------
    model : TrainedModel
        With ``calibration``, ``coverage`` and ``held_out``; where the stars are too few for either,
        ``calibration_note`` says why.

    Raises
    ------
    ReferenceSetError
        The set lacks a star that the model was trained on, or has other labels for it.
    GridError
        Its spectra are on another grid.
    InputError
        `folds` is not between 2 and the number of stars, or `label_errors` do not go with the model.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> model = bc.qualify(bc.train(reference), reference, folds=4)
    >>> model.held_out
    <HeldOutLabels of ... stars in 4 folds>
    >>> estimates = bc.label_spectra(model, spectra)
    >>> bool((estimates["calibrated_error"] > 0).all())
    True
    """
    model = as_model(model)
    reference = training_stars(model, as_reference(reference).with_labels(model.label_names))
    for name, given, kind in (("clipped", clipped, ReferenceSet), ("held_out", held_out, HeldOut)):
        if given is not None:
            require_kind(given, kind, f"qualify(..., {name}=)")
    if held_out is None:
        try:
            held_out = hold_out(
                reference,
                folds=folds,
                options=model,
                n_starts=n_starts,
                seed=seed,
                workers=workers,
                progress=progress,
            )
        except ReferenceSetError as error:
            return without_calibration(model, str(error).splitlines()[0])
    model = calibrate(
        replace(model, held_out=held_out.labels),
        reference,
        held_out,
        clipped=clipped or reference.clipped,
        label_errors=label_errors,
        n_starts=n_starts,
        seed=seed,
        workers=FoldWork.of(workers).threads,
    )
    rows = _one_of_each(reference, held_out, seed)
    coverage = coverage_from_estimates(
        model, reference.labels[rows], held_out.estimates.isel(star=rows), held_out.residuals.select(rows)
    )
    return attach_coverage(model, coverage)


def _one_of_each(reference: ReferenceSet, held_out: HeldOut, seed: int) -> NDArray[np.intp]:
    """
    Return the row of one spectrum of each star, drawn at random among those that were labelled.

    The coverage's p-values need scores of exchangeable stars, and distances to other stars: with all spectra a star
    would be its own neighbour.
    """
    order = np.random.default_rng(seed).permutation(len(reference))
    failed = held_out.estimates["status"].to_numpy()[order] != FitStatus.CONVERGED
    order = order[np.argsort(failed, kind="stable")]
    return np.sort(order[first_rows(reference.star_number[order])])
