"""A netCDF file of many stars, written block by block in bounded memory, with the digest of its contents."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5netcdf
import xarray as xr

from bayescannon.io.netcdf import DIGEST, PARTS, part_digests, seal_file, tree_digest
from bayescannon.io.output_check import require_room
from bayescannon.io.outputs import OutputWriteError, replacing
from bayescannon.numerics.errors import BayesCannonError

# stars that are in memory at a time, and in a chunk of the file
_PIECE = 4096
# a text of a star, and what HDF5 keeps of it, in bytes
_TEXT = 64


@dataclass(frozen=True)
class BlockedDataset:
    """
    A Dataset whose rows along one dim need not be in memory together.

    Attributes
    ----------
    template : xarray.Dataset
        Some of the rows, at least one: names, dims, types and attributes, and the values of what lacks the dim.
    dim : str
    size : int
        Length of the dim.
    blocks : callable
        Returns Datasets with the rows in order, anew at each call, in blocks of any length.
    """

    template: xr.Dataset
    dim: str
    size: int
    blocks: Callable[[], Iterator[xr.Dataset]]

    @property
    def n_bytes(self) -> int:
        """Size of the values, without compression."""
        per_row = sum(
            (_TEXT if variable.dtype.kind in "OUT" else variable.dtype.itemsize)
            * (variable.size // variable.sizes[self.dim])
            for variable in self.template.variables.values()
            if self.dim in variable.dims
        )
        return self.size * per_row

    def pieces(self) -> Iterator[xr.Dataset]:
        """Yield Datasets of equally many rows, whatever the blocks' lengths; the last may be shorter."""
        held: list[xr.Dataset] = []
        n_held = 0
        for block in self.blocks():
            start = 0
            while start < block.sizes[self.dim]:
                part = block.isel({self.dim: slice(start, start + _PIECE - n_held)})
                held.append(part)
                start += part.sizes[self.dim]
                n_held += part.sizes[self.dim]
                if n_held == _PIECE:
                    yield self._joined(held)
                    held, n_held = [], 0
        if held:
            yield self._joined(held)

    def _joined(self, parts: list[xr.Dataset]) -> xr.Dataset:
        return xr.concat(parts, dim=self.dim, data_vars="minimal", coords="minimal", compat="override",
                         combine_attrs="override")  # fmt: skip


def write_blocks(data: BlockedDataset, path: Path, *, overwrite: bool = False) -> None:
    """
    Write a Dataset as :func:`bayescannon.io.netcdf.write_tree` does, block by block.

    Raises
    ------
    OutputExistsError
        `path` exists and `overwrite` is False.
    OutputWriteError
        The disk has too little room, which is found before anything is written, or writing fails.
    """
    require_room(path, data.n_bytes)
    with replacing(path, overwrite=overwrite) as partial:
        try:
            # through a file of Python: HDF5 itself asks for locks, and ends the process where a disk is full
            with partial.open("w+b") as file, h5netcdf.File(file, "w") as written:
                _create(data, written)
                _fill(data, written)
            for name, digest in ((PARTS, lambda tree: json.dumps(part_digests(tree))), (DIGEST, tree_digest)):
                with xr.open_datatree(partial, engine="h5netcdf", cache=False) as tree:
                    value = digest(tree)
                with partial.open("r+b") as file, h5netcdf.File(file, "a") as written:
                    written.attrs[name] = value
            seal_file(partial)
        except (RuntimeError, OSError) as error:
            if isinstance(error, BayesCannonError):
                raise
            raise OutputWriteError(
                f"{path} could not be written ({error}); make room, or choose another place"
            ) from error


def _create(data: BlockedDataset, written: h5netcdf.File) -> None:
    """Create dims, variables and attributes, as xarray does for the template."""
    encoding: dict[Any, Any] = {
        name: {"_FillValue": None} for name, one in data.template.variables.items() if one.dtype.kind in "fiu"
    }
    skeleton = bytes(data.template.to_netcdf(engine="h5netcdf", encoding=encoding))
    with h5netcdf.File(io.BytesIO(skeleton), "r") as model:
        for name, dim in model.dimensions.items():
            written.dimensions[name] = data.size if name == data.dim else dim.size
        for key, value in model.attrs.items():
            written.attrs[key] = value
        for name, variable in model.variables.items():
            shape = [data.size if dim == data.dim else model.dimensions[dim].size for dim in variable.dimensions]
            options: dict[str, Any] = {}
            if data.dim in variable.dimensions and data.size:
                chunks = [
                    min(size, _PIECE) if dim == data.dim else size
                    for dim, size in zip(variable.dimensions, shape, strict=True)
                ]
                options = {"chunks": tuple(chunks), "compression": "gzip", "compression_opts": 1}
            made = written.create_variable(name, variable.dimensions, variable.dtype, **options)
            for key, value in variable.attrs.items():
                made.attrs[key] = value
            if data.dim not in variable.dimensions:
                made[...] = variable[...]


def _fill(data: BlockedDataset, written: h5netcdf.File) -> None:
    """Write the rows."""
    start = 0
    for piece in data.pieces():
        stop = start + piece.sizes[data.dim]
        for name, variable in piece.variables.items():
            if data.dim in variable.dims:
                place = tuple(slice(start, stop) if dim == data.dim else slice(None) for dim in variable.dims)
                values = variable.to_numpy()
                written.variables[str(name)][place] = values.astype(object) if values.dtype.kind in "UT" else values
        start = stop
    if start != data.size:
        raise AssertionError(f"{data.size} rows were promised, and {start} came")
