"""Read a table of labels: a survey's, any table that astropy reads, or one in memory; and write one."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import IntFlag
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import KNOWN_LABELS, labels_from_names
from bayescannon.data.parts import require_kind
from bayescannon.io.apogee_flags import ASPCAP_FLAGS, AstraFlag
from bayescannon.io.frames import columns_of
from bayescannon.io.label_tables.column_plan import ColumnPlan, plan_columns
from bayescannon.io.label_tables.found_table import FoundTable, TableError, choose_table
from bayescannon.io.label_tables.label_columns import build_table
from bayescannon.io.label_tables.table_files import open_tables
from bayescannon.io.label_tables.table_layouts import ASTRA, LAYOUTS, Layout, detect_layout
from bayescannon.io.label_tables.table_options import TableOptions
from bayescannon.io.outputs import replacing
from bayescannon.io.paths import as_path
from bayescannon.numerics.errors import BayesCannonWarning

# formats that keep the type of the flags
_SAVED = {".ecsv": "ascii.ecsv", ".fits": "fits"}
_FLAG_CLASSES: tuple[type[IntFlag], ...] = (*ASPCAP_FLAGS.values(), AstraFlag)
_FLAG_TYPES = {flag_type.__name__: flag_type for flag_type in _FLAG_CLASSES}


def read_labels(
    source: Any,
    *,
    format: str = "auto",
    label_names: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, Any] | None = None,
    missing: Mapping[str, Any] | None = None,
    extension: str | int | None = None,
) -> LabelTable:
    """
    Read a table of labels, from a file or from memory.

    What was taken, and what was dropped, is in the ``notes`` of the result.

    Parameters
    ----------
    source : path, astropy Table, DataFrame, Dataset, mapping of name to column, structured array or LabelTable
        FITS, VOTable, HDF5, Parquet, Feather, ECSV, or text with any delimiter, or a table in memory. Columns with a
        unit are converted to the label's unit; a LabelTable is returned unchanged.
    format : {"auto", "allstar", "allstar-dr12", "allstar-dr13", "allstar-dr17", "astra", "table"}
        The layout of the columns: APOGEE's allStar (DR13 stands for DR13 to DR16), SDSS-V's astraAllStarASPCAP, or
        columns named after labels. By default it is told by the names of the columns.
    label_names : sequence of str, optional
        Labels to read. By default every known label that has a column; from a table of APOGEE the paper's five.
    columns : mapping of name to column, optional
        Columns of ``id``, ``survey_id``, ``ra``, ``dec``, ``snr``, ``flags``, of a label, or of its error
        ``e_<label>``; by default the column of the same name, in upper or lower case. The error of a label belongs to
        its column: with ``{"fe_h": "FE_H"}`` it is ``FE_H_ERR`` or ``e_FE_H``.
    units : mapping of name to unit, optional
        Units of labels, errors, ``ra`` and ``dec``, in place of those that the table gives: ``{"teff": "kK"}``,
        ``{"teff": "dex(K)"}`` for log10, ``{"ra": "hourangle"}``.
    missing : mapping of name to value or values, optional
        Values that stand for a missing one, beside those that are recognised: ``{"fe_h": 0}``. ``{"logg": "none"}``
        recognises none, and keeps all values within the label's range.
    extension : str or int, optional
        Name or number of the table in a file of several.

    Returns
    -------
    table : LabelTable

    Raises
    ------
    TableError
        The file cannot be read or is cut, a label has no column, several could be meant, or the values of a column
        cannot be used.
    InputTypeError
        `source` is not a table, or `columns` not a mapping.
    bayescannon.data.labels.LabelError
        A label name is unknown.
    bayescannon.data.units.UnitError
        A column's unit does not convert to the label's.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> from bayescannon.io.tables import read_labels
    >>> table = QTable({"star": ["a", "b"], "Teff": [4.8, 5.1], "sigma": [60.0, 70.0]}, units={"Teff": "kK"})
    >>> labels = read_labels(table, columns={"id": "star", "e_teff": "sigma"})
    >>> labels
    <LabelTable of 2 stars from the table: teff; errors of teff; 2 ids, no positions>
    >>> labels.labels["teff"]
    array([4800., 5100.])
    >>> labels.notes[1]
    'teff: converted from kK to K'
    """
    options = TableOptions(format, columns or {}, units or {}, missing or {}, extension)
    return read_table(source, options, label_names)


def read_table(
    source: Any,
    options: TableOptions,
    label_names: Sequence[str] | None = None,
    *,
    optional: Sequence[str] = (),
    keys: Sequence[str] = (),
) -> LabelTable:
    """
    Read a table of labels as :func:`read_labels` does, with its choices in one object.

    Parameters
    ----------
    source
        As there.
    options : TableOptions
    label_names : sequence of str, optional
        Labels that must be there.
    optional : sequence of str
        Labels that are read too if the table has them.
    keys : sequence of str
        Columns with names of stars that must be there.
    """
    if isinstance(source, LabelTable):
        if label_names is not None:
            source.require(label_names)
        return source
    if label_names is not None:
        label_names = [label.name for label in labels_from_names(label_names)]
    more = [name for name in optional if name not in (label_names or ())]
    wanted = (options, label_names, more, keys)
    found = columns_of(source)
    if found is not None:
        names, get = found
        return _read_one([FoundTable(tuple(names), get, _length(get(names[0])) if names else 0)], "the table", wanted)
    path = Path(source)
    with open_tables(path) as tables:
        return _read_one(tables, path.name, wanted)


def _length(column: Any) -> int:
    """Return the number of rows of a column; one that has no length is refused when it is read."""
    return len(column) if hasattr(column, "__len__") and np.shape(column) != () else 1


type _Wanted = tuple[TableOptions, Sequence[str] | None, Sequence[str], Sequence[str]]


def _read_one(tables: Sequence[FoundTable], source: str, wanted: _Wanted) -> LabelTable:
    """Choose one of a file's tables, and read it."""
    options, *_ = wanted
    plans = [_plan(table, source, wanted) for table in tables]
    table, notes = choose_table(tables, [isinstance(plan, ColumnPlan) for plan in plans], options.extension, source)
    plan = plans[[one is table for one in tables].index(True)]
    if isinstance(plan, TableError):
        others = "; ".join(notes)
        raise TableError(f"{plan}{f'. {others}' if others else ''}") from None
    read = build_table(table, plan, options, source)
    flag_type = _FLAG_TYPES.get(table.flag_type, read.flag_type)
    return read.with_notes([*notes, *read.notes], flag_type=flag_type)


