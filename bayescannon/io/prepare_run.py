"""A preparation as it goes: stars into shards, ids that occur again refused, and a record of every shard."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.io.known_ids import KnownIds
from bayescannon.io.outputs import saying_why
from bayescannon.io.prepare_chunk import Chunk
from bayescannon.io.prepare_journal import Entry, PrepareJournal
from bayescannon.io.prepare_report import PrepareError
from bayescannon.io.prepare_tally import NoiseSample, PrepareTally
from bayescannon.io.prepare_target import PrepareTarget
from bayescannon.io.store import store_id
from bayescannon.io.store_append import OldStore
from bayescannon.io.store_builder import Shard, StoreBuilder
from bayescannon.io.store_layout import STAR, STAR_SHARD
from bayescannon.io.work_folder import Parts


class PrepareRun:
    """
    Gather the prepared chunks of a run into the unfinished store of its work folder.

    Parameters
    ----------
    parts : Parts
        Of the work folder.
    wavelength : float64 array of shape (pixel,)
    start : PrepareTally
        What is counted before the first task.
    shown : str
        The store, for messages.
    old : OldStore, optional
        The store that stars are added to.

    Attributes
    ----------
    tally : PrepareTally
        Of all tasks; its noise is not kept.
    noise : NoiseSample
    next_task : int
        The first task that is not done.
    """

    def __init__(
        self,
        parts: Parts,
        wavelength: NDArray[np.float64],
        start: PrepareTally,
        shown: str,
        old: OldStore | None = None,
    ) -> None:
        self.journal = PrepareJournal(parts)
        self._old = old
        self._n_old = 0 if old is None else old.n_star
        self.builder = StoreBuilder(self.journal.write, wavelength, shown)
        self.tally = PrepareTally()
        self.tally.add(start)
        self.noise = NoiseSample()
        self.next_task = 0
        # of a store that was put in place before
        self.n_finished = 0
        self._known = KnownIds(lambda row: self._star(row)[0])
        # of stars that are in no recorded shard
        self._ids: list[str] = []
        self._places: list[str] = []
        self._n_recorded = 0
        # what the tasks since the last entry counted
        self._since = PrepareTally()
        # ids of stars of the next task that are in shards already
        self._skipped: list[str] = []

    def __enter__(self) -> "PrepareRun":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not self.journal.has_entries():
            # links to the shards of an older store are no work that is kept
            self.journal.start_anew()

    @property
    def n_star(self) -> int:
        """Number of stars."""
        return self.builder.n_star or self.n_finished

    @property
    def n_new(self) -> int:
        """Number of stars that are not of the store to which they are added."""
        return self.n_star - self._n_old

    def left(self, n_files: int) -> int:
        """Return how many of the files may still become stars."""
        return max(n_files - self.n_new, 0)

    def go_on(self) -> None:
        """Take up what an earlier run of the same command left."""
        ids: list[str] = []
        skip = 0
        n_full = self._take_old()
        for entry in self.journal.entries(n_full):
            self.builder.adopt(entry.shard)
            self._count(entry.tally)
            self.next_task, skip = entry.next_task, entry.skip
            ids += entry.shard.columns[STAR].tolist()
            # the stars of tasks that are done are known; those of the next task are met again
            n_known = max(len(ids) - skip, 0)
            self._known.add(ids[:n_known], self.n_star - len(ids))
            ids = ids[n_known:]
        self._n_recorded = self.n_star
        self._skipped = ids
        if self._old is not None and self.n_star < self._n_old:
            # no shard with the last old stars is finished
            rest = self._old.reader.spectra(slice(n_full * STAR_SHARD, None))
            self.builder.append(rest)
            self._ids, self._places = rest.id.tolist(), [""] * len(rest)

    def _take_old(self) -> int:
        """Take the full shards and the ids of the store that stars are added to; return how many shards."""
        if self._old is None:
            return 0
        with saying_why(self.journal.store):
            for number in range(self._old.n_full):
                self.builder.adopt(self._old.link(number, self.journal.store))
        for start in range(0, self._n_old, STAR_SHARD):
            names = self._old.reader.values(STAR, slice(start, start + STAR_SHARD)).tolist()
            self._known.add(names, start)
        return self._old.n_full

    def add(self, chunk: Chunk) -> None:
        """Add the stars of the next task."""
        names = chunk.spectra.id.tolist()
        refused = list(chunk.refused)
        fresh = np.ones(len(names), dtype=bool)
        for i, row in sorted(self._known.earlier(names).items()):
            fresh[i] = False
            name, place = self._star(row)
            where = f"was read from {place}" if row >= self._n_old else "is in the store already"
            refused.append((chunk.places[i], f"duplicate id: {name} {where}"))
        ids = [name for name, is_fresh in zip(names, fresh.tolist(), strict=True) if is_fresh]
        places = [place for place, is_fresh in zip(chunk.places, fresh.tolist(), strict=True) if is_fresh]
        skip = len(self._skipped)
        first_row = self.n_star - skip
        if ids[:skip] != self._skipped:
            self.journal.start_anew()
            raise PrepareError(
                "the files hold other stars than before the command was interrupted, although their names, sizes and "
                "times are the same; what was finished is removed. Give the command again"
            )
        self._skipped = []
        self._ids += ids[skip:]
        self._places += places[skip:]
        spectra = chunk.spectra.select(np.flatnonzero(fresh)[skip:])
        with saying_why(self.journal.store):
            shards = self.builder.append(spectra)
        for shard in shards:
            self._record(shard, first_row)
        self._known.add(ids, first_row)
        releases = set(chunk.spectra.columns["release"].tolist()) - {""}
        done = PrepareTally(refused, Counter(chunk.notes), releases, chunk.n_done, chunk.n_air, chunk.noise)
        self._count(done)
        self._since.add(done)
        self.next_task += 1

    def finish(self, attrs: Mapping[str, Any], refused: Sequence[tuple[str, str]]) -> None:
        """Write what is left of the store."""
        if self._old is not None:
            attrs = self._old.attributes(attrs)
            refused = sorted([*self._old.refused(), *refused])
            self._old.require_same()
        with saying_why(self.journal.store):
            self.builder.finish(attrs, refused)

    def put(self, target: PrepareTarget) -> None:
        """Put the finished store in its place, and record that, for a run that is killed before it can say so."""
        self.journal.record_result(store_id(self.journal.store), self.n_star, self.tally)
        target.put(self.journal.store)

    def finished(self, written: str | None) -> PrepareTally | None:
        """Return what the same command counted, if the store it put in place is the one that is there; else None."""
        recorded = self.journal.result()
        if recorded is None or written != recorded[0]:
            return None
        _, self.n_finished, self.tally = recorded
        return self.tally

    def _count(self, tally: PrepareTally) -> None:
        self.noise.add(tally.noise)
        self.tally.add(tally)
        self.tally.noise = []

    def _record(self, shard: Shard, first_row: int) -> None:
        """Record a shard that ends with stars of the task that is being added."""
        n = len(shard)
        stop = self._n_recorded + n
        places = np.array(self._places[:n], dtype=np.str_)
        self.journal.record(Entry(shard, places, self._since, self.next_task, stop - first_row))
        self._since = PrepareTally()
        self._n_recorded = stop
        self._ids, self._places = self._ids[n:], self._places[n:]

    def _star(self, row: int) -> tuple[str, str]:
        """Return id and file of a star."""
        if self._old is not None and row < self._n_old:
            return str(self._old.reader.values(STAR, slice(row, row + 1))[0]), ""
        if row >= self._n_recorded:
            return self._ids[row - self._n_recorded], self._places[row - self._n_recorded]
        return self.journal.star(row, STAR_SHARD)
