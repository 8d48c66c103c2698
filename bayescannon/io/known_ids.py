"""Which ids a run has met, in 16 bytes for each: a digest of the id and the row of the star."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

_Marks = NDArray[np.uint64]


class KnownIds:
    """
    Find ids that occur again, whatever their number.

    Sorted arrays of digests are kept and merged, a smaller one into one of its size. Where a digest occurs again, the
    id itself is looked up, so that different ids with the same digest are told apart.

    Parameters
    ----------
    look_up : callable
        Returns the id of a row.

    Examples
    --------
    >>> names = ["a", "b", "c"]
    >>> known = KnownIds(names.__getitem__)
    >>> known.add(["a", "b"], 0), known.earlier(["c", "b"])
    (None, {1: 1})
    """

    def __init__(self, look_up: Callable[[int], str]) -> None:
        self._look_up = look_up
        self._levels: list[tuple[_Marks, NDArray[np.int64]]] = []

    @property
    def n_bytes(self) -> int:
        """Bytes that are kept."""
        return sum(marks.nbytes + rows.nbytes for marks, rows in self._levels)

    def earlier(self, ids: Sequence[str]) -> dict[int, int]:
        """Return the places in `ids` of those that are known, and their rows."""
        marks = _marks(ids)
        found: dict[int, int] = {}
        for level, rows in self._levels:
            at = np.searchsorted(level, marks)
            for i in np.flatnonzero(level[np.minimum(at, len(level) - 1)] == marks).tolist():
                place = int(at[i])
                # several ids may have the same digest
                while place < len(level) and level[place] == marks[i]:
                    row = int(rows[place])
                    if self._look_up(row) == ids[i]:
                        found[i] = row
                    place += 1
        return found

    def add(self, ids: Sequence[str], first_row: int) -> None:
        """Add ids of rows that follow each other from `first_row`."""
        if not len(ids):
            return
        marks = _marks(ids)
        order = np.argsort(marks)
        new = marks[order], (first_row + order).astype(np.int64)
        while self._levels and len(self._levels[-1][0]) <= 2 * len(new[0]):
            new = _merged(self._levels.pop(), new)
        self._levels.append(new)


def _merged(
    one: tuple[_Marks, NDArray[np.int64]], two: tuple[_Marks, NDArray[np.int64]]
) -> tuple[_Marks, NDArray[np.int64]]:
    marks = np.concatenate([one[0], two[0]])
    order = np.argsort(marks, kind="stable")
    return marks[order], np.concatenate([one[1], two[1]])[order]


def _marks(ids: Sequence[str]) -> _Marks:
    """Return digests of 8 bytes."""
    digests = [hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in ids]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
