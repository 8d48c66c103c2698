"""From the columns of a table to a LabelTable: missing values, units, physical ranges, and a note on each of them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import KNOWN_LABELS, Label
from bayescannon.data.sentinels import Repeated, looks_missing
from bayescannon.data.star_ids import known_names, names_of_files
from bayescannon.data.units import to_label_unit
from bayescannon.io.label_tables.column_plan import ColumnPlan, LabelColumns, element
from bayescannon.io.label_tables.column_values import column_bits, column_names, column_numbers
from bayescannon.io.label_tables.found_table import FoundTable, TableError
from bayescannon.io.label_tables.positions import read_position
from bayescannon.io.label_tables.table_options import PLAIN_COLUMNS, TableOptions
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray

_MOST_ROWS = 100_000
# a value in a smaller share of the rows, which no survey writes for a missing one, may be that of stars
_FEW = 0.05
# a column of larger values is no logarithm
_LARGEST_LOG = 20


@dataclass(frozen=True)
class _LabelValues:
    """Values of a label and its errors in the label's unit, and what was found in them."""

    values: FloatArray
    errors: FloatArray | None
    notes: list[str]


def build_table(found: FoundTable, plan: ColumnPlan, options: TableOptions, source: str) -> LabelTable:
    """
    Read the columns of a plan.

    Values that stand for a missing one (see :func:`bayescannon.data.sentinels.repeated_values`), and values outside
    the physical range of a label, become NaN and are counted in the notes. Columns with a unit are converted to the
    unit of the label. Ids are those of :func:`bayescannon.data.star_ids.names_of_files`. An error that is not positive
    counts as missing, and missing flags become `MISSING_FLAGS`.

    Parameters
    ----------
    found : FoundTable
    plan : ColumnPlan
    options : TableOptions
    source : str
        Name of the table, for messages.

    Raises
    ------
    TableError
        The values of a column cannot be used, or most of them are outside the physical range.
    bayescannon.data.units.UnitError
        A column's unit does not convert to the label's.
    """
    labels, skipped = {}, []
    for one in plan.labels:
        try:
            labels[one.label] = _label(found, one, options)
        except InputError as error:
            if one.required:
                raise
            skipped.append(f"{one.label} is not read: {error}")
    n_row = len(next(iter(labels.values())).values)
    notes = [*plan.notes, *skipped, *(note for one in labels.values() for note in one.notes)]
    columns, said = _plain_columns(found, plan, options)
    notes += said
    ids = np.full(n_row, "")
    if "id" in plan.plain:
        names = column_names(found.get(plan.plain["id"]), "id")
        ids = np.array(names_of_files(names.tolist()), np.str_) if len(names) else ids
        n_none = int((~known_names(names)).sum()) if len(names) else 0
        if n_none:
            notes.append(f"id: {n_none} of {n_row} rows have none")
    return LabelTable.from_arrays(
        ids,
        **{name: one.values for name, one in labels.items()},
        **{f"e_{name}": one.errors for name, one in labels.items() if one.errors is not None},
        **columns,
        flag_type=plan.layout.flag_type,
        source=source,
        keys=_keys(found, plan),
        layout=plan.layout.name,
        notes=(*found.notes, *notes),
    )


def _plain_columns(found: FoundTable, plan: ColumnPlan, options: TableOptions) -> tuple[dict[str, Any], list[str]]:
    """
    Read survey names, positions, S/N and flags.

    A column that is found by its name only, in a table that is no survey's, may hold something else: it is left out
    then, and that is said.
    """
    plain = {name: found.get(column) for name, column in plan.plain.items() if name != "id"}
    columns: dict[str, Any] = {}
    notes: list[str] = []

    def position() -> None:
        columns["ra"], columns["dec"], said = read_position((plain["ra"], plain["dec"]), options)
        notes.extend(said)

    def snr() -> None:
        columns["snr"], said = _snr(plain["snr"], options)
        notes.extend(said)

    reads: dict[str, Callable[[], None]] = {
        "ra": position,
        "snr": snr,
        "flags": lambda: columns.update(flags=column_bits(plain["flags"])),
        "survey_id": lambda: columns.update(survey_id=column_names(plain["survey_id"], "survey_id")),
    }
    for name, read in reads.items():
        if name not in plain or (name == "ra" and "dec" not in plain):
            continue
        try:
            read()
        except InputError as error:
            if plan.layout.is_survey or name in options.columns or name in options.units:
                raise
            notes.append(f"{name} is not read: {error}")
    return columns, notes


