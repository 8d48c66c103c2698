"""Which spectra of LAMOST are wanted: a list of obsids, or a table that has them."""

import warnings
from pathlib import Path

import numpy as np

from bayescannon.data.display import visible
from bayescannon.io.label_tables.table_files import open_tables
from bayescannon.io.size_limits import TEXT_LIST, read_limited
from bayescannon.numerics.errors import BayesCannonWarning, InputError

_COLUMN = "obsid"
_LONGEST = 20


def read_obsids(path: Path) -> list[str]:
    """
    Read obsids from a text with one per line, or from the column ``obsid`` of a table (FITS, CSV, VOTable, ...).

    Parameters
    ----------
    path : Path

    Returns
    -------
    ids : list of str
        Each once, in the order of the file.

    Raises
    ------
    InputError
        One is no obsid, or there is none.
    """
    names = _of_lines(path)
    if names is None:
        names = _of_table(path)
    n_empty = sum(not name for name in names)
    if n_empty and n_empty < len(names):
        warnings.warn(f"{path}: {n_empty} rows have no obsid, and are left out", BayesCannonWarning, stacklevel=2)
    ids = list(dict.fromkeys(name for name in names if name))
    for one in ids:
        if not (one.isascii() and one.isdigit() and len(one) <= _LONGEST):
            hint = "; the name of a file says nothing about the obsid" if one.startswith("spec-") else ""
            raise InputError(f"{path}: {visible(one)!r} is no obsid of LAMOST, which is a number{hint}")
    if not ids:
        raise InputError(f"{path} has no obsids; give a text with one per line, or a table with a column {_COLUMN}")
    return ids


def _of_lines(path: Path) -> list[str] | None:
    """Return the lines of a text whose first one is a number; None of other files."""
    with path.open("rb") as file:
        begin = file.read(200)
    first = begin.decode("utf-8-sig", "replace").strip().partition("\n")[0].strip()
    if not first or not (first.isdigit() or first.lower() == _COLUMN or first.startswith("spec-")):
        return None
    text = read_limited(path, TEXT_LIST, "a list of obsids").decode("utf-8-sig", "replace")
    return [line.strip() for line in text.splitlines() if line.strip() and line.strip().lower() != _COLUMN]


def _of_table(path: Path) -> list[str]:
    with open_tables(path) as tables:
        for table in tables:
            column = next((name for name in table.names if name.lower() == _COLUMN), None)
            if column is not None:
                values = np.ma.asarray(table.get(column))
                missing = np.ma.getmaskarray(values)
                return ["" if gone else _text(value) for value, gone in zip(values.data.tolist(), missing, strict=True)]
        found = ", ".join(visible(name) for table in tables for name in table.names)[:300]
    raise InputError(f"{path} has no column {_COLUMN}; it has {found}")


def _text(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else str(value)
    return value.decode("ascii", "replace").strip() if isinstance(value, bytes) else str(value).strip()
