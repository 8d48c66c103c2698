"""One run over the stars of a store: its tasks, which of them are done already, and what they add up to."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from bayescannon.app.block_labels import poor_rows
from bayescannon.app.label_parts import (
    NutsGroup,
    StoreBlock,
    StoreTask,
    blocks_of,
    label_block,
    nuts_groups,
    sample_group,
    write_block,
    write_group,
)
from bayescannon.app.pipeline_rows import PipelineRows
from bayescannon.app.run_facts import CONVERGED, RunFacts, added
from bayescannon.data.flags import FitStatus, PosteriorStatus
from bayescannon.io.catalogue_join import JoinedParts
from bayescannon.io.catalogue_part import ENDING
from bayescannon.io.work_folder import Parts
from bayescannon.numerics.executors import Executor, SerialExecutor
from bayescannon.numerics.progress import Report


@dataclass(frozen=True)
class LabelRun:
    """
    A run over the stars of a store.

    Attributes
    ----------
    task : StoreTask
    n_stars : int
        In the store.
    block : int
        Stars of a task.
    executor : Executor
    report : callable
        Is told of (stars done, stars).
    pipeline : PipelineRows, optional
        Survey B's own labels.
    """

    task: StoreTask
    n_stars: int
    block: int
    executor: Executor
    report: Report
    pipeline: PipelineRows | None = None

    def blocks(self) -> Iterator[StoreBlock]:
        """Yield the blocks, with the pipeline's labels of their stars."""
        for block in blocks_of(self.n_stars, self.block):
            yield block if self.pipeline is None else self.pipeline.added_to(block)

    def _map(self, function: Callable[[Any, StoreTask], Any], items: Any) -> Iterator[Any]:
        """Do tasks with the executor; in other processes each has one thread."""
        task = self.task if isinstance(self.executor, SerialExecutor) else self.task.for_workers()
        return self.executor.map(function, items, task)

    def in_memory(self) -> xr.Dataset:
        """Return the estimates of all stars."""
        parts: list[xr.Dataset] = []
        done = 0
        for part in self._map(label_block, self.blocks()):
            parts.append(part)
            done += part.sizes["star"]
            self.report(done, self.n_stars)
        # the attributes are the same in all blocks
        whole = xr.concat(parts, dim="star", combine_attrs="override", data_vars="minimal")
        groups = nuts_groups(poor_rows(whole))
        for group, again in zip(groups, self._map(sample_group, groups), strict=True):
            for name in again.data_vars:
                whole[name][{"star": list(group.rows)}] = again[name]
        return whole

    def in_parts(self, parts: Parts) -> "FinishedParts":
        """Write the parts that are missing or damaged, and return all."""
        # a part may be damaged on the disk between its writing and its reading
        for _ in range(2):
            todo = [block for block in blocks_of(self.n_stars, self.block) if parts.done(block.key) is None]
            done = self.n_stars - sum(block.stop - block.start for block in todo)
            self.report(done, self.n_stars)
            items = todo if self.pipeline is None else map(self.pipeline.added_to, todo)
            for block, _none in zip(todo, self._map(write_block, items), strict=True):
                done += block.stop - block.start
                self.report(done, self.n_stars)
            keys = [block.key for block in blocks_of(self.n_stars, self.block)]
            notes = _notes(parts, keys)
            if notes is not None:
                break
        else:
            raise OSError("finished parts are damaged as soon as they are written; check the disk")
        groups = nuts_groups([row for note in notes for row in note["poor"]])
        for _group in self._map(write_group, [group for group in groups if parts.done(group.key) is None]):
            pass
        improved = _notes(parts, [group.key for group in groups])
        if improved is None:
            raise OSError("finished parts are damaged as soon as they are written; check the disk")
        return FinishedParts(parts, keys, notes, groups, improved)


def _notes(parts: Parts, keys: Sequence[str]) -> list[dict[str, Any]] | None:
    """Return the notes of parts; None if one of them is not whole."""
    found = [parts.done(key) for key in keys]
    whole = [note for note in found if note is not None]
    return whole if len(whole) == len(found) else None


@dataclass(frozen=True)
class FinishedParts:
    """
    All parts of a run.

    Attributes
    ----------
    parts : Parts
    keys : list of str
        Of the blocks, in order.
    notes : list of dict
        Of them.
    groups : list of NutsGroup
        Stars that NUTS sampled.
    improved : list of dict
        Notes of their parts.
    """

    parts: Parts
    keys: list[str]
    notes: list[dict[str, Any]]
    groups: list[NutsGroup]
    improved: list[dict[str, Any]]

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Of the label estimates."""
        found: Mapping[str, Any] = self.notes[0]["attributes"]
        return found

    @cached_property
    def joined(self) -> JoinedParts:
        """The parts as one catalogue."""
        return JoinedParts(
            [self.parts.path(key, ENDING) for key in self.keys], self.notes,
            [self.parts.path(group.key, ENDING) for group in self.groups],
        )  # fmt: skip

    def facts(self) -> RunFacts:
        """Count the stars, and find their medians."""
        counts = added(note["counts"] for note in self.notes)
        unreliable = f"posterior {PosteriorStatus.UNRELIABLE.name}"
        counts = counts + added(note["counts"] for note in self.improved)
        counts[unreliable] -= sum(len(group.rows) for group in self.groups)
        chi2, pixels = (self._median(name, counts) for name in ("rchi2", "live_pixels"))
        return RunFacts(Counter(counts), self.attributes, frozenset(self.notes[0]["variables"]), chi2, pixels)

    def _median(self, name: str, counts: Mapping[str, int]) -> float:
        """Return the median of a column over the stars with labels."""
        if not counts[CONVERGED]:
            return np.nan
        status, values = (self.joined.all_values(one) for one in ("status", name))
        return float(np.median(values[status == FitStatus.CONVERGED]))
