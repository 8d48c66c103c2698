"""The numbers of spectra that each step of a selection removed and left."""

from collections.abc import Sequence
from dataclasses import dataclass

from bayescannon.data.display import html_table


@dataclass(frozen=True, repr=False)
class TallyRow:
    """The numbers of spectra that one step of a selection removed and left."""

    step: str
    removed: int
    remaining: int
    source: str = ""

    def __repr__(self) -> str:
        return f"<TallyRow {self.step}: {self.removed} removed, {self.remaining} remain>"

    def _repr_html_(self) -> str:
        """Show the row as a small table in a notebook."""
        return html_table("TallyRow", {"step": self.step, "removed": self.removed, "remaining": self.remaining})


def tally_text(tally: Sequence[TallyRow]) -> str:
    """Format a tally as lines with the numbers of removed and remaining spectra."""
    return "\n".join(f"{row.removed:>8} removed  {row.remaining:>8} remain  {row.step}" for row in tally)
