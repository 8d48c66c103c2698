"""The file formats of a catalogue, each with its units, descriptions and provenance."""

import importlib.util
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units
from astropy.io import fits, votable
from astropy.io.votable.exceptions import W50
from astropy.io.votable.tree import Info
from astropy.table import Column, Table

from bayescannon.io.catalogue_mrt import read_mrt, write_mrt
from bayescannon.io.catalogue_provenance import (
    EXPLANATIONS,
    CatalogueError,
    flatten_provenance,
    unflatten_provenance,
)
from bayescannon.io.catalogue_style import ColumnStyle, column_style, stored_dtype

# endings of formats for ASCII alone
_ASCII = ("fits", "mrt")
# FITS keywords have at most eight characters
_FITS_KEYWORDS = {
    "model_hash": "MODHASH",
    "n_starts": "NSTARTS",
    "data_release": "DATAREL",
    "model_release": "MODELREL",
    "reference": "REFERENC",
    "posterior_width": "POSTWIDT",
    "populations": "POPULATN",
    "population_notes": "POPNOTES",
    "selection": "SELECTED",
    "nuisances": "NUISANCE",
}
_FITS_KEYS = {keyword: key for key, keyword in _FITS_KEYWORDS.items()}

# Units that the standards do not define. FITS has no dex: the column has no unit there, and its description ends with
# [dex]. VOUnit quotes foreign units, and CDS writes dex of a pure number as [-], which astropy reads as dex(---).
_FITS_DEX = " [dex]"
_VO_DEX = "'dex'"
_DEX_SPELLINGS = ("dex", _VO_DEX, "dex(---)", "dex(1)")


def plain_columns(table: Table) -> Table:
    """
    Return a table with the columns in the form of a catalogue; applied before writing and after reading.

    Numbers get the types of :mod:`bayescannon.io.catalogue_style`; masked values become NaN or empty text; the unit of
    a pure number is dimensionless; and dex has one spelling, whichever the file uses.

    Raises
    ------
    CatalogueError
        A column has more than one value per star, or is neither number nor text.
    """
    plain = Table(meta=table.meta)
    for column in Table(table, copy=False).columns.values():
        kind = column.dtype.kind
        if column.ndim != 1 or kind not in "fiuUSO":
            raise CatalogueError(
                f"a catalogue column must hold one number or text per star; {column.name!r} has shape "
                f"{column.shape} and type {column.dtype}. Split it, or make integers of it"
            )
        missing: Any = {"f": np.nan, "i": 0, "u": 0}.get(kind, "")
        data = np.asarray(column.filled(missing) if hasattr(column, "filled") else column)
        data = data.astype(stored_dtype(column.name, data.dtype))
        style = column_style(column.name)
        ucd = style.ucd if style else column.meta.get("ucd")
        plain[column.name] = Column(
            data,
            unit=_plain_unit(column.unit) if kind in "fiu" else None,
            description=" ".join((column.description or "").split()),
            format=_format(style, data.dtype),
            meta={"ucd": ucd} if ucd else {},
        )
    return plain


def _format(style: ColumnStyle | None, dtype: np.dtype[Any]) -> str | None:
    """Return the format of a column; four decimals for a column of numbers that this package does not define."""
    if dtype.kind != "f":
        return None
    return style.format if style and style.format else ".4f"


def _plain_unit(unit: Any) -> units.UnitBase:
    """Return the unit in one spelling; no unit means dimensionless."""
    return units.Unit("dex" if str(unit) in _DEX_SPELLINGS else str(unit or ""))


@dataclass(frozen=True)
class CatalogueFormat:
    """
    How to write and read one format.

    Attributes
    ----------
    write : callable
        Write a table to a path that does not exist yet.
    read : callable
        Read it back, to be completed by :func:`plain_columns`.
    packages : tuple of str
        Packages that must be installed, by the extra with the name of the format.
    """

    write: Callable[[Table, Path], None]
    read: Callable[[Path], Table]
    packages: tuple[str, ...] = ()

    def require_packages(self) -> None:
        """Raise CatalogueError if a package that this format needs is not installed."""
        for package in self.packages:
            if importlib.util.find_spec(package) is None:
                raise CatalogueError(
                    f"parquet catalogues need the package {package}; install it with "
                    "'pip install bayescannon[parquet]', or choose another ending"
                )