def _plan(table: FoundTable, source: str, wanted: _Wanted) -> ColumnPlan | TableError:
    """Return which columns of a table would be read, or why it cannot be."""
    options, label_names, optional, keys = wanted
    detected = detect_layout(table.names, table.get)
    layout, note = _layout(options.format, detected, source)
    if layout is None:
        return TableError(note)
    try:
        plan = plan_columns(table, layout, source, options, label_names, optional, keys)
    except TableError as error:
        return TableError(f"{error}{note}")
    if note and layout.is_survey and detected.is_survey:
        warnings.warn(BayesCannonWarning(f"{source}: --labels-format {options.format}{note}"), stacklevel=5)
    elif note and detected.is_survey:
        plan = replace(plan, notes=(*plan.notes, f"{source} is read by the names of its columns as asked{note}"))
    return plan


def _layout(format: str, detected: Layout, source: str) -> tuple[Layout | None, str]:
    """Return the layout to read, and what is to be said if the columns say otherwise."""
    if format == "auto" or (format == "allstar" and detected.name.startswith("allstar")):
        return detected, ""
    if format == "allstar":
        return None, (
            f"{source} is no allStar table of APOGEE: its columns are those of {detected.description}; use "
            "--labels-format auto (format='auto')"
        )
    asked = LAYOUTS[format]
    if asked is detected:
        return asked, ""
    if asked.is_survey and detected.is_survey and (asked is ASTRA) != (detected is ASTRA):
        return None, (
            f"{source} is no table of the format {format}: its columns are those of {detected.description}; use "
            f"--labels-format {detected.name} or auto (format={detected.name!r})"
        )
    if not detected.is_survey:
        return asked, (
            f". It was read as {asked.description}; for columns named after labels use --labels-format table or auto "
            "(format='table')"
        )
    return asked, (
        f". The columns are those of {detected.description}: use --labels-format {detected.name} or auto "
        f"(format={detected.name!r})"
    )


def save_labels(table: LabelTable, path: str | Path, *, overwrite: bool = False) -> Path:
    """
    Write a table of labels to a file that :func:`read_labels` reads.

    Two things do not survive: an error that is not positive is missing when the file is read, and the `flag_type` is
    kept only if it is one of APOGEE's.

    Parameters
    ----------
    table : LabelTable
    path : path
        Ending in ``.ecsv`` or ``.fits``.
    overwrite : bool
        Replace a file that exists.

    Returns
    -------
    path : Path

    Raises
    ------
    TableError
        The path has another ending.
    BayesCannonError
        As :func:`bayescannon.io.outputs.check_output_file`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from bayescannon.data.label_table import LabelTable
    >>> from bayescannon.io.tables import read_labels, save_labels
    >>> table = LabelTable.from_arrays(["star-1"], teff=[4800.0], e_teff=[60.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_labels(table, pathlib.Path(folder) / "labels.ecsv")
    ...     read_labels(path)
    <LabelTable of 1 stars from labels.ecsv: teff; errors of teff; 1 ids, no positions>
    """
    require_kind(table, LabelTable, "save_labels(table, path)")
    path = as_path(path, "the table to write")
    if path.suffix not in _SAVED:
        raise TableError(f"the file of a label table must end in {' or '.join(_SAVED)}; got {path.name}")
    # FITS has no unit dex; the unit of a label follows from its name
    units = {name: label.unit for name, label in KNOWN_LABELS.items() if label.unit != "dex"}
    units |= {f"e_{name}": unit for name, unit in units.items()} | {"ra": "deg", "dec": "deg"}
    columns = {name: getattr(table, name) for name in ("id", "survey_id", "ra", "dec", "snr", "flags")}
    columns |= dict(table.labels) | {f"e_{name}": values for name, values in table.errors.items()}
    flag_type = "" if table.flag_type is None else table.flag_type.__name__
    written = Table(
        columns, units={name: unit for name, unit in units.items() if name in columns}, meta={"FLAGTYPE": flag_type}
    )
    with replacing(path, overwrite=overwrite) as partial:
        written.write(partial, format=_SAVED[path.suffix])
    return path
