"""The file formats of a catalogue, each with its units, descriptions and provenance."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units
from astropy.table import Column, Table

from bayescannon.data.display import visible
from bayescannon.io.catalogue_fits import read_fits, write_fits
from bayescannon.io.catalogue_hash import catalogue_hash
from bayescannon.io.catalogue_mrt import read_mrt, rounded, write_mrt
from bayescannon.io.catalogue_provenance import DIGEST, CatalogueError, NoCatalogueError
from bayescannon.io.catalogue_rows import CatalogueRows
from bayescannon.io.catalogue_style import ColumnStyle, column_style, stored_dtype
from bayescannon.io.catalogue_text import read_ecsv, read_votable, write_ecsv, write_votable

# Units that the standards do not define. FITS has no dex: the column has no unit there, and its description ends with
# [dex]. VOUnit quotes foreign units, and CDS writes dex of a pure number as [-], which astropy reads as dex(---).
_DEX_SPELLINGS = ("dex", "'dex'", "dex(---)", "dex(1)")


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
        if data.dtype.kind == "U" and not "".join(data.tolist()).isprintable():
            # what a terminal would obey does not reach those who print the table
            data = np.array([visible(text, keep="") for text in data.tolist()], dtype=np.str_)
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
        Write rows to a path that does not exist yet.
    read : callable
        Read it back, to be completed by :func:`plain_columns`.
    packages : tuple of str
        Packages that must be installed, by the extra with the name of the format.
    rounded : callable, optional
        Return a table as it is read after it was written, of a format that rounds.
    """

    write: Callable[[CatalogueRows, Path], None]
    read: Callable[[Path], Table]
    packages: tuple[str, ...] = ()
    rounded: Callable[[Table], Table] | None = None

    def signed(self, rows: CatalogueRows) -> CatalogueRows:
        """Return the rows with the digest of what the file will hold in the provenance; FITS has its own checksums."""
        if self.write is write_fits:
            return rows
        pieces = rows.pieces()
        digest = catalogue_hash(rows.template, pieces if self.rounded is None else map(self.rounded, pieces))
        template = rows.template.copy()
        template.meta[DIGEST] = digest
        return replace(rows, template=template)

    def require_packages(self) -> None:
        """Raise CatalogueError if a package that this format needs is not installed."""
        for package in self.packages:
            if importlib.util.find_spec(package) is None:
                raise CatalogueError(
                    f"parquet catalogues need the package {package}; install it with "
                    "'pip install pyarrow', or choose another ending"
                )


def _write_parquet(rows: CatalogueRows, path: Path) -> None:
    """Write parquet, with the library that is slow to import."""
    from bayescannon.io.catalogue_parquet import write_parquet

    write_parquet(rows, path)


def _read_parquet(path: Path) -> Table:
    """Read parquet."""
    from bayescannon.io.catalogue_parquet import read_parquet

    return read_parquet(path)


# by the ending of the file's name
FORMATS: dict[str, CatalogueFormat] = {
    ".fits": CatalogueFormat(write_fits, read_fits),
    ".ecsv": CatalogueFormat(write_ecsv, read_ecsv),
    ".parquet": CatalogueFormat(_write_parquet, _read_parquet, ("pyarrow",)),
    ".vot": CatalogueFormat(write_votable, read_votable),
    ".mrt": CatalogueFormat(write_mrt, read_mrt, rounded=rounded),
}


def ending_of(path: Path) -> str:
    """Return the ending of a path, which chooses the format."""
    if path.suffix not in FORMATS:
        raise NoCatalogueError(
            f"the ending of a catalogue must be one of {', '.join(FORMATS)}; got {path.suffix or 'none'!r} "
            f"in {path.name!r}"
        )
    return path.suffix
