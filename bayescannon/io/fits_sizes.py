"""What the headers of a FITS file declare, checked before a library allocates it or counts up to it."""

import io
import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import BinaryIO

from bayescannon.io.size_limits import FREE, SizeLimitError, require_held, size_text, unpack_gzip

_BLOCK, _CARD, _KEY = 2880, 80, 8
_END = b"END".ljust(_CARD)
_GZIP = b"\x1f\x8b"
# of axes and of columns, by the FITS standard 4.0, sections 4.4.1 and 7.3.1
_MOST = 999
_HEADER = 1 << 24
_COUNTED = re.compile(rb"(BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|ZBITPIX|ZNAXIS\d*) *= *([^/]*)")
_WHOLE = re.compile(rb"\s*([+-]?\d{1,40})\s*")


def require_fits_sizes(data: bytes | BinaryIO, size: int, what: str) -> None:
    """
    Raise an error if headers of a FITS file declare more than the file can hold.

    Only claims beyond any doubt are refused, so that readers still say what is cut, and what is no FITS.

    Parameters
    ----------
    data : bytes or binary stream
        The file from its beginning, not compressed; a stream is read forward only.
    size : int
        Bytes of the file.
    what : str
        Names the file, for the message.

    Raises
    ------
    SizeLimitError
        More than 999 axes or columns, a size that is no whole number or negative, or an array that is not in the file.

    Examples
    --------
    >>> card = lambda key, value: f"{key:8}= {value:>20}".ljust(80).encode()
    >>> header = card("SIMPLE", "T") + card("BITPIX", 8) + card("NAXIS", 10**20) + b"END".ljust(80)
    >>> require_fits_sizes(header.ljust(2880), 2880, "a.fits")
    Traceback (most recent call last):
    bayescannon.io.size_limits.SizeLimitError: too large: a.fits declares NAXIS = 100000000000000000000, and FITS ...
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    for number, (values, left) in enumerate(_headers(stream, size, what)):
        where = f"extension {number} of {what}" if number else what
        for key in ("NAXIS", "TFIELDS", "ZNAXIS"):
            if not 0 <= values.get(key, 0) <= _MOST:
                raise SizeLimitError(
                    f"too large: {what} declares {key} = {values[key]}, and FITS has at most {_MOST}; the file is "
                    "damaged. Get it again"
                )
        declared = _data_size(values)
        if not 0 <= declared <= left + FREE:
            raise SizeLimitError(
                f"too large: {where} declares {size_text(declared)}, and the file has {size_text(left)} "
                "more; it is cut or damaged. Get it again"
            )
        if "ZNAXIS" in values:
            # an image in compressed tiles, which are the data of a table
            axes = [values.get(f"ZNAXIS{n}", 0) for n in range(1, values["ZNAXIS"] + 1)]
            require_held(_product(axes) * max(abs(values.get("ZBITPIX", 8)) // 8, 1), left, f"the image in {where}")


def fits_source(path: Path, limit: int) -> BinaryIO | Path:
    """
    Return what astropy may open of a FITS file whose headers were checked: the path, or the unpacked data of a gzip.

    Raises
    ------
    SizeLimitError
        As :func:`require_fits_sizes`, or it unpacks to more than `limit` bytes.
    EOFError, OSError, zlib.error
        It cannot be read, or its compressed data are damaged.
    """
    with path.open("rb") as stream:
        packed = stream.read(len(_GZIP)) == _GZIP
        if not packed:
            stream.seek(0)
            require_fits_sizes(stream, path.stat().st_size, path.name)
            return path
    data = unpack_gzip(path, limit, path.name)
    require_fits_sizes(data, len(data), path.name)
    return io.BytesIO(data)


def _headers(stream: BinaryIO, size: int, what: str) -> Iterator[tuple[dict[str, int], int]]:
    """Yield the numbers of each header that sizes follow from, and the bytes behind it."""
    place = 0
    while place < size:
        values: dict[str, int] = {}
        start = place
        ended = False
        while not ended:
            block = stream.read(_BLOCK)
            if len(block) < _BLOCK or (place == 0 and not block.startswith(b"SIMPLE  =")):
                return
            place += len(block)
            if place - start > _HEADER:
                raise SizeLimitError(f"too large: a header of {what} does not end within {size_text(_HEADER)}")
            for at in range(0, _BLOCK, _CARD):
                card = block[at : at + _CARD]
                if card == _END:
                    ended = True
                    break
                match = _COUNTED.match(card)
                if match:
                    key, number = match[1].decode(), _WHOLE.fullmatch(match[2])
                    if number is None:
                        # astropy counts up to such a value too, a large decimal number for instance
                        text = match[2].decode("ascii", "replace").strip()
                        raise SizeLimitError(f"too large: {what} declares {key} = {text}, which is no whole number")
                    # the first of several counts
                    values.setdefault(key, int(number[1]))
        yield values, size - place
        skip = -(-max(_data_size(values), 0) // _BLOCK) * _BLOCK
        if place + skip >= size:
            return
        # forward only: seeking of compressed streams reads too
        stream.seek(skip, io.SEEK_CUR)
        place += skip


def _data_size(values: dict[str, int]) -> int:
    """Return the bytes of the data behind a header, without padding; -1 if an axis is negative."""
    if not values.get("NAXIS", 0):
        return 0
    axes = [values.get(f"NAXIS{n}", 0) for n in range(1, min(values["NAXIS"], _MOST) + 1)]
    if min(axes) < 0 or values.get("PCOUNT", 0) < 0 or values.get("GCOUNT", 1) < 0:
        return -1
    # random groups have an empty first axis
    whole = _product(axes if axes[0] else axes[1:])
    return abs(values.get("BITPIX", 8)) // 8 * values.get("GCOUNT", 1) * (values.get("PCOUNT", 0) + whole)


def _product(axes: list[int]) -> int:
    return prod(axes) if axes else 0
