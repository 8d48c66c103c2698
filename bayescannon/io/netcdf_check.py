"""What is damaged in a netCDF file of this package: which variables and groups, as far as HDF5 can tell."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from bayescannon.io.hdf5_check import hdf5_fault, heap_fault
from bayescannon.io.netcdf import DIGEST, NetcdfError, damaged_parts, file_content, read_tree, require_unchanged

# seconds for reading what is left of a damaged file
_PATIENCE = 60.0
_CODE = """
import json, sys
sys.path[:], path = json.loads(sys.argv[1])
from pathlib import Path
from bayescannon.io.netcdf_check import damage_of
print(json.dumps(damage_of(Path(path))))
"""


def check_tree(path: Path, *, patience: float = _PATIENCE) -> list[str]:
    """
    Return what is wrong with a file that :func:`bayescannon.io.netcdf.write_tree` wrote; nothing if it is whole.

    Parameters
    ----------
    path : Path
    patience : float
        Seconds for reading a damaged file part by part, in a process of its own, as HDF5 hangs or crashes on some.

    Returns
    -------
    findings : list of str
        The first says what is wrong with the file, the others name the damaged parts.

    Raises
    ------
    MissingFileError
        There is no such file.
    """
    try:
        tree = read_tree(path)
        if DIGEST not in tree.attrs:
            return [f"the file has no {DIGEST}: it is of another program, or of version 0.2, and cannot be checked"]
        require_unchanged(tree, path)
    except NetcdfError as error:
        return [str(error).removeprefix(f"{path} "), *_in_a_process(path, patience)]
    return []


def _in_a_process(path: Path, patience: float) -> list[str]:
    """Return the names of the damaged parts of a file, or why they cannot be told."""
    # not multiprocessing, which imports the caller's script again
    command = [sys.executable, "-c", _CODE, json.dumps([sys.path, str(path.absolute())])]
    try:
        done = subprocess.run(command, capture_output=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        return ["HDF5 hangs on it: no part of it can be told"]
    if done.returncode:
        return ["HDF5 crashes on it: no part of it can be told"]
    return [str(one) for one in json.loads(done.stdout)]


def damage_of(path: Path) -> list[str]:
    """Return the names of damaged parts of a file; this may hang or crash, see :func:`check_tree`."""
    try:
        return damaged_parts(read_tree(path, sealed=False))
    except NetcdfError:
        pass
    try:
        content = file_content(path, sealed=False)
        with h5py.File(io.BytesIO(content), "r") as file:
            fault = heap_fault(content) or hdf5_fault(file, len(content))
            return [] if fault else list(_faults(file))
    except Exception:  # HDF5 does not open it
        return []


def _faults(group: Any) -> Iterator[str]:
    """Yield a sentence for every group and variable that HDF5 cannot read."""
    for name in list(group):
        place = f"{group.name.rstrip('/')}/{name}"
        try:
            item = group[name]
            attrs = dict(item.attrs)
            attrs["values"] = item[()] if isinstance(item, h5py.Dataset) else None
        except Exception as error:  # HDF5 has many kinds
            yield f"{place} cannot be read ({type(error).__name__}: {error})"
            continue
        if isinstance(item, h5py.Group):
            yield from _faults(item)
