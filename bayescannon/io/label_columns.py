"""The columns of a table of labels: which one is meant, and what in it is missing."""

from collections.abc import Callable, Mapping, Sequence
from enum import IntFlag
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import labels_from_names
from bayescannon.io.lamost import MISSING, bare_id
from bayescannon.numerics.errors import InputError

# columns that are no labels, with the names they are looked for by, in this order and in any case of letters
PLAIN_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("LAMOST_ID", "id", "file"),
    "survey_id": ("APOGEE_ID", "survey_id"),
    "ra": ("ra",),
    "dec": ("dec",),
    "snr": ("snr",),
    "flags": ("flags", "ASPCAPFLAG"),
}
# the bit a row gets whose flags are missing; it is NO_ASPCAP_RESULT of APOGEE, so it never passes as clean
MISSING_FLAGS = 1 << 31


class TableError(InputError):
    """A table that cannot be read, or that lacks a column."""


def require_file(path: Path) -> None:
    """Raise a `TableError` unless there is a file at `path`."""
    if not path.is_file():
        raise TableError(f"there is no file {path}; expected a table of labels")


def build_table(
    names: Sequence[str],
    get: Callable[[str], Any],
    source: str,
    label_names: Sequence[str],
    columns: Mapping[str, str] | None,
    survey_columns: Mapping[str, tuple[str, ...]],
    flag_type: type[IntFlag] | None,
) -> LabelTable:
    """
    Pick the columns of a table and clean their values: blanks off, and NaN for what is masked or -9999.

    Ids lose folders and file endings. An error that is not positive counts as missing, and missing flags
    become `MISSING_FLAGS`.

    Parameters
    ----------
    names : sequence of str
        The columns there are.
    get : callable
        Returns a column by its name.
    source : str
        Name of the table, for messages.
    label_names : sequence of str
        Labels to read.
    columns : mapping of name to column, or None
        The user's choices; they go before all others.
    survey_columns : mapping of name to columns
        Where the survey keeps what `columns` could set. A name without an entry is looked for as
        `PLAIN_COLUMNS` says, or under itself.
    flag_type : IntFlag class or None
        Names of the bits of ``flags``.

    Raises
    ------
    TableError
        A label has no column, or `columns` names something that is not there.
    """
    label_names = [label.name for label in labels_from_names(label_names)]
    error_names = {f"e_{name}": name for name in label_names}
    columns = dict(columns or {})
    there = f"{source} has the columns {', '.join(names)}"
    for name, column in columns.items():
        if name not in (known := [*PLAIN_COLUMNS, *label_names, *error_names]):
            raise TableError(f"--columns cannot set {name!r}; it can set {', '.join(known)}")
        if column not in names:
            raise TableError(f"--columns {name}={column}: no such column; {there}")
    lower = {name.lower(): name for name in reversed(names)} | {name: name for name in names}

    def find(name: str) -> Any:
        """Return the column for a name, or None."""
        wanted = survey_columns.get(name) or PLAIN_COLUMNS.get(name) or (name,)
        if name in columns:
            wanted = (columns[name],)
        found = [lower.get(one) or lower.get(one.lower()) for one in wanted]
        return next((get(one) for one in found if one is not None), None)

    labels: dict[str, NDArray[np.float64]] = {}
    for name in label_names:
        if (values := find(name)) is None:
            raise TableError(f"no column for label {name!r}; {there}; name one with --columns {name}=COLUMN")
        labels[name] = _numbers(values, name)
    errors = {}
    for error_name, name in error_names.items():
        if (values := find(error_name)) is not None:
            error = _numbers(values, error_name)
            errors[name] = np.where(error > 0, error, np.nan)
    n_row = len(labels[label_names[0]])
    plain = {name: find(name) for name in PLAIN_COLUMNS}
    number = {
        name: np.full(n_row, np.nan) if plain[name] is None else _numbers(plain[name], name)
        for name in ("ra", "dec", "snr")
    }
    text = {
        name: np.full(n_row, "", dtype=np.str_) if plain[name] is None else _texts(plain[name])
        for name in ("id", "survey_id")
    }
    ids = np.array([bare_id(one) for one in text["id"].tolist()], dtype=np.str_)
    flags = np.zeros(n_row, dtype=np.uint64) if plain["flags"] is None else _bits(plain["flags"])
    return LabelTable(
        ids, text["survey_id"], number["ra"], number["dec"], labels, errors, flags, flag_type, number["snr"],
        source,
    )  # fmt: skip


def _numbers(column: Any, name: str) -> NDArray[np.float64]:
    """Return a column as floats, NaN where it is masked, infinite or -9999."""
    try:
        values = np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
    except (TypeError, ValueError) as error:
        raise TableError(f"the column for {name!r} does not hold numbers: {error}") from error
    if values.ndim != 1:
        raise TableError(f"the column for {name!r} has shape {values.shape}; expected one value a row")
    return np.where(np.isfinite(values) & (values > MISSING), values, np.nan)


def _texts(column: Any) -> NDArray[np.str_]:
    """Return a column as text without blanks around it, empty where it is masked."""
    values = np.ma.asarray(column)
    if values.dtype.kind == "S":
        values = np.ma.array(np.char.decode(values.data, "utf-8", "replace"), mask=values.mask)
    return np.char.strip(np.where(np.ma.getmaskarray(values), "", values.data.astype(np.str_)))


def _bits(column: Any) -> NDArray[np.uint64]:
    """Return a column as bits; a missing value becomes `MISSING_FLAGS`."""
    values = np.ma.asarray(column)
    if values.dtype.kind not in "iuf":
        raise TableError(f"the column for 'flags' holds {values.dtype}; expected whole numbers")
    missing = np.ma.getmaskarray(values).copy()
    raw = values.data
    if raw.dtype.kind == "f":
        missing |= ~np.isfinite(raw)
        raw = np.where(missing, 0, raw).astype(np.int64)
    missing |= raw == -9999
    if raw.dtype.kind == "i" and raw.dtype.itemsize <= 4:
        # bit 31 of a signed 32-bit column is its sign
        raw = raw.astype(np.int64) & 0xFFFFFFFF
    return np.where(missing, MISSING_FLAGS, raw.astype(np.uint64)).astype(np.uint64)
