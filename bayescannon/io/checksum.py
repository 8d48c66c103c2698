"""
CRC-32C of bytes and files: finds damage, not forgery.

Bytes that end in their own CRC-32C all have the same CRC-32C, if they are of the same length. So a file whose chunks
carry checksums, as those of zarr's codec crc32c do, is told from others by these checksums, not by one of the file.
"""

from pathlib import Path

import google_crc32c
import numpy as np
from numpy.typing import NDArray

# bytes that are read at once
_PIECE = 1 << 22


def bytes_crc32c(content: bytes | NDArray[np.uint8], start: int = 0) -> int:
    """
    Return the CRC-32C of bytes; `start` is that of the bytes before them.

    Examples
    --------
    >>> f"{bytes_crc32c(b'123456789'):08x}"
    'e3069283'
    >>> bytes_crc32c(b"6789", bytes_crc32c(b"12345")) == bytes_crc32c(b"123456789")
    True
    """
    return int(google_crc32c.extend(start, content))


def file_crc32c(path: Path) -> int:
    """Return the CRC-32C of a file's contents, read in pieces; an error of the system if it cannot be read."""
    found = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found = bytes_crc32c(piece, found)
    return found
