"""Stars of a store labelled by workers, block by block, and what they write: parts of a catalogue."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from astropy.table import Column, Table

from bayescannon.app.block_labels import BlockLabeller, poor_rows
from bayescannon.app.run_facts import count_posteriors, count_stars
from bayescannon.cannon.populations.selection import SelectionLimit
from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import KNOWN_LABELS, Label, labels_from_names, register_label
from bayescannon.io.catalogue_columns import estimate_columns, posterior_columns
from bayescannon.io.catalogue_join import KEPT, ROW
from bayescannon.io.catalogue_part import ENDING, write_part
from bayescannon.io.store_rows import read_rows
from bayescannon.io.work_folder import Parts

# stars that NUTS samples in one task: they are the same whatever the blocks and the workers
NUTS_GROUP = 16


@dataclass(frozen=True)
class StoreBlock:
    """
    Consecutive stars of a store: one task.

    Attributes
    ----------
    start, stop : int
        Their places.
    pipeline_labels : LabelTable, optional
        Survey B's own labels of them.
    """

    start: int
    stop: int
    pipeline_labels: LabelTable | None = None

    @property
    def key(self) -> str:
        """Name of its part."""
        return f"stars-{self.start:010d}"


@dataclass(frozen=True)
class NutsGroup:
    """
    Stars whose posteriors NUTS samples: one task.

    Attributes
    ----------
    number : int
    rows : tuple of int
        Their places in the store, ascending.
    """

    number: int
    rows: tuple[int, ...]

    @property
    def key(self) -> str:
        """Name of its part."""
        return f"nuts-{self.number:08d}"


@dataclass(frozen=True)
class StoreTask:
    """
    What all blocks of a store have in common; workers get it once.

    Attributes
    ----------
    store : str or Path
    identity : str
        Of the store, see :func:`bayescannon.io.store.store_id`: a store that changes meanwhile is an error.
    labeller : BlockLabeller
    labels : tuple of Label
        Of the model, which a worker may not know.
    parts : Parts, optional
        Where the parts are written.
    limit : SelectionLimit, optional
        On the membership of the stars that the catalogue keeps.
    """

    store: str | Path
    identity: str
    labeller: BlockLabeller
    labels: tuple[Label, ...]
    parts: Parts | None = None
    limit: SelectionLimit | None = None

    def for_workers(self) -> "StoreTask":
        """Return the task for processes that have one core each."""
        return replace(self, labeller=self.labeller.in_one_thread())


def blocks_of(n_stars: int, block: int) -> Iterator[StoreBlock]:
    """Yield the blocks of a store; one without stars if it has none."""
    for start in range(0, max(n_stars, 1), block):
        yield StoreBlock(start, min(start + block, n_stars))


def nuts_groups(rows: Sequence[int]) -> list[NutsGroup]:
    """Return the groups of the stars at these places, ascending, that NUTS samples."""
    return [
        NutsGroup(number, tuple(rows[start : start + NUTS_GROUP]))
        for number, start in enumerate(range(0, len(rows), NUTS_GROUP))
    ]


def label_block(block: StoreBlock, task: StoreTask) -> xr.Dataset:
    """Return the estimates of a block's stars."""
    know_labels(task.labels)
    spectra = read_rows(task.store, slice(block.start, block.stop), of_store=task.identity)
    return task.labeller(spectra, block.pipeline_labels)


def sample_group(group: NutsGroup, task: StoreTask) -> xr.Dataset:
    """Return the posteriors of a group's stars by NUTS."""
    know_labels(task.labels)
    return task.labeller.sample_by_nuts(read_rows(task.store, np.array(group.rows), of_store=task.identity))


def write_block(block: StoreBlock, task: StoreTask) -> None:
    """Label the stars of a block and write their rows, with what the end of the run needs in the note."""
    assert task.parts is not None
    estimates = label_block(block, task)
    labels = labels_from_names([str(name) for name in estimates["stellar_label"].to_numpy()])
    table = Table(list(estimate_columns(estimates, labels)))
    kept = None
    if task.limit is not None:
        kept = task.limit.select(estimates)
        table.add_column(_bare(KEPT, kept))
    counts = count_stars(estimates, kept)
    note: dict[str, Any] = {"counts": dict(counts), "poor": [block.start + row for row in poor_rows(estimates)]}
    if block.start == 0:
        note["attributes"] = {str(name): _plain(value) for name, value in estimates.attrs.items()}
        note["variables"] = sorted(map(str, estimates.variables))
    with task.parts.writing(block.key, ENDING, note) as path:
        note |= write_part(table, path)


def write_group(group: NutsGroup, task: StoreTask) -> None:
    """Sample the stars of a group by NUTS, and write the columns that replace those of importance sampling."""
    assert task.parts is not None
    posterior = sample_group(group, task)
    labels = labels_from_names([str(name) for name in posterior["stellar_label"].to_numpy()])
    table = Table([_bare(ROW, np.array(group.rows, dtype=np.int64)), *posterior_columns(posterior, labels)])
    note: dict[str, Any] = {"counts": dict(count_posteriors(posterior))}
    with task.parts.writing(group.key, ENDING, note) as path:
        note |= write_part(table, path)


def _bare(name: str, values: Any) -> Column:
    """Make a column that the catalogue does not have."""
    return Column(values, name, description="", meta={})


def know_labels(labels: Sequence[Label]) -> None:
    """Register labels of the user's own, which only the process that defined them knows."""
    for label in labels:
        if label.name not in KNOWN_LABELS:
            register_label(label)


def _plain(value: Any) -> Any:
    """Return an attribute as JSON holds it."""
    return value.item() if isinstance(value, np.generic) else value
