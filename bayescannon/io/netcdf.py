"""
Trees of arrays in netCDF files, written without file locks and protected by a digest of their contents.

A file is assembled and parsed in memory, because HDF5 asks the file system for a lock, which many network file systems
do not have. The digest of everything in the tree is an attribute of its root.
"""

import hashlib
import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from bayescannon.io.outputs import replacing
from bayescannon.io.paths import no_file
from bayescannon.numerics.errors import InputError, MissingFileError

# attribute of the root: SHA-256 of everything else
DIGEST = "content_sha256"
# arrays with fewer elements are not compressed: the chunk would take more space than compression saves
_COMPRESS_FROM = 1000


class NetcdfError(InputError):
    """A file that cannot be read as a tree; the message says why."""


def tree_digest(tree: xr.DataTree) -> str:
    """
    Return the SHA-256 of all names, dims, values and attributes of a tree, in hexadecimal digits.

    It depends neither on their order nor on the layout or compression of a file; the attribute :data:`DIGEST` is left
    out.
    """
    digest = hashlib.sha256()

    def attributes(attrs: Any) -> str:
        return repr(sorted((str(name), _plain(value)) for name, value in attrs.items() if name != DIGEST))

    for node in sorted(tree.subtree, key=lambda node: node.path):
        dataset = node.to_dataset(inherit=False)
        digest.update(f"group {node.path} {attributes(dataset.attrs)}".encode())
        for name in sorted(map(str, dataset.variables)):
            variable = dataset.variables[name]
            digest.update(f"variable {name} {variable.dims} {variable.shape} {attributes(variable.attrs)}".encode())
            digest.update(_bytes(variable.to_numpy()))
    return digest.hexdigest()


def _plain(value: Any) -> str:
    """Write an attribute the same way before and after a file."""
    return repr(np.asarray(value).tolist())


def _bytes(values: Any) -> bytes:
    """Return the type and the little-endian bytes of an array."""
    if values.dtype.kind in "OUST":
        return repr([str(value) for value in values.ravel()]).encode()
    # in one byte order, so that the digest does not depend on the machine
    same = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    result: bytes = same.dtype.str.encode() + same.tobytes()
    return result


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
    BayesCannonError
        As :func:`bayescannon.io.outputs.check_output_file`.
    """
    signed = tree.copy()
    signed.attrs[DIGEST] = tree_digest(tree)
    encoding = {
        node.path: {
            str(name): {"_FillValue": None} | ({"zlib": True, "complevel": 1} if _is_large(variable) else {})
            for name, variable in node.to_dataset(inherit=False).variables.items()
            if variable.dtype.kind in "fiu"
        }
        for node in signed.subtree
    }
    # in memory first: HDF5 itself asks for locks, and does not say in words that a disk is full
    content = bytes(signed.to_netcdf(engine="h5netcdf", encoding=encoding))
    with replacing(path, overwrite=overwrite) as partial:
        partial.write_bytes(content)


def _is_large(variable: xr.Variable) -> bool:
    return variable.size >= _COMPRESS_FROM


def read_tree(path: Path) -> xr.DataTree:
    """
    Read a netCDF file into memory; its digest is checked by :func:`require_unchanged`.

    Parameters
    ----------
    path : Path

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
    if path.is_dir():
        raise NetcdfError(no_file(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NetcdfError(f"{path} cannot be read: {error}") from error
    if not content.startswith(b"\x89HDF\r\n\x1a\n"):
        raise NetcdfError(f"{path} is not a netCDF file")
    # on damaged files HDF5 and its readers raise many kinds of exception
    try:
        foreign = _foreign_data(content)
        if not foreign:
            with xr.open_datatree(io.BytesIO(content), engine="h5netcdf") as opened:
                return opened.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise NetcdfError(f"{path} is damaged, or not netCDF; reading it failed with {reason}") from error
    raise NetcdfError(f"{path} takes {foreign} from another file, which is not read; copy the data into {path.name}")


def read_kind(path: Path) -> str:
    """Return what a netCDF file says that it is, its attribute ``kind``, without its arrays; empty if nothing."""
    try:
        with h5py.File(io.BytesIO(path.read_bytes()), "r") as file:
            return str(file.attrs.get("kind", ""))
    except OSError:
        return ""


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


def _foreign_data(content: bytes) -> str:
    """Return the name of a link or dataset whose data are in another file; empty if there is none."""
    with h5py.File(io.BytesIO(content), "r") as file:
        groups = [file]
        for group in groups:
            for name in group:
                link = group.get(name, getlink=True)
                if not isinstance(link, h5py.HardLink):
                    return f"{group.name.rstrip('/')}/{name}"
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append(item)
                elif isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                    return str(item.name)
    return ""
