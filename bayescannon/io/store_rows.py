"""Rows of a store by their places, for work block by block: a worker keeps the store open from block to block."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.spectra import Spectra
from bayescannon.io.paths import as_path
from bayescannon.io.store import StoreError, open_reader, store_id, store_place
from bayescannon.io.store_first_format import FirstFormatReader
from bayescannon.io.store_place import LocalPlace
from bayescannon.io.store_reader import StoreReader
from bayescannon.io.urls import url_of

type Rows = slice | NDArray[np.intp]
type Reader = StoreReader | FirstFormatReader


def n_stars(path: str | Path) -> int:
    """
    Return the number of stars in a store.

    Raises
    ------
    StoreError
        There is no complete store.
    """
    return _open(path)[0].n_star


def read_rows(path: str | Path, rows: Rows, *, of_store: str = "") -> Spectra:
    """
    Load some stars of a store by their places.

    Parameters
    ----------
    path : str or Path
    rows : slice or int array
        Places in the store, ascending.
    of_store : str
        The id of the store when the work began, see :func:`bayescannon.io.store.store_id`; not checked if empty.

    Raises
    ------
    StoreError
        There is no complete store, it is another one, or a part that is read is missing or damaged.

    Examples
    --------
    >>> import tempfile
    >>> from bayescannon.io.store_writer import save_spectra
    >>> flux = np.ones((3, 4), dtype=np.float32)
    >>> spectra = Spectra(np.linspace(5000.0, 5003.0, 4), flux, 100 * flux, np.array(["a", "b", "c"]))
    >>> path = save_spectra(spectra, Path(tempfile.mkdtemp()) / "store.zarr")
    >>> read_rows(path, slice(1, 3)).id.tolist()
    ['b', 'c']
    """
    reader, identity = _open(path)
    if of_store and identity != of_store:
        raise StoreError(f"{path} was replaced or changed since the run began, so nothing of it is used; start again")
    return reader.spectra(rows)


def whole_path(path: str | Path) -> str | Path:
    """
    Return a store's path so that workers with another working folder find it; a URL as it is.

    Examples
    --------
    >>> whole_path("s3://bucket/store.zarr"), whole_path("store.zarr").is_absolute()
    ('s3://bucket/store.zarr', True)
    """
    return url_of(path) or as_path(path, "a store of spectra").absolute()


def text_column(path: str | Path, name: str, rows: Rows) -> NDArray[np.str_]:
    """Return names of stars, or a column of text, without loading anything else; empty if there is no such column."""
    reader, _ = _open(path)
    known = reader.columns if isinstance(reader, FirstFormatReader) else reader.manifest.columns
    if name != "star" and name not in known:
        return np.zeros(0, dtype=np.str_)
    values = reader.values(name, rows)
    return values if values.dtype.kind == "U" else np.zeros(0, dtype=np.str_)


def _open(path: str | Path) -> tuple[Reader, str]:
    """Return a store that is open, and its id."""
    place = store_place(path)
    return _opened_last(str(place.root) if isinstance(place, LocalPlace) else place.url, place.root_stamp())


@lru_cache(maxsize=2)
def _opened_last(path: str, stamp: object) -> tuple[Reader, str]:  # noqa: ARG001
    """Open a store; it stays open as long as its root metadata have the same stamp."""
    return open_reader(path), store_id(path)
