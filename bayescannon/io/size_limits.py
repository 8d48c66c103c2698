"""
How much a file may make this package allocate: limits on what headers declare, and on what compressed data unpack to.

A declared size is believed if the file can hold it. Compression makes at most about a thousand bytes of one, so a
larger claim is false, whatever the format.
"""

import gzip
import io
import os
import zlib
from pathlib import Path
from typing import BinaryIO

from bayescannon.numerics.errors import InputError

# bytes that deflate makes of one, at most 1032; other compressors of these formats are not far from it on real data
RATIO = 1100
# any file may declare so many bytes: arrays of one value, which formats keep as that value
FREE = 1 << 26
# bytes of the unpacked file of one spectrum, of a table of labels, of a text that lists files or stars, of TOML
UNPACKED_SPECTRUM = 1 << 28
UNPACKED_TABLE = 1 << 32
TEXT_LIST = 1 << 28
TOML = 1 << 20
# levels of brackets and dots in TOML
TOML_DEPTH = 32
_CHUNK = 1 << 20
# what reading cut or damaged gzip data raises
GZIP_FAULTS = (EOFError, OSError, zlib.error)


class SizeLimitError(InputError):
    """A file that declares, or unpacks to, more than it may; nothing of that size was allocated."""


def require_held(declared: int, held: int, what: str) -> None:
    """
    Raise an error if a file declares more bytes than it can hold.

    Parameters
    ----------
    declared : int
        Bytes of the arrays that a header declares, unpacked; a Python int, as numpy's overflow.
    held : int
        Bytes of the file, or of the part of it that holds the arrays.
    what : str
        Names the file and the array, for the message.

    Raises
    ------
    SizeLimitError
        No compression makes so many bytes of so few.

    Examples
    --------
    >>> require_held(8 * 10**10, 20_000, "flux of a.npz")
    Traceback (most recent call last):
    bayescannon.io.size_limits.SizeLimitError: too large: flux of a.npz declares 74.5 GiB, and 19.5 KiB cannot hold ...
    """
    if declared < 0 or declared > FREE + RATIO * held:
        raise SizeLimitError(
            f"too large: {what} declares {size_text(declared)}, and {size_text(held)} cannot hold that; the file is "
            "damaged or not what its name says. Get it again"
        )


def size_text(size: int) -> str:
    """
    Return a number of bytes as people read it.

    Examples
    --------
    >>> size_text(1536), size_text(10), size_text(-1)
    ('1.5 KiB', '10 bytes', 'a negative size')
    """
    if size < 0:
        return "a negative size"
    if size < 1024:
        return f"{size} bytes"
    value, unit = size / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.1f} {unit}" if value < 1e6 else f"{value:.1e} {unit}"


def unpack_gzip(packed: bytes | Path, limit: int, what: str) -> bytes:
    """
    Return gzipped data unpacked, of one stream or several.

    Parameters
    ----------
    packed : bytes or Path
        The data, or the file that holds them.
    limit : int
        Bytes that they may unpack to.
    what : str
        Names the file, for the message.

    Raises
    ------
    SizeLimitError
        They unpack to more than `limit`; at most `limit` bytes were unpacked.
    EOFError, OSError, zlib.error
        They are cut or damaged.

    Examples
    --------
    >>> unpack_gzip(gzip.compress(b"teff"), 10, "a.gz")
    b'teff'
    """
    source: BinaryIO | Path = packed if isinstance(packed, Path) else io.BytesIO(packed)
    parts: list[bytes] = []
    with gzip.open(source) as stream:
        for part in iter(lambda: stream.read(_CHUNK), b""):
            parts.append(part)
            limit -= len(part)
            if limit < 0:
                raise SizeLimitError(
                    f"too large: {what} unpacks to more than {size_text(limit + sum(map(len, parts)))}; if it is what "
                    "it should be, unpack it with gunzip first"
                )
    return b"".join(parts)


def read_limited(path: Path, limit: int, what: str) -> bytes:
    """
    Return the bytes of a file that may have at most `limit`.

    Raises
    ------
    SizeLimitError
        It has more.
    OSError
        It cannot be read.
    """
    with path.open("rb") as stream:
        # not by the size that the system says, which is 0 for pipes
        parts: list[bytes] = []
        left = limit
        for part in iter(lambda: stream.read(_CHUNK), b""):
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise SizeLimitError(f"too large: {path} has more than {size_text(limit)}; expected {what}")
    return b"".join(parts)


def memory_of_machine() -> int:
    """Return the bytes of memory of this machine; a large number where that is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**48


def require_memory(n_bytes: int, what: str) -> None:
    """
    Raise an error if `what` needs more memory than this machine has.

    Raises
    ------
    SizeLimitError

    Examples
    --------
    >>> require_memory(10**18, "10^12 spectra")
    Traceback (most recent call last):
    bayescannon.io.size_limits.SizeLimitError: too large: 10^12 spectra need 909494.7 TiB of memory, ...
    """
    available = memory_of_machine()
    if n_bytes > available:
        raise SizeLimitError(
            f"too large: {what} need {size_text(n_bytes)} of memory, and this machine has {size_text(available)}; read "
            "fewer at a time"
        )
