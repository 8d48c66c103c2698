"""
The manifest of a store: which files it must have, their sizes and the checksums of the chunks in them.

The manifest is kept in the attributes of the root metadata, ``zarr.json``, with all else that describes the store. The
store id is a digest of that whole document, so it identifies the store's contents and shows every change of the
document: stores with the same pixels, columns and attributes have the same id, and a pixel that differs changes it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.display import visible
from bayescannon.io.store_layout import (
    FORMAT,
    MODEL_ARRAYS,
    NEEDED,
    NUMBERS,
    PIXEL,
    PIXEL_ARRAYS,
    REFUSAL,
    SCHEMA_VERSION,
    STAR,
    STAR_CHUNK,
    STAR_SHARD,
    TEXT,
    ArrayLayout,
    StoreError,
)
from bayescannon.numerics.errors import InputTypeError

# attributes that a store sets itself
OWN_ATTRIBUTES = ("format", "schema_version", "complete", "store_id", "manifest", "n_refused")
# no file is larger; a shard of 100,000 pixels has 0.4 GB
_LARGEST_FILE = 2**40
_ID_LENGTH = 32


@dataclass(frozen=True)
class StoredArray:
    """
    An array, and what its files must be.

    Attributes
    ----------
    layout : ArrayLayout
    sizes : int64 array of shape (file,)
        In bytes.
    checksums : uint32 array of shape (chunk,)
        CRC-32C of the chunks of all files, without the four bytes in which a chunk has its own.
    """

    layout: ArrayLayout
    sizes: NDArray[np.int64]
    checksums: NDArray[np.uint32]

    def checksums_of(self, number: int) -> list[int]:
        """Return the checksums of the chunks of one file."""
        first = number * (STAR_SHARD // STAR_CHUNK) if self.layout.is_pixels else number
        found: list[int] = self.checksums[first : first + self.layout.chunks_in(number)].tolist()
        return found


@dataclass(frozen=True)
class Manifest:
    """
    What a store holds.

    Attributes
    ----------
    n_star, n_pixel : int
    arrays : mapping of str to StoredArray
    attrs : mapping
        Attributes that the preparation set.
    store_id : str
    n_refused : int
    """

    n_star: int
    n_pixel: int
    arrays: Mapping[str, StoredArray]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    store_id: str = ""
    n_refused: int = 0

    @property
    def columns(self) -> list[str]:
        """Names of the arrays with one value per star, without the ids."""
        return [
            name
            for name, one in self.arrays.items()
            if one.layout.dim == STAR and name not in NEEDED and not one.layout.is_pixels
        ]

    @property
    def further(self) -> list[str]:
        """Names of the arrays of a store of model spectra that have a value for every star and pixel, in order."""
        return [name for name in MODEL_ARRAYS if name in self.arrays and self.arrays[name].layout.is_pixels]


def root_document(
    arrays: Sequence[tuple[ArrayLayout, Sequence[int], Sequence[int]]], attrs: Mapping[str, Any], n_refused: int
) -> bytes:
    """
    Return the root metadata of a complete store, ``zarr.json``.

    Parameters
    ----------
    arrays : sequence of (layout, sizes of the files, checksums of the chunks)
    attrs : mapping of str to values JSON can hold
    n_refused : int

    Raises
    ------
    InputTypeError
        An attribute that JSON cannot hold.
    """
    described = {
        layout.name: {
            "shape": list(layout.shape),
            "dtype": layout.dtype,
            "dim": layout.dim,
            "sizes": [int(size) for size in sizes],
            "checksums": np.asarray(checksums, dtype=">u4").tobytes().hex(),
        }
        for layout, sizes, checksums in arrays
    }
    own = {
        "format": FORMAT, "schema_version": SCHEMA_VERSION, "complete": True, "n_refused": n_refused,
        "manifest": {"arrays": described},
    }  # fmt: skip
    given = {name: _json_value(name, value) for name, value in attrs.items() if name not in OWN_ATTRIBUTES}
    document: dict[str, Any] = {
        "attributes": given | own,
        "zarr_format": 3,
        "consolidated_metadata": {
            "kind": "inline",
            "must_understand": False,
            "metadata": {layout.name: layout.document() for layout, *_ in sorted(arrays, key=lambda one: one[0].name)},
        },
        "node_type": "group",
    }
    document["attributes"]["store_id"] = _digest(document)
    return json.dumps(document).encode()


def _json_value(name: str, value: Any) -> Any:
    """Return an attribute as JSON gives it back."""
    try:
        plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        return json.loads(json.dumps(plain))
    except (TypeError, ValueError):
        raise InputTypeError(
            f"an attribute of a store must be text, a number, or lists and mappings of them; {name} is a "
            f"{type(value).__name__}"
        ) from None


def _digest(document: Mapping[str, Any]) -> str:
    """Return the digest of a root document, whose attribute ``store_id`` is left out."""
    attributes = {name: value for name, value in document["attributes"].items() if name != "store_id"}
    text = json.dumps({**document, "attributes": attributes}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]


def has_id(document: Mapping[str, Any], store_id: str) -> bool:
    """Tell whether a root document is that of the store with an id, unchanged."""
    attributes = document.get("attributes")
    return isinstance(attributes, dict) and attributes.get("store_id") == store_id == _digest(document)


def read_manifest(document: Mapping[str, Any], shown: str) -> Manifest:
    """
    Return the manifest in a root document, checked in itself: nothing is read or allocated but what it describes.

    Parameters
    ----------
    document : mapping
        The root metadata, whose format is `FORMAT`.
    shown : str
        The store, for messages.

    Raises
    ------
    StoreError
        The document was changed, or describes arrays that the package does not write.
    """
    try:
        attributes = document["attributes"]
        if attributes.get("store_id") != _digest(document):
            raise StoreError("its contents do not match its digest")
        arrays = {
            name: _array(name, given, document["consolidated_metadata"]["metadata"][name])
            for name, given in attributes["manifest"]["arrays"].items()
        }
        _require_agreement(arrays)
        n_star, n_pixel = arrays["flux"].layout.shape
        attrs = {name: _clean(value) for name, value in attributes.items() if name not in OWN_ATTRIBUTES}
        return Manifest(n_star, n_pixel, arrays, attrs, attributes["store_id"], int(attributes["n_refused"]))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        why = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {visible(str(error))}"
        raise StoreError(
            f"{shown}: the file zarr.json was changed after the store was written: {why}; restore it from a copy, or "
            "prepare the spectra again"
        ) from error


def _array(name: str, given: Mapping[str, Any], described: Mapping[str, Any]) -> StoredArray:
    """Return one array of a manifest; raise an error unless all that is said of it agrees."""
    shape, dtype, dim = tuple(given["shape"]), given["dtype"], given["dim"]
    if not (name and visible(name, keep="") == name and "/" not in name and not name.startswith(".")):
        raise StoreError(f"{visible(name)!r} is no name of an array")
    # a column of the user's own may have one of their names
    n_dim = 2 if name in PIXEL_ARRAYS or (name in MODEL_ARRAYS and len(shape) == 2) else 1
    if len(shape) != n_dim or not all(type(size) is int and 0 <= size < 2**48 for size in shape):
        raise StoreError(f"the shape of {name} must be {n_dim} whole numbers; got {shape}")
    if (dtype != TEXT and dtype not in NUMBERS) or dim not in (STAR, PIXEL, REFUSAL):
        raise StoreError(f"{name} is of {visible(str(dtype))} along {visible(str(dim))}, which no store holds")
    layout = ArrayLayout(name, shape, dtype, dim)
    if described != layout.document():
        raise StoreError(f"the description of {name} is not one that the package writes")
    # before anything is made of the shape
    if len(given["sizes"]) != layout.n_files:
        raise StoreError(f"{name} of shape {shape} needs {layout.n_files} files; it has {len(given['sizes'])}")
    if not all(type(size) is int and 0 < size < _LARGEST_FILE for size in given["sizes"]):
        raise StoreError(f"sizes of files of {name} are no sizes")
    checksums = np.frombuffer(bytes.fromhex(given["checksums"]), dtype=">u4").astype(np.uint32)
    n_chunk = -(-shape[0] // STAR_CHUNK) if layout.is_pixels else layout.n_files
    if len(checksums) != n_chunk:
        raise StoreError(f"{name} needs {n_chunk} checksums; it has {len(checksums)}")
    return StoredArray(layout, np.array(given["sizes"], dtype=np.int64), checksums)


def _require_agreement(arrays: Mapping[str, StoredArray]) -> None:
    """Raise an error unless arrays go together, and none that a store needs is missing."""
    if absent := [name for name in NEEDED if name not in arrays]:
        raise StoreError(f"the manifest lacks {', '.join(absent)}")
    n_star, n_pixel = arrays["flux"].layout.shape
    if n_star < 1 or n_pixel < 1:
        raise StoreError(f"flux must have at least one star and pixel; got {(n_star, n_pixel)}")
    wanted = {
        "flux": ("float32", STAR),
        "ivar": ("float32", STAR),
        "star": (TEXT, STAR),
        "wavelength": ("float64", PIXEL),
    }
    for name, one in arrays.items():
        layout = one.layout
        expected = wanted["flux"] if layout.is_pixels else wanted.get(name)
        if expected is not None and (layout.dtype, layout.dim) != expected:
            raise StoreError(f"{name} must be of {expected[0]}; got {layout.dtype}")
        length = {STAR: n_star, PIXEL: n_pixel}.get(layout.dim, layout.shape[0])
        if layout.shape != ((n_star, n_pixel) if layout.is_pixels else (length,)):
            raise StoreError(f"the shape of {name} must go with {n_star} stars of {n_pixel} pixels; got {layout.shape}")


def _clean(value: Any) -> Any:
    """Return an attribute with all text made printable."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {visible(str(name)): _clean(one) for name, one in value.items()}
    return value
