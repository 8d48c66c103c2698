"""Catalogues as ECSV and VOTable, written piece by piece; and what text a format can hold."""

import base64
import io
import re
import warnings
from collections.abc import Iterable
from pathlib import Path

from astropy import units
from astropy.io import votable
from astropy.io.votable.exceptions import W50
from astropy.io.votable.tree import Info
from astropy.table import Table

from bayescannon.io.catalogue_provenance import CatalogueError, flatten_provenance, unflatten_provenance
from bayescannon.io.catalogue_rows import CatalogueRows

# endings of formats for ASCII alone
_ASCII = ("fits", "mrt")
# VOUnit quotes foreign units
_VO_DEX = "'dex'"
_STREAM = re.compile(r"(<STREAM encoding=['\"]base64['\"]>)(.*?)(</STREAM>)", re.DOTALL)
# of a line of base64: characters, and the bytes that they stand for
_LINE, _LINE_BYTES = 76, 57


def require_text(name: str, texts: Iterable[str], ending: str) -> None:
    """Raise CatalogueError if a column holds text that a file with this ending cannot: only ASCII in FITS and MRT."""
    if ending.lstrip(".") not in _ASCII:
        return
    foreign = next((text for text in texts if not text.isascii()), None)
    if foreign is not None:
        raise CatalogueError(
            f"text in a .{ending.lstrip('.')} file must be ASCII; column {name!r} has {foreign!r}. Write .ecsv, "
            ".parquet or .vot"
        )


def write_ecsv(rows: CatalogueRows, path: Path) -> None:
    """Write text with a YAML header, which holds units, descriptions and provenance."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        head = _ecsv(rows.template)
        file.write(head)
        n_lines = head.count("\n")
        for piece in rows.pieces():
            file.writelines(_ecsv(piece).splitlines(keepends=True)[n_lines:])


def _ecsv(table: Table) -> str:
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return text.getvalue().replace("\r\n", "\n")


def read_ecsv(path: Path) -> Table:
    """Read text with a YAML header."""
    return Table.read(path, format="ascii.ecsv")


def write_votable(rows: CatalogueRows, path: Path) -> None:
    """Write a VOTable (BINARY2); its INFO elements hold the provenance."""
    first = next(rows.pieces(1), None)
    found = _STREAM.search(_votable(rows.template if first is None else first))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        if found is None:  # without rows there are no data
            file.write(_votable(rows.template))
            return
        file.write(found.string[: found.end(1)] + "\n")
        rest = b""
        for piece in rows.pieces():
            stream = _STREAM.search(_votable(piece))
            rest += base64.b64decode(stream[2] if stream else "")
            whole = len(rest) // _LINE_BYTES * _LINE_BYTES
            file.write(_in_lines(rest[:whole]))
            rest = rest[whole:]
        file.write(_in_lines(rest) + found.string[found.start(3) :])


def _in_lines(content: bytes) -> str:
    """Return bytes in lines of base64."""
    text = base64.b64encode(content).decode("ascii")
    return "".join(f"{text[at : at + _LINE]}\n" for at in range(0, len(text), _LINE))


def _votable(table: Table) -> str:
    """Return the XML of a table."""
    bare = table.copy(copy_data=False)
    bare.meta.clear()
    for column in bare.columns.values():
        column.unit = None
    tree = votable.from_table(bare)
    element = tree.get_first_table()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", W50)  # a quoted unit is valid VOUnit, but astropy warns
        for field, column in zip(element.fields, table.columns.values(), strict=True):
            if str(column.unit or ""):
                text = _VO_DEX if str(column.unit) == "dex" else column.unit.to_string("vounit")
                field.unit = units.Unit(text, format="vounit", parse_strict="silent")
    element.infos.extend(Info(name=key, value=str(value)) for key, value in flatten_provenance(table.meta))
    content = io.BytesIO()
    tree.to_xml(content, tabledata_format="binary2")
    return content.getvalue().decode("utf-8")


def read_votable(path: Path) -> Table:
    """Read the first table of a VOTable."""
    element = votable.parse(path, verify="ignore").get_first_table()
    table = element.to_table()
    table.meta = unflatten_provenance((info.name, info.value) for info in element.infos)
    return table
