"""What each step of a selection of stars removed and left."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TallyRow:
    """What one step of the reference set removed and left."""

    step: str
    removed: int
    remaining: int
    source: str = ""


def tally_text(tally: Sequence[TallyRow]) -> str:
    """Format a tally as lines of removed and remaining numbers of stars."""
    return "\n".join(f"{row.removed:>8} removed  {row.remaining:>8} remain  {row.step}" for row in tally)
