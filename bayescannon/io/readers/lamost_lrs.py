"""The reader of LAMOST's low-resolution spectra."""

from pathlib import Path

from bayescannon.io.lamost import file_bytes, is_lamost, lamost_result
from bayescannon.io.readers.lamost_mrs import is_medium_resolution
from bayescannon.io.readers.reader import Reader, ReadResult


def read(path: Path) -> ReadResult:
    """Read one file, see :func:`bayescannon.io.lamost.read_lamost`."""
    return lamost_result(file_bytes(path), str(path))


def recognises(head: bytes, path: Path) -> bool:
    """Tell whether a file is of LAMOST and not of its medium-resolution survey."""
    return is_lamost(head) and not is_medium_resolution(head, path)


READER = Reader("lamost-lrs", read, "LAMOST low resolution, every layout of DR1 to DR10", recognises=recognises)
