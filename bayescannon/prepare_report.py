"""What a preparation of many files did, and which of them it had to refuse."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bayescannon.preset import Preset


class PrepareError(ValueError):
    """
    No spectrum could be prepared.

    Attributes
    ----------
    refused : list of (file, reason)
        Every file, with why it was refused.
    """

    def __init__(self, message: str, refused: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.refused = list(refused)


@dataclass(frozen=True)
class PrepareReport:
    """
    What a preparation did.

    Attributes
    ----------
    store : Path
        The store written.
    n_files, n_stars : int
        Files looked at, and stars in the store; the difference is the files refused.
    refused : tuple of (file, reason)
        In the order of the files; a reason reads ``kind: detail``.
    preset : Preset
        How the spectra were prepared.
    """

    store: Path
    n_files: int
    n_stars: int
    refused: tuple[tuple[str, str], ...]
    preset: Preset

    def tally(self) -> dict[str, int]:
        """Count the refused files by the kind of reason, most frequent first."""
        return tally(self.refused)


def tally(refused: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Count refusals (file, ``kind: detail``) by kind, most frequent first."""
    return dict(Counter(reason.partition(":")[0] for _, reason in refused).most_common())
