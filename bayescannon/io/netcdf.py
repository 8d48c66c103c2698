"""
Trees of arrays in netCDF files, written without file locks and protected by a digest of their contents.

A file is assembled and parsed in memory, because HDF5 asks the file system for a lock, which many network file systems
do not have. The digest of everything in the tree is an attribute of its root, and so are those of its parts. Behind the
last byte that HDF5 reads stands the digest of all bytes before it: on some damaged files HDF5 does not come to an end,
so it is not given them.
"""

import hashlib
import io
import json
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from bayescannon.io.hdf5_check import hdf5_fault, heap_fault
from bayescannon.io.output_check import require_room
from bayescannon.io.outputs import replacing
from bayescannon.io.paths import no_file
from bayescannon.numerics.errors import InputError, MissingFileError

# attribute of the root: SHA-256 of everything else
DIGEST = "content_sha256"
# attribute of the root: the first digits of the SHA-256 of each variable and of each group's attributes, as JSON, by
# which a check says what is damaged; files of version 0.6 and older lack it
PARTS = "part_sha256"
_DIGITS = 16
# behind the contents: these words and a SHA-256; files of version 0.6 and older lack it, and what changes a file in
# place cuts it off
_SEAL = b"\nbayescannon sha256 "
_SEAL_SIZE = len(_SEAL) + 65
_MAGIC = b"\x89HDF\r\n\x1a\n"
# arrays with fewer elements are not compressed: the chunk would take more space than compression saves
_COMPRESS_FROM = 1000
# values that are in memory at a time for the digest
_DIGEST_VALUES = 1 << 20


class NetcdfError(InputError):
    """A file that cannot be read as a tree; the message says why."""


def tree_digest(tree: xr.DataTree) -> str:
    """
    Return the SHA-256 of all names, dims, values and attributes of a tree, in hexadecimal digits.

    It depends neither on their order nor on the layout or compression of a file; the attribute :data:`DIGEST` is left
    out.
    """
    digest = hashlib.sha256()
    for _, pieces in _parts(tree, {DIGEST}):
        for piece in pieces:
            digest.update(piece)
    return digest.hexdigest()


def part_digests(tree: xr.DataTree) -> dict[str, str]:
    """
    Return the first digits of the SHA-256 of each part of a tree.

    Returns
    -------
    digests : dict of str to str
        By the path of a group, of its attributes, or of a variable with its attributes; the attributes :data:`DIGEST`
        and :data:`PARTS` of the root are left out.
    """
    found: dict[str, str] = {}
    for name, pieces in _parts(tree, {DIGEST, PARTS}):
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        found[name] = digest.hexdigest()[:_DIGITS]
    return found


