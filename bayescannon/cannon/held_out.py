"""Reference stars by models that never saw them: their labels, and what those models leave of their spectra."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import N_FOLDS, N_STARTS, SEED
from bayescannon.cannon.damage import damaged_copies
from bayescannon.cannon.fold_models import FoldToTrain, fold_models, is_held
from bayescannon.cannon.fold_work import FoldResult, FoldWork
from bayescannon.cannon.held_out_labels import HeldOutLabels
from bayescannon.cannon.labelling import estimate_labels, search_optima
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.star_residuals import star_residuals
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.io.mapped_spectra import MappedSpectra
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.progress import Progress, reporting
from bayescannon.numerics.tile_size import STAR_TILE
from bayescannon.numerics.whole_numbers import whole_number
from bayescannon.reliability.spectrum_scores import Residuals

# copies with fewer pixels: one of each star, but of a small set more, and of a large one no more than the errors need
_LEAST_COPIES, _MOST_COPIES = 300, 1500
# spectra that are labelled at once: whole tiles, so that labels do not depend on it
_LABELLED = 64 * STAR_TILE


@dataclass(frozen=True, repr=False)
class HeldOut:
    """
    Reference stars out of fold, in the order of their set.

    Attributes
    ----------
    labels : HeldOutLabels
    residuals : Residuals
        See :func:`bayescannon.cannon.star_residuals.star_residuals`.
    damaged : xarray.Dataset, optional
        Labels of copies with fewer pixels (:func:`bayescannon.cannon.damage.damaged_copies`), as the labels; several
        may be of one star. None were made unless given.
    """

    labels: HeldOutLabels
    residuals: Residuals
    damaged: xr.Dataset | None = None

    def __repr__(self) -> str:
        return f"<HeldOut of {self.labels.stars()} in {self.labels.folds} folds, with residuals>"

    @property
    def estimates(self) -> xr.Dataset:
        """The labels with their errors and flags, see :func:`bayescannon.cannon.labelling.label_spectra`."""
        return self.labels.estimates


def deal_folds(reference: ReferenceSet, *, folds: int, seed: int) -> NDArray[np.int64]:
    """
    Deal stars into folds at random, all spectra of a star into the same one; return each spectrum's fold.

    Raises
    ------
    InputError
        `folds` is not between 2 and the number of stars.
    """
    folds, seed = whole_number(folds, "folds", least=2), whole_number(seed, "seed")
    n_stars = reference.n_stars
    if folds > n_stars:
        raise InputError(f"folds must be from 2 to the {n_stars} reference stars; got {folds}")
    dealt: NDArray[np.int64] = (np.random.default_rng(seed).permutation(n_stars) % folds)[reference.star_number]
    return dealt


def hold_out(
    reference: ReferenceSet,
    *,
    folds: int = N_FOLDS,
    options: TrainingOptions | TrainedModel | None = None,
    copies: bool = True,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | FoldWork | None = None,
    progress: Progress = None,
) -> HeldOut:
    """
    Label every spectrum of every reference star with a model trained on the stars of the other folds only.

    Parameters
    ----------
    reference : ReferenceSet
    folds : int
        Stars are dealt into this many folds at random, all spectra of a star into the same one.
    options : TrainingOptions, or TrainedModel, optional
        The paper's unless given. Of a model that was trained on all of the stars, the options and what held-out stars
        decided; its folds start from it, see :func:`bayescannon.cannon.fold_models.fold_models`.
    n_starts
        As in labelling.
    workers : int, FoldWork or None
        Threads, None takes every core; or who does the folds.
    copies : bool
        Whether copies of the stars with fewer pixels are labelled too, which the errors of damaged spectra need.
    seed : int
        Decides folds and starts.
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (folds done, folds).

    Returns
    -------
    held_out : HeldOut

    Raises
    ------
    ValueError
        `folds` is not between 2 and the number of stars.
    ReferenceSetError
        A fold leaves too few stars to train on.
    """
    fold = deal_folds(reference, folds=folds, seed=seed)
    models = _models(reference, fold, options, FoldWork.of(workers))
    return hold_out_of(
        models, reference, fold, copies=copies, n_starts=n_starts, seed=seed, workers=workers, progress=progress
    )


def hold_out_of(
    models: Iterable[TrainedModel | FoldToTrain],
    reference: ReferenceSet,
    fold: NDArray[np.int64],
    *,
    copies: bool = True,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | FoldWork | None = None,
    progress: Progress = None,
) -> HeldOut:
    """
    Label every spectrum of every reference star with a model that never saw the stars of its fold.

    Parameters
    ----------
    models : iterable of TrainedModel or FoldToTrain
        One of each fold, without its stars, in the order of the folds; or how it is trained.
    reference : ReferenceSet
    fold : int array of shape (N,)
        From 0 on.
    copies, n_starts, seed, workers, progress
        As in :func:`hold_out`.
    """
    folds = int(fold.max()) + 1
    work = FoldWork.of(workers)
    if isinstance(reference.spectra, MappedSpectra):
        # a scratch file is of this process alone
        work = replace(work, executor=None)
    n_copies = min(_MOST_COPIES, max(len(reference), _LEAST_COPIES)) if copies else 0
    damage = np.random.SeedSequence(seed).spawn(folds)
    options = _Options(n_starts, seed, -(-n_copies // folds))
    occupied = np.bincount(fold, minlength=folds) > 0
    tasks = ((k, (model, damage[k])) for k, model in enumerate(models) if occupied[k])
    found = []
    with reporting(progress, "hold out") as report:
        for result in work.map(_hold_out_one, tasks, reference, fold, options):
            found.append(result)
            report(int(fold[result.members[0]]) + 1, folds)
    back = np.argsort(np.concatenate([one.members for one in found]))
    joined = xr.concat([one.labels for one in found], dim="star", combine_attrs="drop_conflicts").isel(star=back)
    damaged = [one.damaged for one in found if one.damaged is not None]
    return HeldOut(
        HeldOutLabels(joined, folds, n_starts, seed, reference.star),
        Residuals.join([one.residuals for one in found]).select(back),
        xr.concat(damaged, dim="star", combine_attrs="drop_conflicts") if copies else None,
    )


@dataclass(frozen=True)
class _Options:
    """How the stars of a fold are labelled, and how many copies with fewer pixels there are of a fold."""

    n_starts: int
    seed: int
    n_copies: int


def _hold_out_one(
    task: tuple[int, tuple[TrainedModel | FoldToTrain, np.random.SeedSequence]],
    threads: int | None,
    reference: ReferenceSet,
    fold: NDArray[np.int64],
    options: _Options,
) -> FoldResult:
    """Label the spectra of one fold, and copies of some of them, with the model that never saw them."""
    k, (given, damage) = task
    model = given.trained(reference, fold != k, threads) if isinstance(given, FoldToTrain) else given
    search: dict[str, Any] = {"n_starts": options.n_starts, "seed": options.seed, "workers": threads}
    members = np.flatnonzero(fold == k)
    parts, residuals, damaged = [], [], []
    for some in (members[first : first + _LABELLED] for first in range(0, len(members), _LABELLED)):
        likelihood = StarLikelihood.of(model, reference.spectra.select(some), workers=threads)
        parts.append(_labelled(likelihood, search))
        scaled = model.scaler.to_scaled(parts[-1]["labels"].to_numpy())
        residuals.append(star_residuals(likelihood, scaled, workers=threads))
    for some, sequence in _copied(members, options.n_copies, damage):
        fewer = damaged_copies(reference.spectra.select(some), seed=sequence)
        damaged.append(_labelled(StarLikelihood.of(model, fewer, workers=threads), search))
    return FoldResult(_joined(parts), Residuals.join(residuals), members, _joined(damaged) if damaged else None)


def _joined(parts: list[xr.Dataset]) -> xr.Dataset:
    return parts[0] if len(parts) == 1 else xr.concat(parts, dim="star", combine_attrs="drop_conflicts")


def _models(
    reference: ReferenceSet,
    fold: NDArray[np.int64],
    options: TrainingOptions | TrainedModel | None,
    work: FoldWork,
) -> Iterator[TrainedModel | FoldToTrain]:
    if isinstance(options, TrainedModel) and is_held(options, reference):
        yield from fold_models(options, reference, fold, workers=work.threads)
    else:
        yield from [FoldToTrain(options)] * (int(fold.max()) + 1)


def _labelled(likelihood: StarLikelihood, options: dict[str, Any]) -> xr.Dataset:
    """Label stars; what is odd in the noise of a damaged copy is no fault of the survey's, so nothing is warned of."""
    return estimate_labels(likelihood, search_optima(likelihood, **options), workers=options["workers"])


def _copied(
    members: NDArray[np.int64], count: int, seed: np.random.SeedSequence
) -> Iterator[tuple[NDArray[np.int64], np.random.SeedSequence]]:
    """Yield the members to copy, without repeats in one part, and the seed of the part's damage."""
    order = np.random.default_rng(seed).permutation(members)
    for left in range(count, 0, -len(members)):
        yield order[:left], seed.spawn(1)[0]
