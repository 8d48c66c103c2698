"""Open a file of tables, whose format is told by its first bytes, not by its name."""

import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from astropy.table import Table

from bayescannon.io.frames import columns_of
from bayescannon.io.label_tables.arrow_tables import arrow_table
from bayescannon.io.label_tables.fits_tables import fits_tables
from bayescannon.io.label_tables.found_table import FoundTable, TableError
from bayescannon.io.label_tables.hdf5_tables import hdf5_tables
from bayescannon.io.label_tables.text_files import read_bytes
from bayescannon.io.label_tables.text_tables import text_table
from bayescannon.io.lamost import FITS_MAGIC, GZIP_MAGIC
from bayescannon.io.paths import no_file
from bayescannon.io.size_limits import GZIP_FAULTS, SizeLimitError, require_held
from bayescannon.numerics.errors import BayesCannonError

_HEAD = 2048
# what a VOTable declares of its size: rows of a table, and numbers in each cell of a field; longer numbers are cut
_ROWS = re.compile(rb"nrows\s*=\s*[\"']\s*(\d{1,30})")
_CELLS = re.compile(rb"arraysize\s*=\s*[\"']\s*(\d[\dx]{0,60})")
# what is recognised only to be refused in words
_REFUSED = (
    (b"\x80", "is a pickle, which can run any code when it is read; write the table with to_parquet or to_csv"),
    (b"<!DOCTYPE", "is a web page, not a table; was the address of a page saved instead of the file?"),
    (b"<html", "is a web page, not a table; was the address of a page saved instead of the file?"),
    (b"PK\x03\x04", "is a zip archive or an Excel file; export the sheet as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel file; export the sheet as CSV"),
    (b"\x93NUMPY", "is an array of numpy; give the structured array itself: read_labels(numpy.load(...))"),
    (b"SQLite format 3", "is an SQLite database; give the result of a query as a DataFrame or as CSV"),
    (b"BZh", "is compressed with bzip2; unpack it, or use gzip"),
    (b"\xfd7zXZ", "is compressed with xz; unpack it, or use gzip"),
)


def require_file(path: Path) -> None:
    """Raise a `TableError` unless a file exists at `path`."""
    if not path.is_file():
        swapped = ". Check that spectra and labels are not swapped" if path.is_dir() else ""
        raise TableError(f"{no_file(path)}; expected a table of labels{swapped}")


@contextmanager
def open_tables(path: Path) -> Iterator[list[FoundTable]]:
    """
    Open a file and give all tables that it holds.

    Parameters
    ----------
    path : Path
        FITS, VOTable, HDF5, Parquet, Feather or text, gzipped or not where that is usual.

    Raises
    ------
    TableError
        There is no file, it cannot be read, or it is cut.
    """
    require_file(path)
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        raise TableError(f"{path} is empty; expected a table of labels")
    with ExitStack() as stack:
        with _saying_why(path):
            tables = stack.enter_context(_open(path, head))
        yield [replace(table, get=partial(_column, path, table)) for table in tables]


@contextmanager
def _saying_why(path: Path) -> Iterator[None]:
    """Turn whatever a library raises on a damaged file into a TableError."""
    try:
        yield
    except (BayesCannonError, MemoryError):
        raise
    except Exception as error:
        raise TableError(f"{path} cannot be read; it is cut or damaged: {type(error).__name__}: {error}") from error


def _column(path: Path, table: FoundTable, name: str) -> Any:
    with _saying_why(path):
        return table.get(name)


@contextmanager
def _open(path: Path, head: bytes) -> Iterator[list[FoundTable]]:
    """Open a file by its first bytes, and give its tables."""
    inner = _inside(path) if head.startswith(GZIP_MAGIC) else head
    if inner.startswith(FITS_MAGIC):
        with fits_tables(path) as tables:
            yield tables
        return
    if inner.startswith(b"\x89HDF"):
        with hdf5_tables(path) as tables:
            yield tables
        return
    for magic, fault in _REFUSED:
        if inner.lstrip()[: len(magic)].lower() == magic.lower():
            raise TableError(f"{path} {fault}")
    if inner.startswith((b"PAR1", b"ARROW1", b"FEA1")):
        yield [arrow_table(path, feather=not inner.startswith(b"PAR1"))]
    elif b"<VOTABLE" in inner.upper():
        yield _votables(path)
    else:
        suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
        if any(suffix in (".fits", ".fit", ".fts", ".parquet", ".hdf5", ".h5") for suffix in suffixes):
            raise TableError(
                f"{path} cannot be read as a table: its name ends in {suffixes[-1]}, and it begins with "
                f"{inner[:12]!r}; is it cut, or a page of an error instead of the file?"
            )
        yield [text_table(path)]


def _inside(path: Path) -> bytes:
    """Return the first bytes of what is compressed."""
    import gzip

    try:
        with gzip.open(path) as stream:
            return stream.read(_HEAD)
    except GZIP_FAULTS as error:
        raise TableError(f"{path} is cut or damaged: its compressed data cannot be read ({error})") from error


def _votables(path: Path) -> list[FoundTable]:
    """Return the tables of a VOTable, gzipped or not."""
    import io

    from astropy.io.votable import parse

    data = read_bytes(path)
    if b"</VOTABLE>" not in data[-4096:].upper().replace(b" ", b""):
        raise TableError(f"{path} is cut: a VOTable ends with </VOTABLE>; copy it anew")
    _require_votable_sizes(data, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables = [(one, one.to_table()) for one in parse(io.BytesIO(data)).iter_tables()]
    except Exception as error:  # the parser raises many kinds of exception
        raise TableError(f"{path} cannot be read as a VOTable: {type(error).__name__}: {error}") from error
    found = [_of_table(table, number, str(one.name or one.ID or "")) for number, (one, table) in enumerate(tables)]
    if not found:
        raise TableError(f"{path} is a VOTable without a table")
    return found


def _require_votable_sizes(data: bytes, path: Path) -> None:
    """Raise a TableError if a VOTable declares rows or cells of fixed size that it cannot hold; rows are allocated."""
    rows = max((int(number) for number in _ROWS.findall(data)), default=1)
    cells = sum(prod(int(n) for n in re.findall(rb"\d+", size)) for size in _CELLS.findall(data))
    fields = max(len(re.findall(rb"<\s*(?:\w+:)?FIELD\b", data)), 1)
    try:
        require_held(8 * max(rows, 1) * max(cells, fields), len(data), f"a table in {path.name}")
    except SizeLimitError as error:
        raise TableError(str(error)) from error


def _of_table(table: Table, number: int, name: str) -> FoundTable:
    columns: Any = columns_of(table)
    return FoundTable(
        tuple(columns[0]), columns[1], len(table), f"table {number}" + (f" {name!r}" if name else ""),
        (str(number), name) if name else (str(number),), str(table.meta.get("FLAGTYPE", "")),
    )  # fmt: skip
