"""Tables in markdown."""

from collections.abc import Iterable, Sequence


def cell(text: object) -> str:
    """Return a text as one cell: on one line, its bars and brackets escaped."""
    said = " ".join(str(text).split())
    return said.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def code(text: object) -> str:
    """Return a cell in the letters of code; empty for nothing."""
    said = " ".join(str(text).split())
    return f"`{said}`".replace("|", "\\|") if said else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
