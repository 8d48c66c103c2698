"""
The record of a preparation in its work folder, from which the same command goes on after it was ended or killed.

When a shard is full and on the disk, a part is written for it: the columns of its stars and the files they came from;
what the tasks before counted; and with which task to go on, and how many of its stars are in shards already.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.io.checksum import bytes_crc32c
from bayescannon.io.outputs import remove, saying_why, sync_file, sync_folder
from bayescannon.io.prepare_tally import PrepareTally
from bayescannon.io.store_builder import Shard
from bayescannon.io.store_chunks import INDEX_BYTES, read_index
from bayescannon.io.store_writer import write_file
from bayescannon.io.work_folder import Parts
from bayescannon.numerics.errors import BayesCannonError

_ENDING = ".npz"
_COLUMN = "column:"
_RESULT = "result"


@dataclass(frozen=True)
class Entry:
    """
    What was recorded with a shard.

    Attributes
    ----------
    shard : Shard
    places : array of str, shape (star,)
        The file of each star.
    tally : PrepareTally
        What the tasks counted that ended since the entry before.
    next_task, skip : int
        The task to go on with, and how many of its stars are in this shard or those before.
    """

    shard: Shard
    places: NDArray[np.str_]
    tally: PrepareTally
    next_task: int
    skip: int


class PrepareJournal:
    """
    The entries of a preparation, and the unfinished store.

    Parameters
    ----------
    parts : Parts
        Of the work folder.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        # a name without dot in front: those are removed by the next run
        self.store = parts.folder / "store.zarr"
        self._last: tuple[int, NDArray[np.str_], NDArray[np.str_]] | None = None

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the store."""
        write_file(self.store, name, data)

    def record(self, entry: Entry) -> None:
        """Record a shard, whose files were written."""
        with saying_why(self.store):
            for name in entry.shard.files:
                path = self.store / f"{name}/c.{entry.shard.number}.0"
                sync_file(path)
                sync_folder(path.parent)
        note = {
            "files": {name: [size, list(checksums)] for name, (size, checksums) in entry.shard.files.items()},
            "tally": entry.tally.as_note(),
            "next_task": entry.next_task,
            "skip": entry.skip,
        }
        arrays: dict[str, Any] = {f"{_COLUMN}{name}": values for name, values in entry.shard.columns.items()}
        with self._parts.writing(_key(entry.shard.number), _ENDING, note) as path, path.open("wb") as file:
            np.savez(file, places=entry.places, noise=entry.tally.noise_rows(), **arrays)

    def entries(self, number: int = 0) -> Iterator[Entry]:
        """Yield the entries of an earlier run, of shard `number` and up, to the first that is missing or not whole."""
        while (note := self._parts.done(_key(number))) is not None:
            entry = self._read(number, note)
            if entry is None:
                return
            yield entry
            number += 1

    def record_result(self, written: str, n_star: int, tally: PrepareTally) -> None:
        """Record that the store with the id `written` is finished, before it is put in place."""
        note = {"store_id": written, "n_star": n_star, "tally": tally.as_note()}
        with self._parts.writing(_RESULT, ".txt", note) as path:
            path.write_text(written, encoding="utf-8")

    def result(self) -> tuple[str, int, PrepareTally] | None:
        """Return id and number of stars of the store that was finished, and what was counted; None if it was not."""
        note = self._parts.done(_RESULT)
        if note is None:
            return None
        tally = PrepareTally.from_note(note["tally"], np.empty((0, 12)))
        return note["store_id"], int(note["n_star"]), tally

    def star(self, row: int, per_shard: int) -> tuple[str, str]:
        """Return id and file of a star in a shard that was recorded."""
        number = row // per_shard
        if self._last is None or self._last[0] != number:
            with np.load(self._parts.path(_key(number), _ENDING), allow_pickle=False) as arrays:
                self._last = number, arrays[f"{_COLUMN}star"], arrays["places"]
        _, ids, places = self._last
        return str(ids[row % per_shard]), str(places[row % per_shard])

    def has_entries(self) -> bool:
        """Tell whether a shard, or the result, is recorded."""
        return any(self._parts.folder.glob("*.note"))

    def start_anew(self) -> None:
        """Forget all entries: they do not go with the files."""
        for path in self._parts.folder.glob(f"shard-*{_ENDING}"):
            self._parts.drop(path.name.removesuffix(_ENDING), _ENDING)
        remove(self.store)

    def _read(self, number: int, note: dict[str, Any]) -> Entry | None:
        try:
            with np.load(self._parts.path(_key(number), _ENDING), allow_pickle=False) as arrays:
                columns = {
                    name.removeprefix(_COLUMN): arrays[name] for name in arrays.files if name.startswith(_COLUMN)
                }
                places, noise = arrays["places"], arrays["noise"]
            files = {name: (int(size), tuple(checksums)) for name, (size, checksums) in note["files"].items()}
            if not all(_is_whole(self.store / f"{name}/c.{number}.0", *one) for name, one in files.items()):
                return None
            tally = PrepareTally.from_note(note["tally"], noise)
            return Entry(Shard(number, files, columns), places, tally, int(note["next_task"]), int(note["skip"]))
        except (OSError, KeyError, TypeError, ValueError):
            return None


def _key(number: int) -> str:
    return f"shard-{number:07d}"


def _is_whole(path: Path, size: int, checksums: Sequence[int]) -> bool:
    """Tell whether a shard is the one that was written."""
    try:
        data = path.read_bytes()
        if len(data) != size:
            return False
        index = read_index(data[-INDEX_BYTES:], len(checksums), size)
        found = [bytes_crc32c(data[start : start + length - 4]) for start, length in index]
    except (OSError, BayesCannonError):
        return False
    return found == list(checksums)


def digest_of(*values: Any) -> str:
    """Return a digest of texts, numbers and arrays, for the fingerprint of a run."""
    found = hashlib.sha256()
    for value in values:
        found.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode("utf-8", "surrogatepass"))
    return found.hexdigest()