def _parts(tree: xr.DataTree, left_out: set[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the name and the bytes of each group's attributes and of each variable."""

    def attributes(attrs: Any) -> str:
        return repr(sorted((str(name), _plain(value)) for name, value in attrs.items() if name not in left_out))

    for node in sorted(tree.subtree, key=lambda node: node.path):
        dataset = node.to_dataset(inherit=False)
        yield node.path, [f"group {node.path} {attributes(dataset.attrs)}".encode()]
        for name in sorted(map(str, dataset.variables)):
            variable = dataset.variables[name]
            head = f"variable {name} {variable.dims} {variable.shape} {attributes(variable.attrs)}".encode()
            yield f"{node.path.rstrip('/')}/{name}", chain([head], _pieces(variable))


def _plain(value: Any) -> str:
    """Write an attribute the same way before and after a file."""
    return repr(np.asarray(value).tolist())


def _pieces(variable: xr.Variable) -> Iterator[bytes]:
    """Yield the type and the little-endian bytes of an array, or the texts; only some rows of it are in memory."""
    rows = max(1, _DIGEST_VALUES // max(1, variable.size // max(1, len(variable) if variable.ndim else 1)))
    starts = range(0, len(variable), rows) if variable.ndim else ()
    some = (np.asarray(variable[start : start + rows].to_numpy()) for start in starts)
    first = np.asarray(variable[:0].to_numpy() if variable.ndim else variable.to_numpy())
    if first.dtype.kind in "OUST":
        yield b"["
        for number, values in enumerate(some if variable.ndim else [first]):
            if values.size:
                yield f"{', ' if number else ''}{repr([str(one) for one in values.ravel()])[1:-1]}".encode()
        yield b"]"
        return
    # in one byte order, so that the digest does not depend on the machine
    dtype = first.dtype.newbyteorder("<")
    yield dtype.str.encode()
    for values in some if variable.ndim else [first]:
        yield np.ascontiguousarray(values, dtype=dtype).tobytes()


def write_tree(tree: xr.DataTree, path: Path, *, overwrite: bool = False) -> None:
    """
    Write a tree of arrays as netCDF, with the digest of its contents.

    Parameters
    ----------
    tree : xarray.DataTree
        Attributes are text and numbers.
    path : Path
    overwrite : bool

    Raises
    ------
    OutputExistsError
        `path` exists and `overwrite` is False.
    OutputWriteError
        There is too little room on the disk.
    BayesCannonError
        As :func:`bayescannon.io.outputs.check_output_file`.
    """
    signed = tree.copy()
    signed.attrs[PARTS] = json.dumps(part_digests(tree))
    signed.attrs[DIGEST] = tree_digest(signed)
    encoding = {
        node.path: {
            str(name): {"_FillValue": None} | ({"zlib": True, "complevel": 1} if _is_large(variable) else {})
            for name, variable in node.to_dataset(inherit=False).variables.items()
            if variable.dtype.kind in "fiu"
        }
        for node in signed.subtree
    }
    # in memory first: HDF5 itself asks for locks, and crashes where the disk is full
    content = bytes(signed.to_netcdf(engine="h5netcdf", encoding=encoding))
    require_room(path, len(content) + _SEAL_SIZE)
    with replacing(path, overwrite=overwrite) as partial, partial.open("wb") as file:
        file.write(content)
        file.write(_seal(content))


def _seal(content: bytes | memoryview) -> bytes:
    """Return what stands behind the contents of a file."""
    return _SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n"


def seal_file(path: Path) -> None:
    """Write behind the contents of a file what :func:`write_tree` does; the file is read in pieces."""
    with path.open("r+b") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0, io.SEEK_END)
        file.write(_SEAL + digest.encode() + b"\n")


def _is_large(variable: xr.Variable) -> bool:
    return variable.size >= _COMPRESS_FROM


def read_tree(path: Path, *, sealed: bool = True) -> xr.DataTree:
    """
    Read a netCDF file into memory; its digest is checked by :func:`require_unchanged`.

    Parameters
    ----------
    path : Path
    sealed : bool
        Refuse a file whose bytes do not match the digest behind them; HDF5 may not come to an end on one.

    Returns
    -------
    tree : xarray.DataTree
        In memory.

    Raises
    ------
    MissingFileError
        The file does not exist.
    NetcdfError
        The file cannot be read, is not netCDF, or links to data in other files.
    """
    if not path.exists():
        raise MissingFileError(no_file(path))
    content = file_content(path, sealed=sealed)
    # on damaged files HDF5 and its readers raise many kinds of exception, and warnings
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fault = heap_fault(content)
            if not fault:
                with h5py.File(io.BytesIO(content), "r") as file:
                    fault = hdf5_fault(file, len(content))
            if not fault:
                with xr.open_datatree(io.BytesIO(content), engine="h5netcdf") as opened:
                    return opened.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise NetcdfError(f"{path} is damaged, or not netCDF; reading it failed with {reason}") from error
    raise NetcdfError(f"{path} {fault}")


def file_content(path: Path, *, sealed: bool = True) -> bytes:
    """Return the bytes of a file that begins as netCDF does; a NetcdfError where :func:`read_tree` raises one."""
    if path.is_dir():
        raise NetcdfError(no_file(path))
    if not path.is_file():
        raise NetcdfError(f"{path} is a device, a pipe or a socket, not a file")
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
            content = head + file.read() if head == _MAGIC else b""
    except OSError as error:
        raise NetcdfError(f"{path} cannot be read: {error}") from error
    if not content:
        raise NetcdfError(f"{path} is not a netCDF file")
    end = len(content) - _SEAL_SIZE
    if sealed and content.startswith(_SEAL, end) and _seal(memoryview(content)[:end]) != content[end:]:
        raise NetcdfError(f"{path} was changed after it was saved: its bytes do not match their digest. Get it again")
    return content


def read_kind(path: Path) -> str:
    """Return what a netCDF file says that it is, its attribute ``kind``, without its arrays; empty if nothing."""
    try:
        content = file_content(path)
        if heap_fault(content):
            return ""
        with h5py.File(io.BytesIO(content), "r") as file:
            return str(file.attrs.get("kind", ""))
    except Exception:  # of a damaged file, whose reason is told when it is read
        return ""


def damaged_parts(tree: xr.DataTree) -> list[str]:
    """Return the names of parts that a tree has lost, gained, or that differ from what :func:`write_tree` saved."""
    try:
        saved = dict(json.loads(str(tree.attrs.get(PARTS, "{}"))))
    except ValueError:
        return [f"attribute {PARTS} of the root"]
    if not saved:
        return []
    found = part_digests(tree)
    return [
        f"{name} {'is missing' if name not in found else 'is new' if name not in saved else 'was changed'}"
        for name in sorted({*saved, *found})
        if saved.get(name) != found.get(name)
    ]


def require_unchanged(tree: xr.DataTree, path: Path) -> None:
    """
    Raise an error unless a tree read from `path` has the digest that :func:`write_tree` saved with it.

    Raises
    ------
    NetcdfError
        The digest differs or is missing.
    """
    saved = tree.attrs.get(DIGEST)
    if saved is None:
        raise NetcdfError(f"{path} was changed after it was saved: the digest of its contents is missing")
    if saved != tree_digest(tree):
        raise NetcdfError(f"{path} was changed after it was saved: its contents do not match their digest")
