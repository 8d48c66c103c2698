"""The result of a preparation of files."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bayescannon.data.noise_check import NoiseFinding
from bayescannon.data.preset import Preset
from bayescannon.io.outputs import replacing
from bayescannon.numerics.errors import InputError

Refusals = list[tuple[str, str]]


class PrepareError(InputError):
    """
    No spectrum could be prepared.

    Attributes
    ----------
    refused : list of (file, reason)
        Every file and the reason why it was refused.
    """

    def __init__(self, message: str, refused: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.refused = list(refused)


@dataclass(frozen=True, repr=False)
class PrepareReport:
    """
    The result of a preparation.

    Attributes
    ----------
    store : Path
        The store that was written.
    n_files, n_stars : int
        Number of files, and of stars in the store.
    refused : tuple of (file, reason)
        In the order of the files; a reason reads ``kind: detail``. A star of a file of many is ``file[row]``.
    preset : Preset
        The choices of the preparation.
    reader : str
        The name of the reader that read the files.
    n_found : int
        Spectra that were found: those in the store and those refused. More than the files where these hold many stars.
    n_air : int
        Spectra whose wavelengths were in air and were converted to vacuum.
    notes : mapping of text to int
        What was left out or decided, and how often, such as ``{"single exposures left out": 12}``.
    noise : NoiseFinding
        Whether the inverse variances can be those of the flux.
    """

    store: Path
    n_files: int
    n_stars: int
    refused: tuple[tuple[str, str], ...]
    preset: Preset
    reader: str = "lamost-lrs"
    n_found: int = 0
    n_air: int = 0
    notes: Mapping[str, int] = field(default_factory=dict)
    noise: NoiseFinding = field(default_factory=NoiseFinding)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.tally().items())
        return (
            f"<PrepareReport of {self.store}: {self.n_stars} stars of {self.n_files} files"
            f"{f'; refused: {kinds}' * bool(kinds)}>"
        )

    def tally(self) -> dict[str, int]:
        """Count the refused files by the kind of reason, most frequent first."""
        return tally(self.refused)

    def lines(self) -> list[str]:
        """Return sentences that say what was read how, and what was left out."""
        said = [f"read by {self.reader}: {self.n_found} spectra of {self.n_files} files"]
        if self.n_air:
            said.append(f"{self.n_air} of {self.n_stars} spectra had air wavelengths, converted to vacuum")
        return said + [f"{count} {text}" for text, count in self.notes.items() if count]


def tally(refused: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Count refusals (file, ``kind: detail``) by kind, most frequent first."""
    return dict(Counter(reason.partition(":")[0] for _, reason in refused).most_common())


def write_refused(refused: Sequence[tuple[str, str]], path: str | Path, *, overwrite: bool = False) -> None:
    """
    Write refused files and their reasons as a table of comma-separated values.

    Parameters
    ----------
    refused : sequence of (file, reason)
    path : path
    overwrite : bool
        Replace a file that exists.
    """
    with (
        replacing(Path(path), overwrite=overwrite) as partial,
        partial.open("w", newline="", encoding="utf-8") as stream,
    ):
        csv.writer(stream).writerows([("file", "reason"), *refused])
