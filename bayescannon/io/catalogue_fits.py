"""Catalogues as FITS: a binary table that is written piece by piece, with the standard's checksums."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits
from astropy.table import Column, Table

from bayescannon.io.catalogue_provenance import (
    EXPLANATIONS,
    flatten_provenance,
    unflatten_provenance,
)
from bayescannon.io.catalogue_rows import CatalogueRows
from bayescannon.io.catalogue_text import require_text

# FITS keywords have at most eight characters
_KEYWORDS = {
    "model_hash": "MODHASH",
    "n_starts": "NSTARTS",
    "data_release": "DATAREL",
    "model_release": "MODELREL",
    "reference": "REFERENC",
    "posterior_width": "POSTWIDT",
    "populations": "POPULATN",
    "population_notes": "POPNOTES",
    "odd_spectra": "ODDSPEC",
    "selection": "SELECTED",
    "nuisances": "NUISANCE",
}
_KEYS = {keyword: key for key, keyword in _KEYWORDS.items()}
# FITS has no dex: the column has no unit there, and its description ends with this
_DEX = " [dex]"
_RECORD = 2880
_WORD = 2**32 - 1
# characters of a checksum that are neither letters nor digits
_PUNCTUATION = (*range(0x3A, 0x41), *range(0x5B, 0x61))


def write_fits(rows: CatalogueRows, path: Path) -> None:
    """
    Write a binary table whose header holds units (TUNIT), descriptions (TCOMM), UCDs (TUCD) and provenance.

    CHECKSUM and DATASUM of the standard protect header and values.
    """
    primary = fits.PrimaryHDU().header
    header = _table_header(rows.template, rows.n_rows)
    names = rows.template.colnames
    dtype = np.dtype([(name, _stored(rows.template[name].dtype)) for name in names])
    with path.open("wb") as file:
        _sign(primary, 0)
        file.write(primary.tostring().encode("ascii"))
        place = file.tell()
        _sign(header, 0)
        file.write(header.tostring().encode("ascii"))
        _sign(header, _write_records(_row_bytes(rows, dtype), file))
        file.seek(place)
        file.write(header.tostring().encode("ascii"))


def _stored(dtype: np.dtype[Any]) -> str:
    """Return the type of a column in a FITS file: big-endian, and text as bytes."""
    return f"S{dtype.itemsize // 4}" if dtype.kind == "U" else dtype.newbyteorder(">").str


def _table_header(template: Table, n_rows: int) -> fits.Header:
    """Return the header of the table, as long as that with checksums."""
    bare = template.copy()
    bare.meta.clear()
    for column in bare.columns.values():
        column.unit = None
    header = fits.table_to_hdu(bare).header
    header["NAXIS2"] = n_rows
    header["EXTNAME"] = "CATALOGUE"
    for i, column in enumerate(template.columns.values(), start=1):
        unit, dex = _unit(column)
        if column.meta.get("ucd"):
            header.set(f"TUCD{i}", column.meta["ucd"], after=f"TFORM{i}")
        header.set(f"TCOMM{i}", column.description + dex, after=f"TFORM{i}")
        if unit:
            header.set(f"TUNIT{i}", unit, after=f"TFORM{i}")
    for key, value in flatten_provenance(template.meta):
        # a comment after a long value would be cut
        comment = EXPLANATIONS.get(key, "") if len(str(value)) < 20 else ""
        header[_KEYWORDS.get(key, key.upper())] = (value, comment)
    return header


def _unit(column: Column) -> tuple[str, str]:
    """Return the unit of a column in FITS spelling, and the end of its description if FITS lacks the unit."""
    if str(column.unit or "") == "dex":
        return "", _DEX
    return (column.unit.to_string("fits") if column.unit else ""), ""


def _row_bytes(rows: CatalogueRows, dtype: np.dtype[Any]) -> Iterator[bytes]:
    """Yield the rows as FITS stores them."""
    for piece in rows.pieces():
        stored = np.empty(len(piece), dtype=dtype)
        for name, column in piece.columns.items():
            if column.dtype.kind == "U":
                require_text(name, column.tolist(), "fits")
            stored[name] = np.asarray(column)
        yield stored.tobytes()


def _write_records(pieces: Iterator[bytes], file: BinaryIO) -> int:
    """Write bytes, and zeros up to a whole record; return the sum of their words as the standard adds them."""
    total, rest = 0, b""
    for piece in pieces:
        content = rest + piece
        whole = len(content) // _RECORD * _RECORD
        rest = content[whole:]
        file.write(content[:whole])
        total = _add(total, content[:whole])
    if rest:
        rest = rest.ljust(_RECORD, b"\0")
        file.write(rest)
        total = _add(total, rest)
    return total


def _add(total: int, content: bytes) -> int:
    """Add the 32-bit words of `content` in ones' complement."""
    total += int(np.frombuffer(content, dtype=">u4").sum(dtype=np.uint64))
    while total > _WORD:
        total = (total & _WORD) + (total >> 32)
    return total


