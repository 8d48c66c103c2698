"""Whether an HDF5 file is plain: numbers and texts of its own, of sizes it can hold, packed by built-in filters."""

import mmap
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bayescannon.io.size_limits import SizeLimitError, require_held

# deflate, shuffle, fletcher32, szip, nbit and scale-offset of the library; lzf, which h5py brings
_FILTERS = (1, 2, 3, 4, 5, 6, 32000)
# a collection of texts: signature, version and bytes that are 0
_HEAP = b"GCOL\x01\0\0\0"
# of groups within groups; the library and its readers recurse
_DEPTH = 32


def heap_fault(source: bytes | Path) -> str:
    """
    Return why the texts of an HDF5 file cannot be read; empty if they can. Call it before the library opens the file.

    Texts of any length stand in collections of objects, each with its size. On an object without a size the library
    does not come to an end.

    Parameters
    ----------
    source : bytes or Path
        The file.
    """
    if not isinstance(source, Path):
        return _heap_fault(source)
    if not source.stat().st_size:
        return "is empty"
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _heap_fault(data)


def _heap_fault(data: bytes | mmap.mmap) -> str:
    place = data.find(_HEAP)
    while place >= 0:
        (size,) = struct.unpack_from("<Q", data[place + 8 : place + 16].ljust(8, b"\0"))
        at, end = place + 16, place + size
        if end > len(data):
            return f"is damaged: the texts at byte {place} go beyond its end; get it again"
        while at + 16 <= end:
            index, _, _, length = struct.unpack_from("<HHIQ", data[at : at + 16])
            # what is free has the number 0, and its size is of all of it
            step = 16 + -(-length // 8) * 8 if index else length
            if not 16 <= step <= end - at:
                return f"is damaged: a text at byte {at} has {length} bytes; get it again"
            at += step
        place = data.find(_HEAP, place + 8)
    return ""


def hdf5_fault(file: h5py.File, size: int) -> str:
    """
    Return why an HDF5 file is not read; empty if it is plain. Nothing but headers is read.

    Parameters
    ----------
    file : h5py.File
    size : int
        Bytes of the file.

    Returns
    -------
    fault : str
        Begins with a verb, as "takes /a from another file, which is not read": links to other files or other names
        of the same object, data in other files, types that are objects or references, filters that are plugins, and
        arrays larger than the file can hold.
    """
    groups = [(file, 0)]
    seen = {_address(file)}
    declared = 0
    for group, depth in groups:
        if depth > _DEPTH:
            return f"has more than {_DEPTH} groups within each other, which are not read"
        for name in group:
            place = f"{group.name.rstrip('/')}/{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                return f"takes {place} from another file, which is not read; copy the data into it"
            item = group[name]
            address = _address(item)
            if address in seen:
                return f"holds {place} under another name too, which is not read; copy the data"
            seen.add(address)
            if isinstance(item, h5py.Group):
                groups.append((item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                fault = _fault_of(item, size)
                if fault:
                    return fault
                declared += _bytes(item.shape, item.dtype)
    try:
        require_held(declared, size, "the file")
    except SizeLimitError as error:
        return f"is refused: {error}"
    return ""


def _address(item: Any) -> tuple[int, int]:
    info = h5py.h5o.get_info(item.id)
    return info.fileno, info.addr


def _fault_of(item: h5py.Dataset, size: int) -> str:
    """Return why a dataset is not read; empty if it can be."""
    if item.external or item.is_virtual:
        return f"takes {item.name} from another file, which is not read; copy the data into it"
    if not _is_plain(item.dtype):
        return f"holds objects or references in {item.name}, which are not read; save numbers or texts"
    properties = item.id.get_create_plist()
    foreign = [properties.get_filter(k)[0] for k in range(properties.get_nfilters())]
    foreign = [number for number in foreign if number not in _FILTERS]
    if foreign:
        return f"packs {item.name} with filter {foreign[0]}, a plugin of HDF5, which is not loaded; pack it with gzip"
    for shape in (item.shape, item.chunks):
        try:
            require_held(_bytes(shape, item.dtype), size, f"{item.name} of shape {shape}")
        except SizeLimitError as error:
            return f"is refused: {error}"
    return ""


def _is_plain(dtype: np.dtype[Any]) -> bool:
    """Tell whether a type is of numbers, truth values, times or texts, or a record or array of them."""
    if dtype.subdtype is not None:
        return _is_plain(dtype.subdtype[0])
    if dtype.names is not None:
        return all(_is_plain(dtype[name]) for name in dtype.names)
    if dtype.kind == "O":
        return h5py.check_string_dtype(dtype) is not None
    # bytes without meaning are what HDF5 calls opaque
    return dtype.kind in "biufcSUmM"


def _bytes(shape: tuple[int, ...] | None, dtype: np.dtype[Any]) -> int:
    """Return the bytes of an array; in whole numbers of Python, which do not overflow."""
    count = 1
    for length in shape or ():
        count *= int(length)
    return count * int(dtype.itemsize) if shape is not None else 0
