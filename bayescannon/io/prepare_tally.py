"""What a preparation counts besides the stars: refused files, notes, and the noise of a sample."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.noise_check import NoiseFinding, StarNoise, UnkeptNoise
from bayescannon.io.prepare_report import Refusals

# stars whose noise is kept, at most twice as many; of more stars every second, fourth ... is kept
NOISE_STARS = 8192


@dataclass
class PrepareTally:
    """
    What tasks of a preparation add to its report.

    Attributes
    ----------
    refused : list of (file, reason)
    notes : counter of text
    releases : set of str
        Data releases of the stars.
    n_done, n_air : int
        Files that were read; stars whose wavelengths were in air.
    noise : list of StarNoise
    """

    refused: Refusals = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    releases: set[str] = field(default_factory=set)
    n_done: int = 0
    n_air: int = 0
    noise: list[StarNoise] = field(default_factory=list)

    def add(self, other: "PrepareTally") -> None:
        """Add what other tasks counted."""
        self.refused += other.refused
        self.notes.update(other.notes)
        self.releases |= other.releases
        self.n_done += other.n_done
        self.n_air += other.n_air
        self.noise += other.noise

    def as_note(self) -> dict[str, Any]:
        """Return all but the noise, as JSON can hold it."""
        return {
            "refused": [list(row) for row in self.refused],
            "notes": dict(self.notes),
            "releases": sorted(self.releases),
            "n_done": self.n_done,
            "n_air": self.n_air,
        }

    def noise_rows(self) -> NDArray[np.float64]:
        """Return the noise as numbers, shape (star, 12)."""
        rows = [
            [one.signal, *(bound for pair in one.bounds for bound in pair), one.not_finite, one.negative, one.spikes]
            for one in self.noise
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, 12)

    @classmethod
    def from_note(cls, note: dict[str, Any], noise: NDArray[np.float64]) -> "PrepareTally":
        """Return what :meth:`as_note` and :meth:`noise_rows` were made of."""
        stars = [
            StarNoise(row[0], tuple(zip(row[1:9:2], row[2:9:2], strict=True)), *map(int, row[9:]))
            for row in noise.tolist()
        ]
        return cls(
            [(file, reason) for file, reason in note["refused"]], Counter(note["notes"]), set(note["releases"]),
            note["n_done"], note["n_air"], stars,
        )  # fmt: skip


class NoiseSample:
    """The noise of stars spread evenly over a run of any length, and the sums over the others."""

    def __init__(self) -> None:
        self._kept: list[StarNoise] = []
        self._left = UnkeptNoise()
        self._step = 1
        self._n = 0

    def add(self, stars: Sequence[StarNoise]) -> None:
        """Add stars in the order of the run; how they are divided into calls does not matter."""
        for star in stars:
            if self._n % self._step == 0:
                self._kept.append(star)
            else:
                self._left = self._left.plus(star)
            self._n += 1
            if len(self._kept) == 2 * NOISE_STARS:
                for one in self._kept[1::2]:
                    self._left = self._left.plus(one)
                self._kept = self._kept[::2]
                self._step *= 2

    def finding(self) -> NoiseFinding:
        """Return what the noise says."""
        return NoiseFinding(tuple(self._kept), unkept=self._left)