def _sign(header: fits.Header, datasum: int) -> None:
    """Set DATASUM and CHECKSUM; the latter makes the sum of header and data all ones."""
    header["DATASUM"] = (str(datasum), "sum of the values")
    header["CHECKSUM"] = ("0" * 16, "of header and values")
    header["CHECKSUM"] = _encoded(_WORD - _add(datasum, header.tostring().encode("ascii")))


def _encoded(number: int) -> str:
    """Write a sum as sixteen letters and digits (FITS standard 4.0, appendix J)."""
    text = bytearray(16)
    for i in range(4):
        byte = (number >> (24 - 8 * i)) & 0xFF
        four = [byte // 4 + ord("0")] * 4
        four[0] += byte % 4
        while any(one in _PUNCTUATION for one in four):
            for j in (0, 2):
                if four[j] in _PUNCTUATION or four[j + 1] in _PUNCTUATION:
                    four[j], four[j + 1] = four[j] + 1, four[j + 1] - 1
        text[i::4] = bytes(four)
    return (text[-1:] + text[:-1]).decode("ascii")


def fits_faults(path: Path) -> list[str]:
    """
    Return what in a FITS file does not agree with its checksums; empty if all does, or if there are none.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "image.fits"
    >>> fits.PrimaryHDU(np.zeros(3)).writeto(path, checksum=True)
    >>> fits_faults(path)
    []
    >>> _ = path.write_bytes(path.read_bytes().replace(bytes(24), b"1" * 24, 1))
    >>> fits_faults(path)
    ['the values of part 0 of the file do not agree with DATASUM']
    """
    found: list[str] = []
    number, size = 0, path.stat().st_size
    with path.open("rb") as file:
        while file.tell() < size:
            start = file.tell()
            header = fits.Header.fromfile(file)
            end = file.tell()
            file.seek(start)
            of_header = _add(0, file.read(end - start))
            left = _data_length(header)
            total = 0
            while left > 0 and (piece := file.read(min(left, 1 << 22))):
                left -= len(piece)
                total = _add(total, piece.ljust(-(-len(piece) // 4) * 4, b"\0"))
            if left:
                return [*found, f"part {number} of the file ends {left} bytes early"]
            if "DATASUM" in header and str(header["DATASUM"]).strip() != str(total):
                found.append(f"the values of part {number} of the file do not agree with DATASUM")
            elif "CHECKSUM" in header and _add(of_header + total, b"") not in (0, _WORD):
                found.append(f"the header of part {number} of the file does not agree with CHECKSUM")
            number += 1
    return found


def _data_length(header: fits.Header) -> int:
    """Return the bytes of data after a header, whole records."""
    shape = [int(header[f"NAXIS{i}"]) for i in range(1, int(header["NAXIS"]) + 1)]
    values = math.prod(shape) * abs(int(header["BITPIX"])) // 8 if shape else 0
    return -(-(values + int(header.get("PCOUNT", 0))) // _RECORD) * _RECORD


def read_fits(path: Path) -> Table:
    """Read the first table of a FITS file."""
    table = Table.read(
        path, hdu=1, format="fits", mask_invalid=False, character_as_bytes=False, unit_parse_strict="silent"
    )
    for i, column in enumerate(table.columns.values(), start=1):
        text = str(table.meta.get(f"TCOMM{i}", ""))
        if text.endswith(_DEX):
            column.unit = "dex"
        column.description = text.removesuffix(_DEX)
        column.meta["ucd"] = table.meta.get(f"TUCD{i}")
    pairs = [(_KEYS.get(keyword, keyword.lower()), value) for keyword, value in table.meta.items()]
    table.meta = unflatten_provenance(pairs)
    return table
