"""Find the columns of a table of labels, and their missing values."""

from collections.abc import Callable, Mapping, Sequence
from enum import IntFlag
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.convert import bits, numbers, texts
from bayescannon.data.label_table import MISSING_FLAGS, LabelTable
from bayescannon.data.labels import KNOWN_LABELS, labels_from_names
from bayescannon.data.parts import split
from bayescannon.data.star_ids import names_of_files
from bayescannon.data.units import label_unit, to_unit
from bayescannon.io.lamost import MISSING
from bayescannon.io.paths import no_file
from bayescannon.numerics.errors import InputError, InputTypeError

# columns other than labels, and the names by which they are found, in this order, in upper or lower case
PLAIN_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("LAMOST_ID", "id", "file"),
    "survey_id": ("APOGEE_ID", "survey_id"),
    "ra": ("ra",),
    "dec": ("dec",),
    "snr": ("snr",),
    "flags": ("flags", "ASPCAPFLAG"),
}
_UNITS = {"ra": "deg", "dec": "deg", "snr": ""}


class TableError(InputError):
    """A table that cannot be read, or that lacks a column."""


def require_file(path: Path) -> None:
    """Raise a `TableError` unless a file exists at `path`."""
    if not path.is_file():
        swapped = ". Check that spectra and labels are not swapped" if path.is_dir() else ""
        raise TableError(f"{no_file(path)}; expected a table of labels{swapped}")


def build_table(
    names: Sequence[str],
    get: Callable[[str], Any],
    source: str,
    label_names: Sequence[str] | None,
    columns: Mapping[str, str] | None,
    survey_columns: Mapping[str, tuple[str, ...]],
    flag_type: type[IntFlag] | None,
) -> LabelTable:
    """
    Pick the columns of a table and clean their values: blanks are removed, and masked values and -9999 become NaN.

    Columns with a unit are converted to the unit of the label. Ids are those of
    :func:`bayescannon.data.star_ids.names_of_files`. An error that is not positive counts as missing, and missing flags
    become `MISSING_FLAGS`.

    Parameters
    ----------
    names : sequence of str
        Names of the table's columns.
    get : callable
        Returns a column by its name.
    source : str
        Name of the table, for messages.
    label_names : sequence of str, or None
        Labels to read; None reads every known label that has a column.
    columns : mapping of name to column, or None
        The user's choices; they take precedence.
    survey_columns : mapping of name to columns
        The survey's column names. A name without an entry is looked up in `PLAIN_COLUMNS`, or is itself the name of
        the column.
    flag_type : IntFlag class or None
        Names of the bits of ``flags``.

    Raises
    ------
    TableError
        A label has no column, `columns` names a column that does not exist, or the values of a column cannot be used.
    bayescannon.data.units.UnitError
        A column's unit does not convert to the label's.
    """
    read_all = label_names is None
    label_names = [
        label.name for label in labels_from_names(list(KNOWN_LABELS) if label_names is None else label_names)
    ]
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
        if (values := find(name)) is not None:
            labels[name] = _numbers(values, name, label_unit(KNOWN_LABELS[name]))
        elif not read_all:
            raise TableError(
                f"no column for label {name!r}; {there}; name one with --columns {name}=COLUMN "
                f"(columns={{{name!r}: 'COLUMN'}})"
            )
    if not labels:
        raise TableError(f"no column is named after a label ({', '.join(label_names)}); {there}; name them in columns")
    errors = {}
    for error_name, name in error_names.items():
        if name in labels and (values := find(error_name)) is not None:
            error = _numbers(values, error_name, KNOWN_LABELS[name].unit)
            errors[name] = np.where(error > 0, error, np.nan)
    n_row = len(next(iter(labels.values())))
    plain = {name: find(name) for name in PLAIN_COLUMNS}
    number = {name: None if plain[name] is None else _numbers(plain[name], name, unit) for name, unit in _UNITS.items()}
    text = {name: None if plain[name] is None else _texts(plain[name], name) for name in ("id", "survey_id")}
    ids = np.full(n_row, "") if text["id"] is None else np.array(names_of_files(text["id"].tolist()), np.str_)
    flags = None if plain["flags"] is None else _bits(plain["flags"])
    return LabelTable.from_arrays(
        ids,
        **labels,
        **{f"e_{name}": values for name, values in errors.items()},
        **{"survey_id": text["survey_id"], "flags": flags, **number},
        flag_type=flag_type,
        source=source,
    )


def _numbers(given: Any, name: str, unit: str) -> NDArray[np.float64]:
    """Return a column as floats in a unit, NaN where it is masked, infinite or -9999."""
    parts = split(given, name)
    try:
        if parts.values.dtype.kind in "SUT" or any(isinstance(one, str | bytes) for one in _objects(parts.values)):
            text = texts(given, name, missing_allowed=True)
            values = np.where(text == "", "nan", text).astype(np.float64)
        else:
            values = numbers(given, name, masked=np.nan)[0].astype(np.float64)
    except (InputTypeError, ValueError) as error:
        raise TableError(f"the column for {name!r} does not hold numbers: {error}") from error
    if values.ndim != 1:
        raise TableError(f"the column for {name!r} must have one value per row; got shape {values.shape}")
    # -9999 marks a missing value before units are converted
    values = np.where(np.isfinite(values) & (values > MISSING), values, np.nan)
    return to_unit(
        values, parts.unit, unit, f"the column for {name!r}", remedy=f"convert it to {unit or 'plain numbers'}"
    )


def _objects(values: NDArray[Any]) -> list[Any]:
    """Return the elements of an array of objects; an empty list for other arrays."""
    return values.ravel().tolist() if values.dtype.kind == "O" else []


def _texts(given: Any, name: str) -> NDArray[np.str_]:
    """Return a column as text without leading and trailing blanks, empty where it is masked."""
    try:
        return texts(given, f"the column for {name!r}", missing_allowed=True)
    except InputError as error:
        raise TableError(str(error)) from error


def _bits(given: Any) -> NDArray[np.uint64]:
    """Return a column as bits; a missing value becomes `MISSING_FLAGS`."""
    try:
        return bits(given, "the column for 'flags'", missing=MISSING_FLAGS)
    except InputTypeError as error:
        raise TableError(str(error)) from error
