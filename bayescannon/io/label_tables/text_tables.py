"""
Tables of text: CSV with any delimiter, VizieR's TSV, columns of blanks, ECSV and machine-readable tables.

Cells stay text until a column is asked for, so that names keep every digit and a long cell costs only itself. Rows are
never shifted or filled up: a row with another number of cells than the header has is refused with its line.
"""

import csv
import io
import re
import sys
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, Table

from bayescannon.data.units import as_unit
from bayescannon.io.label_tables.found_table import FoundTable, TableError
from bayescannon.io.label_tables.text_files import Cells, decode, read_bytes

_DELIMITERS = ("\t", ",", ";", "|")
_NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "blanks"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?|[-+]?nan|[-+]?inf", re.IGNORECASE)
# not str.splitlines, which breaks lines at other signs too
_LINE = re.compile(r"\r\n|\n|\r")
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_BORDER = re.compile(r"\+[-=+]+\+")
# signs that no program shows: a byte-order mark within the text, a blank without width
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
# the line of types below the header of RDB: S, N, 12N
_RDB_TYPE = re.compile(r"\d*[SNM]")
# rows by which the layout is found
_HEAD = 200
# text longer than this is cut where astropy would reserve its length for every row
_LONG = 10_000
# csv has one limit for the whole process
_CSV_LOCK = threading.Lock()


def text_table(path: Path) -> FoundTable:
    """
    Read a table of text.

    Raises
    ------
    TableError
        The text is no table with a header, a row has too few or too many cells, or the file ends within one.
    """
    text = decode(read_bytes(path), path)
    if text.startswith(("# %ECSV", "#%ECSV")):
        return _with_astropy(text, path, "ascii.ecsv")
    if "Byte-by-byte Description of file" in text[:100_000]:
        return _with_astropy(text, path, "ascii.cds" if path.suffix.lower() != ".mrt" else "ascii.mrt")
    fixed = _fixed_width(text)
    if fixed:
        return _with_astropy(text, path, fixed)
    return _found(read_cells(text, path), path)


def _fixed_width(text: str) -> str:
    """Return astropy's format for a table whose columns are places in the line; empty if it is none of these."""
    lines = [line for line in _LINE.split(text[:200_000]) if line.strip() and not line.startswith("#")]
    if _is_ipac(text):
        return "ascii.ipac"
    ruled = [re.fullmatch(r"\s*[-=]{2,}(\s+[-=]+)+\s*", line) is not None for line in lines[:2]]
    # tabs stand between the dashes of VizieR
    if any(ruled) and "\t" not in lines[ruled.index(True)]:
        return "ascii.rst" if ruled[0] else "ascii.fixed_width_two_line"
    return ""


def _is_ipac(text: str) -> bool:
    """Tell whether a text is an IPAC table: bars in the header only."""
    lines = [line for line in _LINE.split(text[:200_000]) if line.strip() and not line.startswith("\\")]
    after = next((k for k, line in enumerate(lines) if not line.startswith("|")), 0)
    return 1 <= after <= 4 and "|" not in lines[after]


def read_cells(text: str, path: Path) -> Cells:
    """Split a text into a header and rows of cells, by the delimiter that gives every row the same number of cells."""
    # lines between the rows of a database's client
    lines = ["" if _BORDER.fullmatch(line.strip()) else line for line in _LINE.split(text)]
    first = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None:
        raise TableError(f"{path} is empty, or holds only comments; expected a table with a header")
    comments = [line.lstrip("#").strip() for line in lines[:first] if line.startswith("#")]
    delimiter = _delimiter(lines[first : first + _HEAD], path)
    rows = _rows("\n".join(lines[first:]), delimiter, first, path)
    notes = [f"{path.name}: cells are separated by {_NAMES[delimiter]}"] if delimiter not in ",\t" else []
    header, header_line = [name.strip(_INVISIBLE) for name in rows[0][1]], rows[0][0]
    rows, repeated = [row for row in rows[1:] if row[1] != rows[0][1]], sum(row[1] == rows[0][1] for row in rows[1:])
    if repeated:
        notes.append(f"{path.name}: {repeated} lines that repeat the header left out")
    if sum(_NUMBER.fullmatch(cell) is not None for cell in header) > len(header) / 2:
        # names behind a number sign, as numpy.savetxt writes them
        names = _split_names(comments[-1], delimiter) if comments else []
        if len(names) != len(header):
            raise TableError(
                f"{path} has no line with the names of its columns: line {header_line} is {_shown(header)}. Add one, "
                "as id,ra,dec,teff,logg,fe_h"
            )
        rows, header = [(header_line, header), *rows], names
        notes.append(f"{path.name}: names of the columns are those of the last comment")
    inside = [line for line, cells in rows if cells[0].startswith("#") and len(cells) != len(header)]
    if inside:
        notes.append(f"{path.name}: {len(inside)} comments between the rows left out")
        rows = [row for row in rows if row[0] not in set(inside)]
    header, rows = _without_borders(header, rows)
    rows, units = _unit_row(rows, len(header))
    if units is not None:
        notes.append(f"{path.name}: the line below the header is taken as units")
    _require_fitting(header, rows, path)
    notes += _last_line(text, [cells for _, cells in rows], path)
    return Cells(tuple(header), [cells for _, cells in rows], units, delimiter, tuple(notes))


