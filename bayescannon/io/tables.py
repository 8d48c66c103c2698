"""Read a table of labels: an APOGEE allStar file, any table that astropy reads, or one in memory; and write one."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from astropy.table import Table

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS
from bayescannon.data.parts import a_kind, require_kind
from bayescannon.io.apogee import read_allstar
from bayescannon.io.apogee_flags import ASPCAP_FLAGS
from bayescannon.io.frames import columns_of
from bayescannon.io.label_columns import TableError, build_table, require_file
from bayescannon.io.outputs import replacing
from bayescannon.io.paths import as_path
from bayescannon.numerics.errors import InputTypeError

# by file ending, because astropy's guess is slow and fails on some csv files
_FORMATS = {
    ".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".fits": "fits", ".fit": "fits", ".parquet": "parquet",
    ".vot": "votable", ".xml": "votable", ".mrt": "ascii.mrt",
}  # fmt: skip
# formats that keep the type of the flags
_SAVED = (".ecsv", ".fits")
_FLAG_TYPES = {flag_type.__name__: flag_type for flag_type in ASPCAP_FLAGS.values()}


def read_labels(
    source: Any,
    *,
    format: str = "table",
    label_names: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> LabelTable:
    """
    Read a table of labels, from a file or from memory.

    Parameters
    ----------
    source : path, astropy Table, DataFrame, Dataset, mapping of name to column, structured array or LabelTable
        An APOGEE allStar file, any table that astropy reads, or a table in memory. Columns with a unit are converted
        to the label's unit; a LabelTable is returned unchanged.
    format : {"allstar-dr12", "allstar-dr17", "table"}
        Whether the column names are those of an allStar file.
    label_names : sequence of str, optional
        Labels to read. By default every known label that has a column; from an allStar file the paper's five labels.
    columns : mapping of name to column, optional
        Columns of ``id``, ``survey_id``, ``ra``, ``dec``, ``snr``, ``flags``, of a label, or of its error
        ``e_<label>``; by default the column of the same name, in upper or lower case.

    Returns
    -------
    table : LabelTable

    Raises
    ------
    TableError
        The file cannot be read, a label has no column, or the values of a column cannot be used.
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
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise InputTypeError(
            f"columns map names to columns, such as {{'teff': 'Teff'}}; got {a_kind(columns)}. label_names=[...] names "
            "the labels to read"
        )
    if isinstance(source, LabelTable):
        if label_names is not None:
            source.require(label_names)
        return source
    if format == "table":
        return _read_table(source, label_names, columns)
    if format in ("allstar-dr12", "allstar-dr17"):
        names = PAPER_LABELS if label_names is None else label_names
        return read_allstar(source, format.removeprefix("allstar-"), names, columns)
    raise TableError(f"format must be allstar-dr12, allstar-dr17 or table; got {format!r}")


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
        written.write(partial, format=_FORMATS[path.suffix])
    return path


def _read_table(source: Any, label_names: Sequence[str] | None, columns: Mapping[str, str] | None) -> LabelTable:
    """Read any table, see :func:`read_labels`."""
    found, name = columns_of(source), "the table"
    flag_type = None
    if found is None:
        table, name = _read_file(Path(source)), Path(source).name
        found = list(table.colnames), table.__getitem__
        flag_type = _FLAG_TYPES.get(str(table.meta.get("FLAGTYPE", "")))
    names, get = found
    return build_table(names, get, name, label_names, columns, {}, flag_type)


def _read_file(path: Path) -> Table:
    """Read a file with astropy, in the format of its ending."""
    require_file(path)
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    try:
        with warnings.catch_warnings():
            # astropy warns of unusual units and headers, which do not change the numbers
            warnings.simplefilter("ignore")
            return Table.read(path, format=_FORMATS.get(suffix.lower(), "ascii"))
    except Exception as error:  # each reader raises its own kinds of exception
        raise TableError(f"{path} cannot be read as a table: {type(error).__name__}: {error}") from error
