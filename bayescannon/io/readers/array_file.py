"""Files of named arrays behind one interface: npz, HDF5, zarr and parquet, rows of which are read as needed."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.hdf5_check import hdf5_fault, heap_fault
from bayescannon.io.label_tables.arrow_tables import parquet_file
from bayescannon.io.npy_sizes import npy_header, require_npz_sizes
from bayescannon.io.size_limits import SizeLimitError, require_held

ZIP_MAGIC, HDF5_MAGIC, PARQUET_MAGIC = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"PAR1"


@dataclass
class NamedArray:
    """
    One array of a file: its shape, its attributes, and a function that reads rows of it.

    Attributes
    ----------
    shape : tuple of int
        The first axis counts rows; of a list per row in a table, the second is the length of the first list.
    rows : callable
        Takes a first row and a last, not included, and returns the array of them; without arguments all of it.
    attrs : mapping
    """

    shape: tuple[int, ...]
    rows: Any
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class ArrayFile:
    """Named arrays, in lower case, and the attributes of the file."""

    arrays: dict[str, NamedArray]
    attrs: Mapping[str, Any]
    notes: dict[str, int] = field(default_factory=dict)


def array_format(head: bytes, path: Path) -> str:
    """Return the format of a file of arrays, by content: npz, hdf5, parquet, zarr or an empty text."""
    if path.is_dir():
        return "zarr" if any((path / name).exists() for name in ("zarr.json", ".zgroup")) else ""
    for magic, name in ((ZIP_MAGIC, "npz"), (HDF5_MAGIC, "hdf5"), (PARQUET_MAGIC, "parquet")):
        if head.startswith(magic):
            return name
    return ""


@contextmanager
def open_arrays(path: Path) -> Iterator[ArrayFile]:
    """
    Open a file of arrays.

    Raises
    ------
    SpectrumError
        It is missing, damaged, or of another format; or objects are in it, which are never loaded.
    """
    if not path.exists():
        raise SpectrumError("no such file: check the folder or the list of files")
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(16)
    kind = array_format(head, path)
    if not kind:
        raise SpectrumError("unknown format: expected npz, HDF5, parquet or zarr")
    with ExitStack() as stack:
        try:
            opened = _OPEN[kind](path, stack)
        except SpectrumError:
            raise
        except SizeLimitError as error:
            raise SpectrumError(str(error)) from error
        except Exception as error:  # each library has exceptions of its own for damaged files
            raise SpectrumError(f"damaged {kind}: {type(error).__name__}: {error}") from error
        yield opened


def _npz(path: Path, stack: ExitStack) -> ArrayFile:
    """Open an npz archive; rows are read from the archive's stream, and no pickled object is loaded."""
    archive = stack.enter_context(zipfile.ZipFile(path))
    require_npz_sizes(archive, path.name)
    arrays = {}
    for member in archive.namelist():
        name = member.removesuffix(".npy").lower()
        with archive.open(member) as stream:
            shape, fortran, dtype, place = npy_header(stream, archive.getinfo(member).file_size, member)
        arrays[name] = NamedArray(shape, _npz_rows(archive, member, shape, fortran, dtype, place))
    texts = {name: str(array.rows()) for name, array in arrays.items() if array.shape == ()}
    return ArrayFile(arrays, texts)


def _npz_rows(
    archive: zipfile.ZipFile, member: str, shape: tuple[int, ...], fortran: bool, dtype: Any, place: int
) -> Any:
    """Return a function that reads rows of one member."""

    def rows(start: int = 0, stop: int | None = None) -> NDArray[Any]:
        with archive.open(member) as stream:
            if fortran or shape == ():
                whole = np.lib.format.read_array(stream, allow_pickle=False)
                return whole if shape == () else whole[start:stop]
            stop = shape[0] if stop is None else min(stop, shape[0])
            size = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
            stream.seek(place + start * size)
            data = stream.read((stop - start) * size)
        return np.frombuffer(data, dtype).reshape(stop - start, *shape[1:])

    return rows


def _hdf5(path: Path, stack: ExitStack) -> ArrayFile:
    """Open an HDF5 file: the datasets of its root, or those of its only group that has spectra."""
    import h5py

    fault = heap_fault(path)
    if fault:
        raise SpectrumError(f"damaged HDF5: the file {fault}")
    file = stack.enter_context(h5py.File(path, "r", locking=False))
    fault = hdf5_fault(file, path.stat().st_size)
    if fault:
        raise SpectrumError(f"unsafe HDF5: the file {fault}")
    group, notes = _group(file, h5py.Dataset, h5py.Group)
    arrays = {
        name.lower(): NamedArray(data.shape, _slices(data), dict(data.attrs))
        for name, data in group.items()
        if isinstance(data, h5py.Dataset)
    }
    return ArrayFile(arrays, dict(file.attrs) | dict(group.attrs), notes)


