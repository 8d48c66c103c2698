"""
Spectra of more stars than memory holds: flux and inverse variance in a scratch file, pixel by pixel.

The stars are read from their store once, in blocks, and written so that each pixel of all stars is contiguous, which is
how training reads them. What is computed of them is the same as of spectra in memory, to the byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.spectra import Spectra, row_index
from bayescannon.io.size_limits import memory_of_machine, size_text
from bayescannon.io.store import open_reader
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.mapped import ScratchFile, release

# stars that are read from the store at once
_READ = 4096
# pixels whose pages are given back together
_RELEASED = 128
# bytes of a star's pixel while spectra are loaded and trained on in memory: flux, ivar, copies of them in another order
_BYTES = 20
# the share of the free memory that spectra may take
_SHARE = 0.5


@dataclass(frozen=True, eq=False, repr=False)
class MappedSpectra(Spectra):
    """
    Spectra whose flux and ivar are mapped; few of them, as `select` returns them, are Spectra in memory.

    Attributes
    ----------
    limit : int
        Bytes that spectra in memory may take.
    """

    limit: int = 0

    def __post_init__(self) -> None:
        # they come from a store, whose rows were checked in blocks
        n_star = len(self.id)
        columns = {name: np.asarray(values) for name, values in dict(self.columns).items()}
        if self.flux.shape != (n_star, len(self.wavelength)) or self.ivar.shape != self.flux.shape:
            raise InputError(
                f"flux and ivar must have shape (star, pixel); got {self.flux.shape} and {self.ivar.shape}"
            )
        if any(len(values) != n_star for values in columns.values()):
            raise InputError(f"columns must have one value per star ({n_star})")
        object.__setattr__(self, "columns", columns)

    def select(self, index: Any) -> Spectra:
        """Return some of the stars: in memory if they fit, in another scratch file otherwise."""
        rows = np.arange(len(self))[row_index(index, len(self))]
        columns = {name: values[rows] for name, values in self.columns.items()}
        if _needed(len(rows), len(self.wavelength)) <= self.limit:
            flux, ivar = self._gathered(self.flux, rows), self._gathered(self.ivar, rows)
            return Spectra(self.wavelength, flux, ivar, self.id[rows], columns, self.attrs)
        files = [ScratchFile(len(rows), len(self.wavelength)) for _ in range(2)]
        for file, data in zip(files, (self.flux, self.ivar), strict=True):
            for pixel in range(data.shape[1]):
                file.write_column(pixel, data[:, pixel][rows])
                release(data[:, pixel])
        flux, ivar = (file.array() for file in files)
        return replace(self, flux=flux, ivar=ivar, id=self.id[rows], columns=columns)

    @staticmethod
    def _gathered(data: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
        chosen = np.empty((len(rows), data.shape[1]), dtype=np.float32)
        for first in range(0, data.shape[1], _RELEASED):
            some = data[:, first : first + _RELEASED]
            for pixel, values in enumerate(some.T, start=first):
                chosen[:, pixel] = values[rows]
            release(some)
        return chosen


def _needed(n_star: int, n_pixel: int) -> int:
    return _BYTES * n_star * n_pixel


def memory_limit(memory: float | None) -> int:
    """Return the bytes that spectra may take: `memory` GB, or a share of what is free unless given."""
    return int(_SHARE * available_memory()) if memory is None else int(memory * 1e9)


def available_memory() -> int:
    """Return the bytes of memory that are free, where the system says so; otherwise half of the machine's."""
    machine = memory_of_machine()
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return machine // 2
    return min(free, machine)


def load_reference_spectra(path: str | Path, rows: NDArray[np.intp], *, memory: float | None = None) -> Spectra:
    """
    Load stars of a store to train on.

    Parameters
    ----------
    path : path of a store
    rows : int array of shape (N,)
        Rows of the store, each once, in any order.
    memory : float, optional
        GB that the spectra may take in memory; half of what is free unless given. Spectra that need more are put into
        a scratch file.

    Returns
    -------
    spectra : Spectra
        In the order of `rows`; MappedSpectra if they do not fit.

    Raises
    ------
    InputError
        The disk has too little space for the scratch file.
    StoreError
        The store cannot be read.
    """
    reader = open_reader(path)
    n_pixel, limit = len(reader.wavelength), memory_limit(memory)
    if _needed(len(rows), n_pixel) <= limit:
        # chunks are read in the order of the store
        order, inverse = np.unique(rows, return_inverse=True)
        found = reader.spectra(order)
        return found if np.array_equal(inverse, np.arange(len(rows))) else found.select(inverse)
    flux, ivar = (ScratchFile(len(rows), n_pixel) for _ in range(2))
    ids, columns = [], []
    first = 0
    for block in _blocks(reader, rows):
        flux.write_rows(first, block.flux)
        ivar.write_rows(first, block.ivar)
        ids.append(block.id)
        columns.append(block.columns)
        first += len(block)
    joined = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
    return MappedSpectra(
        reader.wavelength, flux.array(), ivar.array(), np.concatenate(ids), joined, reader.attrs, limit
    )


def _blocks(reader: Any, rows: NDArray[np.intp]) -> Iterator[Spectra]:
    """Read rows in blocks, in their order."""
    for first in range(0, len(rows), _READ):
        some = rows[first : first + _READ]
        order, inverse = np.unique(some, return_inverse=True)
        found = reader.spectra(order)
        yield found if np.array_equal(order, some) else found.select(inverse)


def require_in_memory(spectra: Spectra, what: str) -> None:
    """
    Raise unless spectra are in memory, which `what` needs.

    Raises
    ------
    InputError
        They are in a scratch file.
    """
    if isinstance(spectra, MappedSpectra):
        needed = _needed(*spectra.flux.shape)
        raise InputError(
            f"{what} need the {len(spectra)} reference spectra in memory, {size_text(needed)} where "
            f"{size_text(spectra.limit)} may be taken; take fewer stars (max_per_cell, --max-per-cell, cuts), leave "
            f"{what} out, or allow more memory (memory, --memory)"
        )
