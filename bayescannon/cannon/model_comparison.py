"""Compare models of the same stars by what they predict of held-out ones: spectra, and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import N_FOLDS, N_STARTS, SEED, SNR_MIN
from bayescannon.cannon.chosen_options import choose_options
from bayescannon.cannon.comparison_table import ModelComparison
from bayescannon.cannon.held_out import deal_folds
from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet, take_errors
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.spectrum_density import spectrum_log_density
from bayescannon.cannon.training import train
from bayescannon.cannon.validation import compare
from bayescannon.data.flags import FitStatus
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.error_rule import ErrorRule


@dataclass(frozen=True)
class _Candidate:
    """What one model is trained with: options, and the reference stars with its labels and errors."""

    name: str
    options: TrainingOptions
    reference: ReferenceSet


def compare_models(
    reference: ReferenceSet | str | Path,
    models: Mapping[str, TrainingOptions | Mapping[str, Any]],
    *,
    label_sets: Mapping[str, Sequence[str]] | None = None,
    folds: int = N_FOLDS,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
    progress: Progress = None,
) -> ModelComparison:
    """
    Train several models on the same stars, fold by fold, and score how well they predict the stars left out.

    Two scores: the density of a held-out star's spectra given its reported labels, over the pixels that are live in
    all models; and the density of its reported labels given its spectra, over the labels that all models have. Folds
    and starts are the same for all models, so that differences are paired by star.

    Parameters
    ----------
    reference : ReferenceSet, or path of its file
        With every label of every model.
    models : mapping of name to TrainingOptions, or to choices by their names on the command line
        For instance ``{"paper": {}, "pooled": {"coefficients": "pooled", "noise": "global"}}``. A model whose products
        of labels have no effect (degree 1) is ``{"coefficients": "normal", "coefficient_scale": 1e-6}``.
    label_sets : mapping of name to sequence of str, optional
        Labels of the models that do not have all of `reference`.
    folds : int
        As in :func:`bayescannon.cannon.held_out.hold_out`.
    n_starts, seed, workers, progress
        As in that function.

    Returns
    -------
    comparison : ModelComparison

    Raises
    ------
    InputError
        No model, labels of a model that is not named, no label that all models have, or folds that do not go with the
        stars.
    ReferenceSetError
        A label that the reference set lacks, or a fold that leaves too few stars to train on.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> found = bc.compare_models(reference, {"paper": {}, "kappa": {"noise": "global"}}, folds=2)
    >>> table = found.table("spectra")
    >>> str(table["model"][0]), bool(table["elpd_diff"][1] < 0)
    ('kappa', True)
    """
    candidates, notes = _candidates(as_reference(reference), models, label_sets or {})
    stars = candidates[0].reference
    common = [
        name for name in stars.label_names if all(name in candidate.reference.label_names for candidate in candidates)
    ]
    if not common:
        raise InputError("models are compared by the labels that all of them have; these have none in common")
    fold = deal_folds(stars, folds=folds, seed=seed)
    n_star = len(stars)
    density = np.empty((len(candidates), n_star))
    parts: list[list[xr.Dataset]] = [[] for _ in candidates]
    blind: list[list[FloatArray]] = [[] for _ in candidates]
    n_values = 0
    with reporting(progress, "compare models") as report:
        for k in range(folds):
            members = np.flatnonzero(fold == k)
            trained = [
                train(candidate.reference.select(fold != k), options=candidate.options, workers=workers)
                for candidate in candidates
            ]
            live: BoolArray = np.all([model.fit.live for model in trained], axis=0)
            n_values += int((stars.spectra.ivar[members][:, live] > 0).sum())
            for m, (candidate, model) in enumerate(zip(candidates, trained, strict=True)):
                held = candidate.reference.select(members)
                density[m, members] = spectrum_log_density(model, held, live, workers=workers)
                parts[m].append(label_spectra(model, held.spectra, n_starts=n_starts, seed=seed, workers=workers))
                blind[m].append(_blind_scores(candidate.reference, fold != k, members, common))
            report(k + 1, folds)
    back = np.argsort(np.concatenate([np.flatnonzero(fold == k) for k in range(folds)]))
    label_density, rows = [], []
    for m, candidate in enumerate(candidates):
        estimates = xr.concat(parts[m], dim="star", combine_attrs="drop_conflicts").isel(star=back)
        without = np.concatenate(blind[m])[back]
        label_density.append(_label_scores(estimates, candidate.reference, fold, common, without))
        statistics = compare(
            estimates, candidate.reference.labels, method=candidate.name, snr_min=SNR_MIN, star=stars.star_number
        )
        rows += [row for row in statistics if row.label in common]
    number = stars.star_number
    first = np.unique(number, return_index=True)[1]
    return ModelComparison(
        tuple(candidate.name for candidate in candidates),
        tuple(common),
        stars.star[first],
        np.stack([np.bincount(number, one) for one in density]),
        np.stack([np.stack([np.bincount(number, one) for one in scores.T], axis=1) for scores in label_density]),
        n_values,
        tuple(rows),
        folds,
        seed,
        tuple(notes),
    )


def _candidates(
    reference: ReferenceSet,
    models: Mapping[str, TrainingOptions | Mapping[str, Any]],
    label_sets: Mapping[str, Sequence[str]],
) -> tuple[list[_Candidate], list[str]]:
    """Return the models with their reference sets, all of the same stars, and what was left out for that."""
    if not isinstance(models, Mapping) or not models:
        raise InputError("models must be a mapping of names to options, with at least one; got none")
    unknown = [name for name in label_sets if name not in models]
    if unknown:
        raise InputError(f"label_sets must be of models among {', '.join(models)}; got {unknown[0]!r}")
    made = []
    for name, given in models.items():
        options = choose_options(None, given) if isinstance(given, Mapping) else choose_options(given, {})
        own = reference.with_labels(tuple(label_sets.get(name, reference.label_names)))
        if options.label_errors is not None:
            own = take_errors(own, options.label_errors)
        made.append(_Candidate(name, options, own))
    kept = np.all([np.isin(reference.spectra.id, one.reference.spectra.id) for one in made], axis=0)
    notes = ["the same stars, folds, starts and pixels for all models"]
    if not kept.all():
        notes.append(f"{int((~kept).sum())} spectra left out, whose labels lack the errors that a model needs")
    ids = reference.spectra.id[kept]
    same = [_Candidate(c.name, c.options, c.reference.select(rows_of(c.reference.spectra.id, ids))) for c in made]
    return same, notes


def _columns(reference: ReferenceSet, names: Sequence[str]) -> list[int]:
    return [reference.label_names.index(name) for name in names]


def _noise(reference: ReferenceSet, columns: Sequence[int]) -> FloatArray:
    """Return the errors of the reported labels, 0 where they are not known."""
    errors = reference.errors[:, columns]
    known: FloatArray = np.where(np.isfinite(errors) & (errors > 0), errors, 0.0)
    return known


def _blind_scores(
    reference: ReferenceSet, trained: BoolArray, members: NDArray[np.int64], names: Sequence[str]
) -> FloatArray:
    """Return ln p of labels by the Gaussian of the training stars alone: the score of a star that was not labelled."""
    labels = reference.labels[:, _columns(reference, names)]
    mean, width = labels[trained].mean(axis=0), labels[trained].std(axis=0)
    score: FloatArray = -0.5 * ((labels[members] - mean) / width) ** 2 - np.log(width) - 0.5 * np.log(2 * np.pi)
    return score


def _label_scores(
    estimates: xr.Dataset, reference: ReferenceSet, fold: NDArray[np.int64], names: Sequence[str], blind: FloatArray
) -> FloatArray:
    """Return ln p(reported label | spectrum), (N, K), with the errors found from the other folds' stars."""
    columns = _columns(reference, names)
    off = reference.labels[:, columns] - estimates["labels"].to_numpy()[:, columns]
    formal, noise = formal_errors(estimates)[:, columns], _noise(reference, columns)
    good = (estimates["status"].to_numpy() == FitStatus.CONVERGED) & np.isfinite(off).all(axis=1)
    good &= np.isfinite(formal).all(axis=1)
    scores = blind.copy()
    for k in np.unique(fold):
        known, scored = good & (fold != k), good & (fold == k)
        for j in range(len(columns)):
            rule = ErrorRule.fit(off[known, j], formal[known, j], noise[known, j])
            scores[scored, j] = rule.log_density(off[scored, j], formal[scored, j], noise[scored, j])
    return scores
