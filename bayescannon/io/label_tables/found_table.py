"""A table that was found in a file or in memory, before it is known which columns are wanted."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bayescannon.numerics.errors import InputError


class TableError(InputError):
    """A table that cannot be read, or that lacks a column."""


@dataclass(frozen=True)
class FoundTable:
    """
    One table: the names of its columns, and a function that reads a column.

    Attributes
    ----------
    names : tuple of str
        As the file has them; a name may occur twice.
    get : callable
        Takes a name, returns the column, with its mask and unit if it has them.
    n_rows : int
    place : str
        Where in the file it stands, as ``extension 2 'APOGEE/APO'``; empty if the file holds one table.
    keys : tuple of str
        What may be given to choose it: its name and its number.
    flag_type : str
        Name of the class of its flags, if it was saved by this package.
    notes : tuple of str
        What was taken for granted in reading it.
    """

    names: tuple[str, ...]
    get: Callable[[str], Any]
    n_rows: int
    place: str = ""
    keys: tuple[str, ...] = ()
    flag_type: str = ""
    notes: tuple[str, ...] = ()

    def repeated_names(self) -> list[str]:
        """Return the names that several columns have."""
        return [name for name, count in Counter(self.names).items() if count > 1]


def choose_table(
    tables: Sequence[FoundTable], usable: Sequence[bool], extension: str | int | None, source: str
) -> tuple[FoundTable, list[str]]:
    """
    Choose the table of a file that holds labels.

    Parameters
    ----------
    tables : sequence of FoundTable
        All tables of the file, not empty.
    usable : sequence of bool
        Which have columns for the labels that are wanted.
    extension : str, int or None
        The user's choice: a name or a number.
    source : str
        Name of the file, for messages.

    Returns
    -------
    table : FoundTable
    notes : list of str
        Which was taken, and why not the others.

    Raises
    ------
    TableError
        Several could be meant, or the one that was named does not exist.
    """
    there = "; ".join(_described(table) for table in tables)
    if extension is not None:
        wanted = str(extension).strip().lower()
        named = [table for table in tables if wanted in (key.lower() for key in table.keys)]
        if len(named) != 1:
            fault = "several tables" if named else "no table"
            raise TableError(
                f"{source} has {fault} {extension!r} (--labels-extension, extension=); it has "
                f"{there or 'one table without a name'}"
            )
        _require_rows(named[0], source)
        return named[0], [f"{named[0].place} of {source} as asked"]
    filled = [(table, fits) for table, fits in zip(tables, usable, strict=True) if table.n_rows]
    chosen = [table for table, fits in filled if fits]
    if len(chosen) > 1:
        raise TableError(
            f"{source} has several tables with the labels: {'; '.join(_described(table) for table in chosen)}. Name "
            f"one with --labels-extension {chosen[0].keys[-1]} (extension={chosen[0].keys[-1]!r}), or join them first"
        )
    if not chosen:
        # the message of the missing column is about the largest table
        chosen = [max((table for table, _ in filled), key=lambda one: one.n_rows, default=tables[0])]
    _require_rows(chosen[0], source)
    if len(tables) == 1:
        return chosen[0], []
    left = "; ".join(_described(table) for table in tables if table is not chosen[0])
    return chosen[0], [f"{_described(chosen[0])} of {source} taken; left out: {left}"]


def _require_rows(table: FoundTable, source: str) -> None:
    if not table.n_rows:
        place = f" in {table.place}" if table.place else ""
        raise TableError(
            f"{source} has no rows{place}, only columns ({', '.join(table.names[:8])}); is it cut, or is the table in "
            "another file?"
        )


def _described(table: FoundTable) -> str:
    rows = f"{table.n_rows} rows" if table.n_rows else "no rows"
    columns = ", ".join(table.names[:4]) + (", ..." if len(table.names) > 4 else "")
    return f"{table.place or 'a table'} ({rows}; columns {columns})"