def _require_fitting(header: Sequence[str], rows: Sequence[tuple[int, list[str]]], path: Path) -> None:
    """Raise unless all rows have as many cells as the header."""
    for line, cells in rows:
        if len(cells) == len(header):
            continue
        why = ""
        if line == rows[-1][0]:
            why = " It is the last one: the file is cut, or the line is no row and is to be removed."
        elif all(len(others) == len(cells) for _, others in rows):
            why = " All rows have as many: is the header a title, or does it lack the name of a column?"
        raise TableError(
            f"line {line} of {path} has {len(cells)} cells, and the header {len(header)} ({_shown(header)}); got "
            f"{_shown(cells)}.{why} Nothing is read of a table whose rows do not fit its header"
        )


def _delimiter(lines: Sequence[str], path: Path) -> str:
    """Return the delimiter that splits the header, and the lines after it, into the same number of cells."""
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    scores = {}
    for delimiter in _DELIMITERS:
        counts = [len(cells) for _, cells in _rows("\n".join(lines), delimiter, 0, path, strict=False)]
        if counts and counts[0] > 1:
            scores[delimiter] = (sum(count == counts[0] for count in counts) / len(counts), counts[0])
    if not scores:
        if len(lines[0].split()) < 2:
            raise TableError(
                f"{path} cannot be read as a table: its first line is {_shown([lines[0]])}, without tabs, commas, "
                "semicolons, bars or blanks between names of columns"
            )
        return " "
    return max(scores, key=lambda delimiter: scores[delimiter])


def _rows(text: str, delimiter: str, first: int, path: Path, *, strict: bool = True) -> list[tuple[int, list[str]]]:
    """Return the numbers and cells of the lines that are not blank."""
    if delimiter == " " and '"' not in text:
        return [(first + k + 1, line.split()) for k, line in enumerate(text.split("\n")) if line.strip()]
    with _CSV_LOCK:
        before = csv.field_size_limit(sys.maxsize)
        try:
            blanks = delimiter == " "
            stream = io.StringIO(text.replace("\t", " ") if blanks else text, newline="")
            quote = "'" if text.startswith("'") else '"'
            reader = csv.reader(stream, delimiter=delimiter, strict=strict, skipinitialspace=True, quotechar=quote)
            rows, start = [], 1
            for cells in reader:
                # blank lines, also of blanks only, are none
                if any(cell.strip() for cell in cells) or (len(cells) > 1 and not blanks):
                    cells = cells[:-1] if blanks and not cells[-1] else cells
                    rows.append((first + start, [cell.strip() for cell in cells]))
                start = reader.line_num + 1
            return rows
        except csv.Error as error:
            raise TableError(
                f"{path} cannot be read from line {first + reader.line_num}: {error}. A quote that is opened must be "
                "closed; is the file cut?"
            ) from None
        finally:
            csv.field_size_limit(before)


def _split_names(text: str, delimiter: str) -> list[str]:
    return [name.strip() for name in (text.split() if delimiter == " " else text.split(delimiter))]


