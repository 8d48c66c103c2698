"""Errors of stars' labels evaluated by workers, block by block, and what they write: parts of a budget."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.populations.either_model import label_spectra
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.labels import KNOWN_LABELS, Label, register_label
from bayescannon.data.spectra import Spectra
from bayescannon.io.store_rows import read_rows
from bayescannon.io.work_folder import Parts
from bayescannon.numerics.errors import BayesCannonWarning
from bayescannon.uncertainty.bootstrap import Replicate, train_replicate
from bayescannon.uncertainty.budget import BudgetEvaluator
from bayescannon.uncertainty.kinds import fitted_labels

ENDING = ".nc"
# of a block: the labels of stars whose other spectra are compared with them
REPEAT_LABELS = "repeat_labels"


@dataclass(frozen=True, eq=False)
class BudgetBlock:
    """
    Some stars of a store: one task.

    Attributes
    ----------
    number : int
    rows : int array
        Their places, in the order of the budget.
    only_labels : bool
        Their labels alone are wanted: they are further spectra of stars of the budget.
    """

    number: int
    rows: NDArray[np.intp]
    only_labels: bool = False

    @property
    def key(self) -> str:
        """Name of its part."""
        return f"{'others' if self.only_labels else 'stars'}-{self.number:08d}"


@dataclass(frozen=True)
class ReplicateTask:
    """
    One model of the bootstrap: one task.

    Attributes
    ----------
    name : str
        Of the population's model; "model" if there is one.
    replicate : Replicate
    """

    name: str
    replicate: Replicate

    @property
    def key(self) -> str:
        """Name of its part."""
        return f"bootstrap-{self.name.lower()}-{self.replicate.number:04d}"


@dataclass(frozen=True)
class BudgetTask:
    """
    What all blocks have in common; workers get it once.

    Attributes
    ----------
    store : str or Path
    identity : str
        Of the store.
    evaluator : BudgetEvaluator
        Of all kinds but repeats, which compare stars of different blocks.
    labels : tuple of Label
        Of the model, which a worker may not know.
    workers : int or None
        Threads.
    repeats : bool
        Labels are kept for repeats.
    parts : Parts
    """

    store: str | Path
    identity: str
    evaluator: BudgetEvaluator
    labels: tuple[Label, ...]
    workers: int | None
    repeats: bool
    parts: Parts


def write_budget_block(block: BudgetBlock, task: BudgetTask) -> None:
    """Evaluate the errors of a block's stars, and write them."""
    for label in task.labels:
        if label.name not in KNOWN_LABELS:
            register_label(label)
    spectra = _spectra_of(block, task)
    with warnings.catch_warnings():
        if block.number or block.only_labels:
            # what is wrong with the spectra of a run is said once
            warnings.simplefilter("ignore", BayesCannonWarning)
        if block.only_labels:
            estimates = label_spectra(
                task.evaluator.model, spectra, seed=task.evaluator.choices.seed, workers=task.workers
            )
            found = xr.Dataset(coords={"star": spectra.id})
        elif task.evaluator.kinds:
            found, estimates = task.evaluator.evaluate(spectra, workers=task.workers)
        else:  # repeats alone
            evaluator = replace(task.evaluator, kinds=("formal",))
            found, estimates = evaluator.evaluate(spectra, workers=task.workers)
            found = found.isel(kind=slice(0, 0))
    if task.repeats:
        found[REPEAT_LABELS] = ("star", "stellar_label"), fitted_labels(estimates)
    note: dict[str, Any] = {"stars": len(spectra)}
    with task.parts.writing(block.key, ENDING, note) as path:
        path.write_bytes(bytes(found.to_netcdf(engine="h5netcdf")))


def _spectra_of(block: BudgetBlock, task: BudgetTask) -> Spectra:
    """Load the spectra of a block in the order of the budget."""
    order, inverse = np.unique(block.rows, return_inverse=True)
    return read_rows(task.store, order, of_store=task.identity).select(inverse)


def read_block(path: Path) -> xr.Dataset:
    """Read the part of a block."""
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        return opened.load()


def write_replicate(
    task: ReplicateTask, references: dict[str, ReferenceSet], parts: Parts, workers: int | None
) -> None:
    """Train the model of one bootstrap, and write it."""
    trained = train_replicate(task.replicate, references[task.name], workers)
    # what held-out stars said is of the model itself
    bare = {"held_out": None, "calibration": None, "calibration_note": "", "coverage": None, "odd": None}
    model = replace(trained, **bare)  # type: ignore[arg-type]
    with parts.writing(task.key, ENDING) as path:
        model.save(path)


def read_replicate(task: ReplicateTask, parts: Parts) -> TrainedModel:
    """Read the model of one bootstrap."""
    return TrainedModel.load(parts.path(task.key, ENDING))
