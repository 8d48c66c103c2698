"""Score held-out reference stars for odd spectra: what p-values and probabilities of pairs are measured against."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.choices import N_FOLDS, SEED
from bayescannon.cannon.fold_models import fold_models
from bayescannon.cannon.held_out import deal_folds
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.odd_scores import OddScorer
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_file import as_reference
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import training_stars
from bayescannon.data.spectra import Spectra
from bayescannon.models.main_sequence import is_dwarf
from bayescannon.numerics.progress import Progress, Report, reporting
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.odd_reference import BINARY, ODD_CLASSES, OddReference
from bayescannon.reliability.score_odds import ScoreOdds
from bayescannon.reliability.score_reference import FEWEST_STARS, ScoreReference

# reference stars to which pairs with two velocities are fitted, drawn at random
MOST_DOUBLE_LINED = 300


def fit_odd_reference(
    model: TrainedModel | str | Path,
    reference: ReferenceSet | str | Path,
    *,
    folds: int = N_FOLDS,
    power: float = 1.0,
    double_lined: bool = False,
    seed: int = SEED,
    workers: int | None = None,
    progress: Progress = None,
) -> OddReference:
    """
    Score the reference stars of a model, each by a model without the stars of its fold.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    reference : ReferenceSet, or path of its file
        That it was trained on; further stars of the set are left out.
    folds, seed, workers, progress
        As in :func:`bayescannon.cannon.held_out.hold_out`.
    power : float
        To which the likelihoods of pairs and of single stars are raised.
    double_lined : bool
        Whether pairs with two velocities are fitted too, to at most :data:`MOST_DOUBLE_LINED` dwarfs: a quarter of a
        second to a second for each.

    Returns
    -------
    odd : OddReference
        ``replace(model, odd=odd)`` keeps it with the model, and in its file.

    Raises
    ------
    ReferenceSetError
        The set lacks a star that the model was trained on, or a fold leaves too few to train on.
    InputError
        `folds` is not between 2 and the number of stars.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> fit_odd_reference(bc.train(reference), reference, folds=2).describe()
    '5 classes against ... held-out stars...'
    """
    model = as_model(model)
    reference = training_stars(model, as_reference(reference).with_labels(model.label_names))
    fold = deal_folds(reference, folds=folds, seed=seed)
    with reporting(progress, "odd spectra") as report:
        models = _reported(fold_models(model, reference, fold, workers=workers), folds, report)
        return odd_reference_of(
            model, models, reference, fold, power=power, double_lined=double_lined, seed=seed, workers=workers
        )


def _reported(models: Iterable[TrainedModel], folds: int, report: Report) -> Iterator[TrainedModel]:
    """Yield models of folds, and report how many were worked with."""
    for k, model in enumerate(models):
        yield model
        report(k + 1, folds)


def odd_reference_of(
    model: TrainedModel,
    models: Iterable[TrainedModel],
    reference: ReferenceSet,
    fold: NDArray[np.int64],
    *,
    power: float = 1.0,
    double_lined: bool = False,
    seed: int = SEED,
    workers: int | None = None,
) -> OddReference:
    """
    Score reference stars by models of the folds, whatever these were made by.

    Parameters
    ----------
    model : TrainedModel
        Of all stars.
    models : iterable of TrainedModel
        Without the stars of each fold, in the order of the folds.
    reference : ReferenceSet
        The stars of `model`.
    fold : int array of shape (N,)
    power, double_lined, seed, workers
        As in :func:`fit_odd_reference`.

    Returns
    -------
    odd : OddReference
    """
    score, log_snr = np.full((len(reference), len(ODD_CLASSES)), np.nan), np.full(len(reference), np.nan)
    paired = np.full(len(reference), np.nan)
    rng = np.random.default_rng(seed)
    two_velocities = _drawn_dwarfs(reference, seed) if double_lined else np.zeros(len(reference), dtype=bool)
    for k, without in enumerate(models):
        rows = np.flatnonzero(fold == k)
        if not len(rows):
            continue
        scorer = OddScorer.of(without)
        likelihood, scaled = _labelled(without, reference.spectra.select(rows), seed, workers)
        found = scorer.scores(likelihood, scaled, power=power, workers=workers)
        found = scorer.with_double_lined(found, likelihood, scaled, two_velocities[rows], power=power, workers=workers)
        score[rows], log_snr[rows] = found.score, found.log_snr
        if found.pair is not None:
            dwarf = np.isfinite(found.pair.log_ratio)
            spectra = scorer.with_companions(likelihood.spectra, np.where(dwarf[:, None], scaled, np.nan), rng)
            likelihood, scaled = _labelled(without, spectra, seed, workers)
            ratio = scorer.pairs(likelihood, scaled, power=power, workers=workers).log_ratio
            paired[rows] = np.where(dwarf, ratio, np.nan)
    usable = {name: np.isfinite(score[:, k]).sum() >= FEWEST_STARS for k, name in enumerate(ODD_CLASSES)}
    fitted = {name: ScoreReference.fit(score[:, k], log_snr) for k, name in enumerate(ODD_CLASSES) if usable[name]}
    odds = None
    if BINARY in fitted and np.isfinite(paired).sum() >= FEWEST_STARS:
        single = score[:, list(ODD_CLASSES).index(BINARY)]
        odds = ScoreOdds.fit(*(fitted[BINARY].standardised(one, log_snr) for one in (single, paired)))
    return OddReference(model.hash, power, fitted, odds)


def _drawn_dwarfs(reference: ReferenceSet, seed: int) -> BoolArray:
    """Return which dwarfs, by their reported labels, pairs with two velocities are fitted to."""
    dwarfs = np.flatnonzero(is_dwarf(reference.labels, reference.label_names))
    chosen = np.zeros(len(reference), dtype=bool)
    chosen[np.random.default_rng(seed).permutation(dwarfs)[:MOST_DOUBLE_LINED]] = True
    return chosen


def _labelled(
    model: TrainedModel, spectra: Spectra, seed: int, workers: int | None
) -> tuple[StarLikelihood, FloatArray]:
    """Return the likelihoods of stars and their best scaled labels."""
    likelihood = StarLikelihood.of(model, spectra, workers=workers)
    estimates = estimate_labels(likelihood, search_optima(likelihood, seed=seed, workers=workers), workers=workers)
    return likelihood, model.scaler.to_scaled(estimates["labels"].to_numpy())