def _without_borders(
    header: list[str], rows: list[tuple[int, list[str]]]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Remove the empty cells before the first and behind the last delimiter, and lines of dashes between bars."""
    rows = [(line, cells) for line, cells in rows if not _is_rule(cells) or len(cells) == len(header)]
    if len(header) > 1 and not header[-1] and all(not cells[-1] for _, cells in rows):
        if all(len(cells) == len(header) for _, cells in rows):
            header, rows = header[:-1], [(line, cells[:-1]) for line, cells in rows]
    elif rows and all(len(cells) == len(header) + 1 and not cells[-1] for _, cells in rows):
        rows = [(line, cells[:-1]) for line, cells in rows]
    if len(header) > 1 and not header[0] and all(len(cells) > 1 and not cells[0] for _, cells in rows):
        header, rows = header[1:], [(line, cells[1:]) for line, cells in rows]
    return header, rows


def _is_rule(cells: Sequence[str]) -> bool:
    """Tell whether a line is made of dashes."""
    return all(re.fullmatch(r"[-=+:]*", cell) for cell in cells) and any("--" in cell or "==" in cell for cell in cells)


def _unit_row(
    rows: list[tuple[int, list[str]]], n_column: int
) -> tuple[list[tuple[int, list[str]]], tuple[str, ...] | None]:
    """Take a line of units, and one of dashes, off the top of the rows."""
    for k, (_, cells) in enumerate(rows[:2]):
        if _is_rule(cells):
            units = tuple(rows[0][1]) if k == 1 and len(rows[0][1]) == n_column else None
            return rows[k + 1 :], units
    if rows and len(rows[0][1]) == n_column > 1 and all(_RDB_TYPE.fullmatch(cell) for cell in rows[0][1]):
        return rows[1:], None
    if len(rows) > 1 and len(rows[0][1]) == n_column and _are_units(rows[0][1], rows[1][1]):
        return rows[1:], tuple(rows[0][1])
    return rows, None


def _are_units(cells: Sequence[str], after: Sequence[str]) -> bool:
    """Tell whether a line holds units: no number, and above the numbers units, at least half of them known."""
    import astropy.units as u

    if any(_NUMBER.fullmatch(cell) for cell in cells) or len(cells) != len(after):
        return False
    above = [cell.strip("()[] ") for cell, below in zip(cells, after, strict=True) if _NUMBER.fullmatch(below)]
    named = [name for name in above if name.strip("-.")]
    known = [not isinstance(as_unit(name), u.UnrecognizedUnit) for name in named]
    return bool(named) and 2 * sum(known) >= len(known)


def _last_line(text: str, rows: Sequence[Sequence[str]], path: Path) -> list[str]:
    """Look at a last line without an end: it may have lost digits of its last cell."""
    if text.endswith(("\n", "\r")) or not rows:
        return []
    places = [len(cells[-1].rpartition(".")[2]) if "." in cells[-1] else -1 for cells in rows]
    if len(rows) > 2 and len(set(places[:-1])) == 1 and places[0] > 0 and places[-1] < places[0]:
        raise TableError(
            f"{path} is cut: its last line has no end, and its last cell {rows[-1][-1]!r} fewer decimals than those of "
            "all other rows"
        )
    return [
        f"{path.name}: the last line has no end; if the file was cut, its last cell {_shown([rows[-1][-1]])} is short"
    ]


def _found(cells: Cells, path: Path) -> FoundTable:
    """Make a table of cells; a column becomes an array when it is asked for."""
    comma = cells.delimiter != "," and _has_decimal_commas(cells.rows)
    notes = [*cells.notes, *([f"{path.name}: decimal commas"] if comma else [])]

    def get(name: str) -> Any:
        place = cells.names.index(name)
        found = [row[place] for row in cells.rows]
        if comma:
            found = [cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell for cell in found]
        values = np.array(found, dtype=object)
        unit = cells.units[place] if cells.units is not None else ""
        return Column(values, unit=unit) if unit.strip("-. ") else values

    return FoundTable(cells.names, get, len(cells.rows), notes=tuple(notes))


def _has_decimal_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether numbers have a comma, and none of the first rows has one with a point."""
    head = [cell for row in rows[:_HEAD] for cell in row]
    points = sum("." in cell and _NUMBER.fullmatch(cell) is not None for cell in head)
    return points == 0 and any(_DECIMAL_COMMA.fullmatch(cell) for cell in head)


def _with_astropy(text: str, path: Path, format: str) -> FoundTable:
    """Read ECSV and machine-readable tables with astropy, which knows their headers."""
    lines = _LINE.split(text)
    if format == "ascii.ecsv":
        # astropy takes an open quote for the end of a cell
        comma = any(line.startswith("# delimiter: ','") for line in lines[:3])
        _rows("\n".join(line for line in lines if not line.startswith("#")), "," if comma else " ", 0, path)
    if any(len(line) > _LONG for line in lines):
        lines = [re.sub(rf"([^\s\",]{{{_LONG}}})[^\s\",]+", r"\1", line) for line in lines]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = Table.read("\n".join(lines).rstrip("\n"), format=format)
    except Exception as error:  # each reader raises its own kinds of exception
        raise TableError(f"{path} cannot be read as a table: {type(error).__name__}: {str(error)[:300]}") from error
    from bayescannon.io.frames import columns_of

    names, get = columns_of(table) or ([], table.__getitem__)
    notes = _last_fixed_line(text, path, fixed=format not in ("ascii.ecsv",))
    return FoundTable(tuple(names), get, len(table), flag_type=str(table.meta.get("FLAGTYPE", "")), notes=notes)


def _last_fixed_line(text: str, path: Path, *, fixed: bool) -> tuple[str, ...]:
    """Look at a last line without an end; one that is shorter than the others has lost its end."""
    if text.endswith(("\n", "\r")):
        return ()
    lines = _LINE.split(text)
    if fixed and len(lines[-1].rstrip()) < max(len(line.rstrip()) for line in lines[-4:-1] or [""]):
        raise TableError(
            f"{path} is cut: its last line has no end, and is shorter than those before: {_shown([lines[-1]])}"
        )
    return (f"{path.name}: the last line has no end; if the file was cut, its last cell is short",)


def _shown(cells: Sequence[str]) -> str:
    """Show the first cells of a line, shortened."""
    text = " | ".join(cell if len(cell) <= 30 else cell[:27] + "..." for cell in cells[:5])
    return text + (" | ..." if len(cells) > 5 else "")
