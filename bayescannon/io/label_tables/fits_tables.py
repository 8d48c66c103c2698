"""Tables of a FITS file, of every extension; a file with bytes missing is refused."""

import gzip
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Column, MaskedColumn

from bayescannon.io.fits_sizes import require_fits_sizes
from bayescannon.io.label_tables.found_table import FoundTable, TableError
from bayescannon.io.lamost import GZIP_MAGIC
from bayescannon.io.size_limits import UNPACKED_TABLE, SizeLimitError, size_text

_CHUNK = 1 << 24
_BLOCK = 2880


@contextmanager
def fits_tables(path: Path) -> Iterator[list[FoundTable]]:
    """
    Open a FITS file, gzipped or not, and give its tables; columns are loaded when they are asked for.

    Raises
    ------
    TableError
        The file cannot be read as FITS, has bytes missing, or holds no table.
    """
    try:
        size = _content_size(path)
        opened: Any = gzip.open(path) if _is_packed(path) else path.open("rb")  # noqa: SIM115
        with opened as stream:
            require_fits_sizes(stream, size, path.name)
        with warnings.catch_warnings():
            # astropy warns of unusual units and headers, which do not change the numbers
            warnings.simplefilter("ignore")
            with fits.open(path, memmap=True, lazy_load_hdus=False) as hdus:
                ends = [_end(hdu) for hdu in hdus]
                if max(ends) > size:
                    raise TableError(
                        f"{path} is cut: it holds {size} bytes, and its headers say {max(ends)}; copy it anew"
                    )
                tables = [_found(hdu, number) for number, hdu in enumerate(hdus) if _is_table(hdu)]
                if not tables:
                    raise TableError(f"{path} holds no table: nothing in it has columns; is it cut?")
                yield tables
    except TableError:
        raise
    except SizeLimitError as error:
        raise TableError(str(error)) from error
    except EOFError as error:
        raise TableError(f"{path} is cut: its compressed data end too early; copy it anew") from error
    except OSError as error:
        raise TableError(f"{path} cannot be read as FITS ({error})") from error


def _content_size(path: Path) -> int:
    """Return the bytes of a file, after decompression; reads a gzipped file to its end, which checks it."""
    if not _is_packed(path):
        return path.stat().st_size
    size = 0
    with gzip.open(path) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > UNPACKED_TABLE:
                raise TableError(
                    f"too large: {path} unpacks to more than {size_text(UNPACKED_TABLE)}; if it is what it should be, "
                    "unpack it with gunzip first"
                )
    return size


def _is_packed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def _end(hdu: Any) -> int:
    """Return where the data of an HDU end in the file: of a table exactly, of others without a block of padding."""
    info = hdu.fileinfo()
    start, span = int(info["datLoc"]), int(info["datSpan"])
    if not _is_table(hdu):
        return start + max(span - _BLOCK + 1, 0)
    header = hdu.header
    return start + int(header["NAXIS1"]) * int(header["NAXIS2"]) + int(header.get("PCOUNT", 0))


def _is_table(hdu: Any) -> bool:
    return isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and bool(hdu.columns.names)


def _found(hdu: Any, number: int) -> FoundTable:
    name = str(hdu.name).strip()
    return FoundTable(
        tuple(hdu.columns.names),
        _getter(hdu),
        int(hdu.header.get("NAXIS2", 0)),
        f"extension {number}" + (f" {name!r}" if name else ""),
        (str(number), name) if name else (str(number),),
        str(hdu.header.get("FLAGTYPE", "")),
    )


def _getter(hdu: Any) -> Callable[[str], Any]:
    def get(name: str) -> Any:
        column = hdu.columns[hdu.columns.names.index(name)]
        values = np.asarray(hdu.data.field(hdu.columns.names.index(name)))
        if values.dtype.kind in "iu" and column.null is not None and str(column.null).strip("-").isdigit():
            return MaskedColumn(values, unit=column.unit, mask=values == int(column.null))
        return Column(values, unit=column.unit)

    return get
