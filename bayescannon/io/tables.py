"""Read a table of labels: APOGEE's own, or any that astropy reads."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from astropy.table import Table

from bayescannon.data.label_table import LabelTable
from bayescannon.data.labels import PAPER_LABELS
from bayescannon.io.apogee import read_allstar
from bayescannon.io.label_columns import TableError, build_table, require_file

# by file ending; astropy's own guess would take time or fail on csv
_FORMATS = {
    ".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".fits": "fits", ".fit": "fits", ".parquet": "parquet",
    ".vot": "votable", ".xml": "votable", ".mrt": "ascii.mrt",
}  # fmt: skip


def read_labels(
    source: str | Path | Table,
    *,
    format: str = "table",
    label_names: Sequence[str] = PAPER_LABELS,
    columns: Mapping[str, str] | None = None,
) -> LabelTable:
    """
    Read a table of labels.

    Parameters
    ----------
    source : str, Path or astropy.table.Table
        An APOGEE allStar file, any table that astropy reads, or a table in memory.
    format : {"allstar-dr12", "allstar-dr17", "table"}
        Which of them.
    label_names : sequence of str
        Labels to read.
    columns : mapping of name to column, optional
        Where to find ``id``, ``survey_id``, ``ra``, ``dec``, ``snr``, ``flags``, a label, or the error
        ``e_<label>``; by default under the same name, in any case of letters.

    Raises
    ------
    TableError
        The file cannot be read, or a label has no column.
    bayescannon.data.labels.LabelError
        A label name is unknown.
    """
    if format == "table":
        return _read_table(source, label_names, columns)
    if format in ("allstar-dr12", "allstar-dr17"):
        return read_allstar(source, format.removeprefix("allstar-"), label_names, columns)
    raise TableError(f"unknown format {format!r}; use allstar-dr12, allstar-dr17 or table")


def _read_table(
    source: str | Path | Table, label_names: Sequence[str], columns: Mapping[str, str] | None
) -> LabelTable:
    """Read any table, see :func:`read_labels`."""
    if isinstance(source, Table):
        table, name = source, "the table"
    else:
        table, name = _read_file(Path(source)), Path(source).name
    return build_table(table.colnames, table.__getitem__, name, label_names, columns, {}, None)


def _read_file(path: Path) -> Table:
    """Let astropy read a file in the format of its ending."""
    require_file(path)
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    try:
        with warnings.catch_warnings():
            # units and headers that astropy finds odd do not change the numbers
            warnings.simplefilter("ignore")
            return Table.read(path, format=_FORMATS.get(suffix.lower(), "ascii"))
    except Exception as error:  # every reader has its own kinds
        raise TableError(f"{path} cannot be read as a table: {type(error).__name__}: {error}") from error