def _zarr(path: Path, stack: ExitStack) -> ArrayFile:  # noqa: ARG001
    """Open a zarr group, or its only group that has spectra."""
    import zarr

    root: Any = zarr.open_group(path, mode="r")
    if "bayescannon" in str(root.attrs.get("format", "")):
        raise SpectrumError("prepared already: this is a store of bayescannon, whose spectra need no reader")
    group, notes = _group(dict(root.members()), zarr.Array, zarr.Group)
    group = root if isinstance(group, dict) else group
    held = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    for name, array in group.arrays():
        _require_plain(name, array, held)
    arrays = {
        name.lower(): NamedArray(array.shape, _slices(array), dict(array.attrs)) for name, array in group.arrays()
    }
    return ArrayFile(arrays, dict(root.attrs) | dict(group.attrs), notes)


def _require_plain(name: str, array: Any, held: int) -> None:
    """Raise an error for an array of zarr that is of objects, or larger than its files can hold."""
    described = json.dumps(array.metadata.to_dict(), default=str)
    if array.dtype.kind == "O" or "pickle" in described:
        raise SpectrumError(f"objects: the array {name} holds Python objects, which are not loaded; save plain arrays")
    for shape in (array.shape, array.chunks):
        declared = int(array.dtype.itemsize)
        for length in shape:
            declared *= int(length)
        require_held(declared, held, f"the array {name} of shape {shape}")


def _group(root: Any, array: type, group: type) -> tuple[Any, dict[str, int]]:
    """Return the root if it has arrays, else its only group that has; say which was taken."""
    if any(isinstance(one, array) for one in root.values()):
        return root, {}
    groups = {
        name: one
        for name, one in root.items()
        if isinstance(one, group) and any(key.lower() == "flux" for key in cast(Any, one))
    }
    if len(groups) > 1:
        raise SpectrumError(f"several spectra: the groups {', '.join(groups)} all have a flux; give one file for each")
    if not groups:
        return root, {}
    name, found = next(iter(groups.items()))
    return found, {f"files whose arrays are in the group {name}": 1}


def _slices(data: Any) -> Any:
    """Return a function that reads rows of an array of HDF5 or zarr, texts as str."""

    def rows(start: int = 0, stop: int | None = None) -> NDArray[Any]:
        if data.shape == ():
            return np.asarray(data[()])
        values = data[start : data.shape[0] if stop is None else stop]
        return np.asarray(values)

    return rows


def _parquet(path: Path, stack: ExitStack) -> ArrayFile:
    """Open a parquet table: a row per star, with a list of pixels in each cell; or a row per pixel."""
    file = stack.enter_context(parquet_file(path))
    arrays = {}
    for item in file.schema_arrow:
        rows = _parquet_rows(file, item.name)
        shape: tuple[int, ...] = (file.metadata.num_rows,)
        if str(item.type).startswith(("list", "large_list", "fixed_size_list")):
            shape = (*shape, len(rows(0, 1)[0]) if shape[0] else 0)
        arrays[item.name.lower()] = NamedArray(shape, rows, _decoded(item.metadata))
    attrs = _decoded(file.schema_arrow.metadata)
    # frames keep their attributes in a text of JSON
    kept = json.loads(attrs.get("pandas", "{}") or "{}").get("attributes") or {}
    return ArrayFile(arrays, attrs | kept)


def _decoded(metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    """Return metadata of parquet as texts."""
    return {key.decode(): value.decode("utf-8", "replace") for key, value in (metadata or {}).items()}


def _parquet_rows(file: Any, name: str) -> Any:
    """Return a function that reads rows of one column, from the row groups that hold them."""

    def rows(start: int = 0, stop: int | None = None) -> NDArray[Any]:
        stop = file.metadata.num_rows if stop is None else stop
        groups: list[int] = []
        first, offset = 0, 0
        for k in range(file.num_row_groups):
            last = first + file.metadata.row_group(k).num_rows
            if last > start and first < stop:
                offset = offset if groups else first
                groups.append(k)
            first = last
        column = file.read_row_groups(groups, columns=[name]).column(0)
        values = column.slice(start - offset, stop - start)
        if str(values.type).startswith(("list", "large_list", "fixed_size_list")):
            # a missing number is None
            lists = [np.asarray(one, dtype=np.float64 if None in one else None) for one in values.to_pylist()]
            if len({len(one) for one in lists}) > 1:
                raise SpectrumError(f"different lengths: the lists of column {name} have different lengths")
            return np.array(lists)
        return np.asarray(values.to_numpy(zero_copy_only=False))

    return rows


_OPEN = {"npz": _npz, "hdf5": _hdf5, "zarr": _zarr, "parquet": _parquet}