def _label(found: FoundTable, one: LabelColumns, options: TableOptions) -> _LabelValues:
    """Read one label and its errors."""
    label, notes = KNOWN_LABELS[one.label], []
    values, own_unit = _read(found, one.column, one.label)
    errors, error_unit = _read(found, one.error, f"e_{one.label}") if one.error else (None, None)
    gone = np.isin(values, list(options.missing_values(one.label)))
    if gone.any():
        notes.append(f"{one.label}: {int(gone.sum())} of {len(values)} rows hold a value that --missing names")
    for repeated in options.sentinels(one.label, np.where(gone, np.nan, values)):
        rows = f"{repeated.value:g} in {repeated.count} of {len(values)} rows"
        if repeated.missing and not _could_be_stars(repeated, label, len(values)):
            gone |= values == repeated.value
            could_be = label.lowest <= repeated.value <= label.highest and not looks_missing(repeated.value)
            keep = f" (--missing {one.label}=none keeps it)" * could_be
            notes.append(f"{one.label}: {rows} ({one.column}) stands for a missing value{keep}")
        else:
            notes.append(
                f"{one.label}: {rows} ({one.column}) is kept; if it stands for a missing value, say --missing "
                f"{one.label}={repeated.value:g}"
            )
    values = np.where(gone, np.nan, values)
    if errors is not None:
        wrong = options.is_missing(f"e_{one.label}", errors) | (errors <= 0)
        # without a label its error is of no use, and not worth a word
        notes += _dropped(f"e_{one.label}", errors, wrong & np.isfinite(values))
        errors = np.where(wrong | ~(errors > 0), np.nan, errors)
    given = options.units.get(one.label)
    unit = given or own_unit
    bracket = re.fullmatch(r"\[(.+)\]", str(unit))
    if bracket and not label.log_of and bracket[1] == label.unit and np.nanmedian(values) > _LARGEST_LOG:
        notes.append(f"{one.label}: {one.column} is in {unit}, taken as {label.unit}, since no log10 is so large")
        unit = label.unit
    # an error without a unit of its own is in the unit that the user gives for its label
    assumed = errors is not None and not (options.units.get(f"e_{one.label}") or _is_unit(error_unit))
    error_unit = options.units.get(f"e_{one.label}") or (error_unit if _is_unit(error_unit) else given)
    converted, errors = to_label_unit(values, errors, (unit, error_unit), label, f"the column for {one.label!r}")
    if given is not None and _is_unit(own_unit) and str(own_unit) != str(given):
        notes.append(f"{one.label}: {one.column} says {own_unit}, read in {given} as --units says")
    if not np.array_equal(converted, values, equal_nan=True):
        notes.append(f"{one.label}: converted from {unit} to {label.unit}")
        if assumed:
            taken = error_unit if _is_unit(error_unit) else label.unit
            notes.append(
                f"e_{one.label}: {one.error} has no unit, taken to be in {taken}; --units e_{one.label}=UNIT if it is "
                "not"
            )
    converted, said = _within_range(converted, label, one.column)
    return _LabelValues(converted, errors, notes + said)


def _could_be_stars(repeated: Repeated, label: Label, n_row: int) -> bool:
    """
    Tell whether a value far from the others may be of a few stars of another kind, as log g 8 of white dwarfs.

    It is in the label's range, in few rows, and not a negative whole number, which no pipeline ends its grid at.
    """
    whole = repeated.value <= 0 and float(repeated.value).is_integer()
    in_range = label.lowest <= repeated.value <= label.highest
    return in_range and not (looks_missing(repeated.value) or whole) and repeated.count < _FEW * n_row


def _read(found: FoundTable, column: str, name: str) -> tuple[FloatArray, Any]:
    array, place = (column, None) if column in found.names else element(column)
    return column_numbers(found.get(array), name, place=place)


def _is_unit(unit: Any) -> bool:
    return unit is not None and str(unit) != ""


def _within_range(values: FloatArray, label: Label, column: str) -> tuple[FloatArray, list[str]]:
    """Make values outside the physical range missing; refuse a column that is outside for the most part."""
    outside: BoolArray = (values < label.lowest) | (values > label.highest)
    n_out, n_known = int(outside.sum()), int((~np.isnan(values)).sum())
    if not n_out:
        return values, []
    shown = ", ".join(f"{value:g}" for value in np.unique(values[outside])[:3])
    if 2 * n_out > n_known:
        middle = float(np.median(values[outside]))
        raise TableError(
            f"{n_out} of {n_known} values of label {label.name!r} (column {column}) are outside {label.range_text()}, "
            f"such as {shown}: {_unit_hint(label, middle)}"
        )
    return np.where(outside, np.nan, values), [
        f"{label.name}: {n_out} of {len(values)} values ({shown}) are outside {label.range_text()}: missing"
    ]


def _unit_hint(label: Label, middle: float) -> str:
    """Say which unit a column could be in whose values are outside the range."""
    options = f"--units {label.name}=UNIT (units={{{label.name!r}: 'UNIT'}}) says the unit"
    if label.name == "teff" and 2 < middle < 6:
        return (
            f"it may be the log10 of Teff, or kK; {options}: --units 'teff=dex(K)' or teff=kK; or name another column "
            "with --columns teff=COLUMN"
        )
    if label.name == "teff" and 0 < middle < 200:
        return f"it may be in kK; {options}: --units teff=kK; or name another column with --columns teff=COLUMN"
    return (
        f"the column may be in another unit, or hold something else; {options}, --columns {label.name}=COLUMN the "
        "column"
    )


def _snr(given: Any, options: TableOptions) -> tuple[FloatArray, list[str]]:
    values, _ = column_numbers(given, "snr")
    gone = options.is_missing("snr", values)
    return np.where(gone, np.nan, values), _dropped("snr", values, gone)


def _dropped(name: str, values: FloatArray, gone: BoolArray) -> list[str]:
    """Say how many values of a column became missing, and show one."""
    if not gone.any():
        return []
    return [f"{name}: {int(gone.sum())} of {len(values)} rows hold {values[gone][0]:g} or alike: missing"]


def _keys(found: FoundTable, plan: ColumnPlan) -> dict[str, NDArray[np.str_]]:
    """Return further columns that name stars, those of text or whole numbers."""
    keys: dict[str, NDArray[np.str_]] = {}
    # names that nobody asked for are only for advice, and not worth the memory of a whole survey
    wanted = plan.keys if found.n_rows <= _MOST_ROWS else plan.keys[: plan.n_asked]
    for name in wanted:
        if name in PLAIN_COLUMNS:
            continue
        try:
            values = column_names(found.get(name), name)
        except InputError:
            continue
        if values.ndim == 1 and (values != "").any():
            keys[name] = values
    return keys
