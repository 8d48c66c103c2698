"""
The layout of a store, format 2: names, sizes of chunks, and what the metadata of zarr say of each array.

An array is described in one way only. A reader compares the description it finds with the one made here, so that
codecs, number types and shapes that the package does not write are refused before anything is decoded or allocated.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayescannon.numerics.errors import InputError

FORMAT = "bayescannon spectra 2"
# written by versions 0.2 to 0.6
FIRST_FORMAT = "bayescannon spectra 1"
FORMATS = (FORMAT, FIRST_FORMAT)
SCHEMA_VERSION = 2

# stars in a chunk, which is compressed and has a checksum, and in a shard, which is one file
STAR_CHUNK = 128
STAR_SHARD = 8 * STAR_CHUNK
# stars in a file of a column with one value per star
COLUMN_CHUNK = 8 * STAR_SHARD
PIXEL_ARRAYS = ("flux", "ivar")
# of a store of model spectra, beside these
RESIDUAL, COMPONENTS = "residual", "components"
MODEL_ARRAYS = (RESIDUAL, COMPONENTS)
NEEDED = ("flux", "ivar", "star", "wavelength")
ROOT = "zarr.json"

STAR, PIXEL, REFUSAL = "star", "pixel", "refusal"
TEXT = "string"
NUMBERS = frozenset(
    ["bool", "float32", "float64", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
)
_ATTRIBUTES: dict[str, dict[str, str]] = {
    "flux": {"long_name": "normalised flux", "coordinates": "wavelength"},
    "ivar": {"long_name": "inverse variance of flux; 0 is dead", "coordinates": "wavelength"},
    "wavelength": {"units": "Angstrom", "long_name": "vacuum rest"},
}
_MODEL_ATTRIBUTES: dict[str, dict[str, str]] = {
    RESIDUAL: {"long_name": "observed flux less flux of the model", "coordinates": "wavelength"},
    COMPONENTS: {"long_name": "part of flux that is of hidden components and nuisances", "coordinates": "wavelength"},
}
_BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
_CHECKSUM = {"name": "crc32c"}
# measured on spectra of LAMOST: three quarters of the size, and faster to read from a disk than without
_COMPRESSION = {
    "name": "blosc",
    "configuration": {"typesize": 4, "cname": "lz4", "clevel": 1, "shuffle": "shuffle", "blocksize": 0},
}


class StoreError(InputError):
    """A store that is missing, incomplete or damaged, lacks a star, or is not a store of bayescannon."""


@dataclass(frozen=True)
class ArrayLayout:
    """
    An array of a store.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        The name zarr gives to its number type; "string" for text.
    dim : str
        What its rows are: "star", "pixel" or "refusal".
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    dim: str

    @property
    def is_pixels(self) -> bool:
        """Whether it has a value for every star and pixel, in shards."""
        return len(self.shape) == 2

    @property
    def rows_per_file(self) -> int:
        """Rows in a file: of pixels those of a shard."""
        if self.is_pixels:
            return STAR_SHARD
        return max(self.shape[0], 1) if self.dim == PIXEL else max(min(self.shape[0], COLUMN_CHUNK), 1)

    @property
    def n_files(self) -> int:
        """Number of files of values."""
        return -(-self.shape[0] // self.rows_per_file)

    def file(self, number: int) -> str:
        """Return the name of a file of values, relative to the store."""
        return f"{self.name}/c.{number}.0" if self.is_pixels else f"{self.name}/c.{number}"

    def chunks_in(self, number: int) -> int:
        """Return the number of chunks with checksums in a file."""
        if not self.is_pixels:
            return 1
        rows = min(STAR_SHARD, self.shape[0] - number * STAR_SHARD)
        return -(-rows // STAR_CHUNK)

    def rows_of(self, number: int) -> slice:
        """Return the rows of the array that a file holds."""
        start = number * self.rows_per_file
        return slice(start, min(start + self.rows_per_file, self.shape[0]))

    def document(self) -> dict[str, Any]:
        """Return what the metadata of zarr say of the array."""
        if self.is_pixels:
            chunk, codecs = [STAR_SHARD, self.shape[1]], [_sharding(self.shape[1])]
        elif self.dtype == TEXT:
            chunk, codecs = [self.rows_per_file], [{"name": "vlen-utf8", "configuration": {}}, _CHECKSUM]
        else:
            one_byte = self.dtype in ("bool", "int8", "uint8")
            chunk, codecs = [self.rows_per_file], [{"name": "bytes"} if one_byte else _BYTES, _CHECKSUM]
        fill = "" if self.dtype == TEXT else False if self.dtype == "bool" else 0.0 if "float" in self.dtype else 0
        return {
            "shape": list(self.shape),
            "data_type": self.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": fill,
            "codecs": codecs,
            "attributes": (_MODEL_ATTRIBUTES if self.name in MODEL_ARRAYS and self.is_pixels else _ATTRIBUTES).get(
                self.name, {}
            ),
            "dimension_names": [self.dim, PIXEL] if self.is_pixels else [self.dim],
            "zarr_format": 3,
            "node_type": "array",
            "storage_transformers": [],
        }


def _sharding(n_pixel: int) -> dict[str, Any]:
    return {
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": [STAR_CHUNK, n_pixel],
            "codecs": [_BYTES, _COMPRESSION, _CHECKSUM],
            "index_codecs": [_BYTES, _CHECKSUM],
            "index_location": "end",
        },
    }


def least_stored(n_star: int, n_pixel: int) -> int:
    """Return the bytes that pixels of so many stars take at least; 0.70 to 0.76 of all were measured, by the noise."""
    return int(0.6 * 2 * 4 * n_star * n_pixel)


def dtype_name(dtype: np.dtype[Any]) -> str:
    """
    Return the name zarr gives to a number type, "string" for text.

    Raises
    ------
    StoreError
        A store cannot hold it.

    Examples
    --------
    >>> dtype_name(np.dtype("<U8")), dtype_name(np.dtype("f8"))
    ('string', 'float64')
    """
    if dtype.kind in "UT":
        return TEXT
    if dtype.name not in NUMBERS:
        raise StoreError(f"a store holds numbers of 1 to 8 bytes, truth values and text; got {dtype}")
    return dtype.name
