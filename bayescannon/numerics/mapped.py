"""Arrays in mapped files: a scratch file without a name, and pages that are given back after use."""

import mmap
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError

# what is left free on the disk of a scratch file, at least
_LEFT_FREE = 1 << 28


class ScratchFile:
    """
    Columns of a table of float32 in a scratch file, each contiguous; the file is gone when the process ends.

    The file has no name, so that nothing is left of it however the process ends.

    Parameters
    ----------
    n_row, n_column : int
    folder : path or None
        Where the file is; the system's folder of temporary files (``TMPDIR``) unless given.

    Raises
    ------
    InputError
        The disk has too little space.
    """

    def __init__(self, n_row: int, n_column: int, folder: str | Path | None = None) -> None:
        self.shape = (n_row, n_column)
        place = Path(tempfile.gettempdir() if folder is None else folder)
        size, free = 4 * n_row * n_column, shutil.disk_usage(place).free
        if size + _LEFT_FREE > free:
            raise InputError(
                f"a scratch file of {size / 1e9:.1f} GB must fit into {place}, which has {free / 1e9:.1f} GB free; set "
                "TMPDIR to a folder with more space, or take fewer stars"
            )
        with tempfile.TemporaryFile(dir=place) as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        os.truncate(self._file, size)

    def write_rows(self, first: int, rows: NDArray[np.float32]) -> None:
        """Write consecutive rows (n, column) from row `first` on."""
        columns = np.ascontiguousarray(rows.T, dtype=np.float32)
        n_row = self.shape[0]
        for column, values in enumerate(columns):
            self._write(values, 4 * (column * n_row + first))

    def write_column(self, column: int, values: NDArray[np.float32]) -> None:
        """Write one column."""
        self._write(np.ascontiguousarray(values, dtype=np.float32), 4 * column * self.shape[0])

    def _write(self, values: NDArray[np.float32], offset: int) -> None:
        left = memoryview(values).cast("B")
        while len(left):
            written = os.pwrite(self._file, left, offset)
            left, offset = left[written:], offset + written

    def array(self) -> NDArray[np.float32]:
        """Return the table (row, column), mapped and read-only; its columns are contiguous."""
        n_row, n_column = self.shape
        # the map outlives this object and its file
        mapped = mmap.mmap(self._file, 4 * n_row * n_column, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, dtype=np.float32).reshape(n_column, n_row).T


def release(array: NDArray[Any]) -> None:
    """Give back the memory of the pages that a view of a mapped file was read through; other arrays are left alone."""
    whole: Any = array
    while isinstance(whole, np.ndarray) and isinstance(whole.base, np.ndarray):
        whole = whole.base
    mapped = whole.base.obj if isinstance(whole.base, memoryview) else whole.base
    if not isinstance(mapped, mmap.mmap) or not array.size or not hasattr(mmap, "MADV_DONTNEED"):
        return
    pages, _ = byte_bounds(whole)
    low, high = byte_bounds(array)
    start = (low - pages) // mmap.PAGESIZE * mmap.PAGESIZE
    mapped.madvise(mmap.MADV_DONTNEED, start, high - pages - start)