def _write_fits(table: Table, path: Path) -> None:
    """Write a binary table whose header holds units (TUNIT), descriptions (TCOMM), UCDs (TUCD) and provenance."""
    _require_ascii(table, "fits")
    bare = table.copy(copy_data=False)
    bare.meta.clear()
    for column in bare.columns.values():
        column.unit = None
    hdu = fits.table_to_hdu(bare)
    hdu.header["EXTNAME"] = "CATALOGUE"
    for i, column in enumerate(table.columns.values(), start=1):
        unit, dex = _fits_unit(column)
        if column.meta.get("ucd"):
            hdu.header.set(f"TUCD{i}", column.meta["ucd"], after=f"TFORM{i}")
        hdu.header.set(f"TCOMM{i}", column.description + dex, after=f"TFORM{i}")
        if unit:
            hdu.header.set(f"TUNIT{i}", unit, after=f"TFORM{i}")
    for key, value in flatten_provenance(table.meta):
        # a comment after a long value would be cut
        comment = EXPLANATIONS.get(key, "") if len(str(value)) < 20 else ""
        hdu.header[_FITS_KEYWORDS.get(key, key.upper())] = (value, comment)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def _fits_unit(column: Column) -> tuple[str, str]:
    """Return the unit of a column in FITS spelling, and the end of its description if FITS lacks the unit."""
    if str(column.unit or "") == "dex":
        return "", _FITS_DEX
    return (column.unit.to_string("fits") if column.unit else ""), ""


def _read_fits(path: Path) -> Table:
    """Read the first table of a FITS file."""
    table = Table.read(
        path, hdu=1, format="fits", mask_invalid=False, character_as_bytes=False, unit_parse_strict="silent"
    )
    for i, column in enumerate(table.columns.values(), start=1):
        text = str(table.meta.get(f"TCOMM{i}", ""))
        if text.endswith(_FITS_DEX):
            column.unit = "dex"
        column.description = text.removesuffix(_FITS_DEX)
        column.meta["ucd"] = table.meta.get(f"TUCD{i}")
    pairs = [(_FITS_KEYS.get(keyword, keyword.lower()), value) for keyword, value in table.meta.items()]
    table.meta = unflatten_provenance(pairs)
    return table


def _write_ecsv(table: Table, path: Path) -> None:
    """Write text with a YAML header, which holds units, descriptions and provenance."""
    table.write(path, format="ascii.ecsv")


def _read_ecsv(path: Path) -> Table:
    """Read text with a YAML header."""
    return Table.read(path, format="ascii.ecsv")


def _write_parquet(table: Table, path: Path) -> None:
    """Write parquet; its schema holds units, descriptions and provenance in the form of an ECSV header."""
    table.write(path, format="parquet")


def _read_parquet(path: Path) -> Table:
    """Read parquet."""
    return Table.read(path, format="parquet")


def _write_votable(table: Table, path: Path) -> None:
    """Write a VOTable (BINARY2); its INFO elements hold the provenance."""
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
    tree.to_xml(str(path), tabledata_format="binary2")


def _read_votable(path: Path) -> Table:
    """Read the first table of a VOTable."""
    element = votable.parse(path, verify="ignore").get_first_table()
    table = element.to_table()
    table.meta = unflatten_provenance((info.name, info.value) for info in element.infos)
    return table


def _write_mrt(table: Table, path: Path) -> None:
    """Write a machine-readable table of the AAS."""
    _require_ascii(table, "mrt")
    write_mrt(table, path)


def _require_ascii(table: Table, ending: str) -> None:
    """Raise CatalogueError if a text column holds text that is not ASCII."""
    for column in table.columns.values():
        if column.dtype.kind == "U":
            require_text(column.name, column.tolist(), ending)


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


# by the ending of the file's name
FORMATS: dict[str, CatalogueFormat] = {
    ".fits": CatalogueFormat(_write_fits, _read_fits),
    ".ecsv": CatalogueFormat(_write_ecsv, _read_ecsv),
    ".parquet": CatalogueFormat(_write_parquet, _read_parquet, ("pyarrow",)),
    ".vot": CatalogueFormat(_write_votable, _read_votable),
    ".mrt": CatalogueFormat(_write_mrt, read_mrt),
}
