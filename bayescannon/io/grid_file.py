"""A grid of a file: of a store, a model, or a text, npy, npz or FITS file with one column."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.grid_choice import choose_grid, is_grid_text
from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.fits_sizes import fits_source
from bayescannon.io.hdf5_check import hdf5_fault, heap_fault
from bayescannon.io.lamost import FITS_MAGIC
from bayescannon.io.npy_sizes import npy_header
from bayescannon.io.readers.array_file import HDF5_MAGIC, ZIP_MAGIC, open_arrays
from bayescannon.io.size_limits import TEXT_LIST, UNPACKED_SPECTRUM, SizeLimitError, read_limited
from bayescannon.io.store import open_store
from bayescannon.numerics.errors import InputError, MissingFileError

NAMES = ("wavelength", "wavelengths", "wave", "lambda")
NPY_MAGIC = b"\x93NUMPY"


def as_grid(given: Any, default: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return a grid that is given as an array, a text, or the path of a file that has one; the default if it is None.

    Parameters
    ----------
    given : array of shape (pixel,), str, Path or None
        A text such as ``4000:7000:0.5`` (:func:`bayescannon.data.grid_choice.parse_grid`), or the path of a store, a
        model, or a text, npy, npz or FITS file with one column, or one named wavelength [Angstrom].
    default : float64 array of shape (pixel,)

    Raises
    ------
    InputError
        There is no such file, or several columns could be meant, or the grid cannot be used.

    Examples
    --------
    >>> as_grid("5000:5002:1", np.array([1.0])).tolist()
    [5000.0, 5001.0, 5002.0]
    """
    if not isinstance(given, str | os.PathLike):
        return choose_grid(given, default)
    path = Path(given)
    if isinstance(given, str) and (is_grid_text(given) or not given.strip() or (":" in given and not path.exists())):
        return choose_grid(given, default)
    if not path.exists():
        raise MissingFileError(
            f"there is no file {path} with a grid; a grid is start:stop:step[:log] in Angstrom, or a store, a model, "
            "or a text, npy, npz or FITS file with one column"
        )
    try:
        values = _values(path)
    except (SpectrumError, SizeLimitError) as error:
        raise InputError(f"{path} has no grid that can be read: {error}") from error
    except InputError:
        raise
    except Exception as error:  # each library has exceptions of its own for damaged files
        raise InputError(f"{path} has no grid that can be read: {error}") from error
    try:
        return choose_grid(np.asarray(values, dtype=np.float64), default)
    except InputError as error:
        raise InputError(f"the grid in {path} cannot be used: {error}") from error


def _values(path: Path) -> Any:
    """Return the grid in a file."""
    if path.is_dir():
        with open_store(path) as dataset:
            return dataset["wavelength"].to_numpy()
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(NPY_MAGIC):
        with path.open("rb") as file:
            npy_header(file, path.stat().st_size, path.name)
        return _column(np.load(path, allow_pickle=False), path)
    if head.startswith(ZIP_MAGIC):
        with open_arrays(path) as file:
            return _named({name: array.rows() for name, array in file.arrays.items()}, path)
    if head.startswith(HDF5_MAGIC):
        return _hdf5(path)
    if head.startswith((FITS_MAGIC, b"\x1f\x8b")):
        return _fits(path)
    return _text(path)


def _named(arrays: dict[str, Any], path: Path) -> Any:
    """Return the only array, or the one that is named wavelength."""
    lower = {name.lower(): name for name in arrays}
    found = next((lower[name] for name in NAMES if name in lower), None)
    if found is None and len(arrays) == 1:
        found = next(iter(arrays))
    if found is None:
        raise InputError(f"{path} has {', '.join(arrays) or 'no arrays'}; expected one column, or one named wavelength")
    return _column(arrays[found], path)


def _column(values: Any, path: Path) -> Any:
    """Return values of one column as shape (pixel,)."""
    values = np.asarray(values)
    if values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)
    if values.ndim != 1:
        raise InputError(f"{path} has an array of shape {values.shape}; expected one column of wavelengths")
    return values


def _hdf5(path: Path) -> Any:
    """Return the only array named wavelength, in whatever group, such as that of a model."""
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and name.rpartition("/")[2].lower() in NAMES:
            found[name] = item[()]

    fault = heap_fault(path)
    if fault:
        raise InputError(f"{path} {fault}")
    with h5py.File(path, "r", locking=False) as file:
        fault = hdf5_fault(file, path.stat().st_size)
        if fault:
            raise InputError(f"{path} {fault}")
        file.visititems(visit)
    values = list(found.values())
    if not values or any(not np.array_equal(one, values[0]) for one in values[1:]):
        raise InputError(f"{path} has {len(found)} arrays named wavelength ({', '.join(found)}); expected one")
    return _column(values[0], path)


def _fits(path: Path) -> Any:
    """Return a one-dimensional image, or a column of the first table that has one."""
    from astropy.io import fits

    with fits.open(fits_source(path, UNPACKED_SPECTRUM), memmap=False) as hdus:
        for hdu in hdus:
            if isinstance(hdu, fits.BinTableHDU):
                return _named({name: np.asarray(hdu.data[name]) for name in hdu.columns.names}, path)
            if hdu.data is not None:
                return _column(hdu.data, path)
    raise InputError(f"{path} has neither a table nor an image")


def _text(path: Path) -> Any:
    """Return the column of a text file, with or without a header."""
    lines = read_limited(path, TEXT_LIST, "a text with one column").decode("utf-8-sig").splitlines()
    words = [line.split("#")[0].replace(",", " ").split() for line in lines]
    rows = [row for row in words if row]
    if rows and not _is_number(rows[0][0]):
        names, rows = rows[0], rows[1:]
    else:
        names = [f"column {k + 1}" for k in range(len(rows[0]) if rows else 0)]
    if any(len(row) != len(names) for row in rows) or not rows:
        raise InputError(f"{path} is no text file with one column of wavelengths")
    return _named({name: np.array([float(row[k]) for row in rows]) for k, name in enumerate(names)}, path)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
