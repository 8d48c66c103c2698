"""Read the store of prepared spectra; what is incomplete, damaged, changed or no store is refused."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.data.convert import texts
from bayescannon.data.spectra import Spectra
from bayescannon.data.star_ids import rows_by_id
from bayescannon.io.output_lock import locked
from bayescannon.io.outputs import aside_name, leftovers, real_path, saying_why, settle
from bayescannon.io.paths import as_path
from bayescannon.io.store_first_format import FirstFormatReader
from bayescannon.io.store_layout import FIRST_FORMAT, FORMAT, FORMATS, ROOT, STAR_CHUNK, STAR_SHARD, StoreError
from bayescannon.io.store_manifest import read_manifest
from bayescannon.io.store_place import LocalPlace, read_root
from bayescannon.io.store_reader import StoreReader
from bayescannon.io.store_variable import as_dataset
from bayescannon.io.urls import UrlPlace, url_of
from bayescannon.numerics.errors import InputError

__all__ = [
    "STAR_CHUNK", "StoreError", "is_store", "iterate_spectra", "load_spectra", "open_reader", "open_store",
    "rows_in_store", "store_attributes", "store_id",
]  # fmt: skip


def open_reader(path: str | Path) -> StoreReader | FirstFormatReader:
    """
    Open a store for reading its rows.

    Raises
    ------
    StoreError
        The store does not exist, is incomplete or damaged, or `path` is not a store of bayescannon.
    """
    place = store_place(path)
    document = read_root(place)
    if not document and isinstance(place, LocalPlace) and aside_name(real_path(place.given)).exists():
        # a process that replaced the store was killed, or is at it
        with saying_why(place.given), locked(real_path(place.given)):
            settle(place.given)
        document = read_root(place)
    attributes = document.get("attributes")
    written = attributes.get("format") if isinstance(attributes, dict) else None
    if written == FORMAT:
        return StoreReader(place, read_manifest(document, place.shown))
    if isinstance(place, UrlPlace):
        raise StoreError(
            f"there is no store of bayescannon ({FORMAT}) at {place.shown}"
            + (f"; one of {FIRST_FORMAT} is read from a folder of this machine only" if written == FIRST_FORMAT else "")
        )
    if written == FIRST_FORMAT:
        return FirstFormatReader(place, document)
    raise _no_store(place)


def store_place(path: str | Path) -> LocalPlace | UrlPlace:
    """Return where a store lies: a folder of this machine, or a URL."""
    url = url_of(path)
    return LocalPlace(as_path(path, "a store of spectra")) if url is None else UrlPlace(url)


def _no_store(place: LocalPlace) -> StoreError:
    """Return the error for what is not a store."""
    path = place.given
    if not path.exists():
        left = ", ".join(one.name for one in leftovers(path))
        hint = f". An interrupted run left {left}; the same command removes it" if left else ""
        return StoreError(f"there is no store at {path}; make one with 'bayescannon prepare'{hint}")
    if path.is_dir() and any((path / name).is_dir() for name in ("flux", "ivar")):
        return StoreError(
            f"{path}: the file zarr.json is missing or damaged, or the preparation was interrupted; restore the file "
            "from a copy, or prepare the spectra again"
        )
    fault = "; check that spectra and labels are not swapped" if path.is_file() else ""
    return StoreError(f"{path} is not a store of bayescannon ({FORMAT}){fault}; make one with 'bayescannon prepare'")


def open_store(path: str | Path) -> xr.Dataset:
    """
    Open a store without loading its pixels.

    Returns
    -------
    dataset : xarray.Dataset
        dims star and pixel, as :meth:`bayescannon.data.spectra.Spectra.to_xarray` returns it, and the refused files
        along a dim ``refusal``. ``attrs`` hold the choices of the preparation, and ``store_id``. Pixels are compared
        with the store's manifest when they are loaded.

    Raises
    ------
    StoreError
        The store does not exist, is incomplete or damaged, or `path` is not a store of bayescannon; later, when pixels
        are loaded, too.
    """
    reader = open_reader(path)
    return reader.dataset() if isinstance(reader, FirstFormatReader) else as_dataset(reader)


def load_spectra(path: str | Path, ids: Sequence[str] | None = None) -> Spectra:
    """
    Load the spectra of a store into memory.

    Parameters
    ----------
    path : str or Path
        The store, or its URL, such as ``s3://bucket/store.zarr`` or ``https://...`` (needs bayescannon[urls]).
    ids : sequence of str, optional
        Ids of the stars to load, in this order, found as they are or without folders and file endings
        (:func:`bayescannon.data.star_ids.rows_by_id`). By default all stars. Only the parts of the store that hold them
        are read.

    Returns
    -------
    spectra : bayescannon.data.spectra.Spectra

    Raises
    ------
    StoreError
        As :func:`~bayescannon.io.store.open_store`, an id is not in the store, or a part that is read is missing or
        damaged.
    InputTypeError
        `path` is no path, or `ids` are no names.

    Examples
    --------
    >>> import tempfile
    >>> from bayescannon.io.store_writer import save_spectra
    >>> flux = np.ones((3, 4), dtype=np.float32)
    >>> spectra = Spectra(np.linspace(5000.0, 5003.0, 4), flux, 100 * flux, np.array(["a", "b", "c"]))
    >>> store = save_spectra(spectra, Path(tempfile.mkdtemp()) / "store.zarr")
    >>> load_spectra(store, ["c", "a.fits"]).id.tolist()
    ['c', 'a']
    """
    reader = open_reader(path)
    if ids is None:
        return reader.spectra(slice(None))
    index = rows_in_store(reader.values("star"), ids, path)
    # chunks are read in the order of the store, then sorted into the order of `ids`
    order, inverse = np.unique(index, return_inverse=True)
    return reader.spectra(order).select(inverse)


def rows_in_store(names: NDArray[np.str_], ids: Sequence[str], path: str | Path) -> NDArray[np.intp]:
    """Return the rows of the wanted ids among the names of a store; raise StoreError if one is not there."""
    wanted = texts(ids, "ids").tolist()
    rows = rows_by_id(names.tolist(), wanted, of=str(path))
    missing = [name for name, row in zip(wanted, rows.tolist(), strict=True) if row < 0]
    if missing:
        raise StoreError(
            f"every id must be among the {len(names)} stars of {path}; {len(missing)} of {len(wanted)} are not, the "
            f"first is {missing[0]!r}"
        )
    return rows


def iterate_spectra(path: str | Path, block: int = STAR_SHARD) -> Iterator[Spectra]:
    """
    Yield the spectra of a store in order, `block` stars at a time, in constant memory.

    Raises
    ------
    InputError
        `block` is not a multiple of the 128 stars of a chunk.
    StoreError
        As :func:`load_spectra`; also if the store is replaced or changed while it is read.
    """
    if block < 1 or block % STAR_CHUNK:
        raise InputError(f"block must be at least 1, and a multiple of {STAR_CHUNK} stars; got {block}")
    reader = open_reader(path)
    for start in range(0, reader.n_star, block):
        yield reader.spectra(slice(start, start + block))


def store_id(path: str | Path) -> str:
    """
    Return the id of a store: a digest of all that it holds, pixels by their checksums.

    Stores with the same stars, pixels, columns and attributes have the same id. A store of format 1 has none, and gets
    one that is made from the times at which its files were changed.

    Raises
    ------
    StoreError
        As :func:`~bayescannon.io.store.open_store`.
    """
    reader = open_reader(path)
    return reader.store_id if isinstance(reader, FirstFormatReader) else reader.manifest.store_id


def store_attributes(path: str | Path) -> dict[str, Any]:
    """Return the attributes of the zarr v3 group at `path`; empty if there is none."""
    try:
        found = read_root(store_place(path)).get("attributes", {})
    except StoreError:
        return {}
    return dict(found) if isinstance(found, dict) else {}


def is_store(path: str | Path) -> bool:
    """Tell whether a store of bayescannon is at `path`, of any format, whole or not; everything at a URL is."""
    if store_attributes(path).get("format") in FORMATS or url_of(path) is not None:
        return True
    return Path(path, ROOT).exists() and Path(path, "flux").is_dir()
