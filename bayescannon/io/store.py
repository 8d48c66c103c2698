"""Read the store of prepared spectra, a zarr v3 group; a group that is incomplete or not a store is refused."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from zarr.storage import LocalStore

from bayescannon.data.convert import texts
from bayescannon.data.spectra import Spectra
from bayescannon.data.star_ids import rows_by_id
from bayescannon.io.outputs import leftovers
from bayescannon.io.paths import as_path
from bayescannon.numerics.errors import InputError

FORMAT = "bayescannon spectra 1"
_NEEDED = ("flux", "ivar", "star", "wavelength")
# stars per chunk of flux or ivar
STAR_CHUNK = 512


class StoreError(InputError):
    """A store that is missing or incomplete, lacks a star, or is not a store of bayescannon."""


def open_store(path: str | Path) -> xr.Dataset:
    """
    Open a store without loading its pixels.

    Returns
    -------
    dataset : xarray.Dataset
        dims star and pixel, as :meth:`bayescannon.data.spectra.Spectra.to_xarray` returns it, and the refused files
        along a dim ``refusal``. ``attrs`` hold the choices of the preparation.

    Raises
    ------
    StoreError
        The store does not exist, is incomplete, or `path` is not a store of bayescannon.
    """
    path = as_path(path, "a store of spectra")
    described = _describe(path)
    attributes = described.get("attributes", {})
    if attributes.get("format") != FORMAT:
        if not path.exists():
            left = ", ".join(one.name for one in leftovers(path))
            hint = f". An interrupted run left {left}; remove it and prepare the spectra again" if left else ""
            raise StoreError(f"there is no store at {path}; make one with 'bayescannon prepare'{hint}")
        fault = "; check that spectra and labels are not swapped" if path.is_file() else ""
        raise StoreError(f"{path} is not a store of bayescannon ({FORMAT}){fault}; make one with 'bayescannon prepare'")
    if not attributes.get("complete"):
        raise StoreError(f"{path} is incomplete because its preparation was interrupted; prepare the spectra again")
    # stores of version 0.2 and older have no consolidated metadata
    # absolute, as the pixels may be read from another working folder; a path as text would be read as a URL
    place = LocalStore(path.absolute(), read_only=True)
    dataset = xr.open_zarr(place, consolidated=bool(described.get("consolidated_metadata")), chunks=None)
    # the consolidated metadata name an array whose files are lost, and zarr reads it as zeros
    if absent := [name for name in _NEEDED if not (path / name).is_dir() or name not in dataset.variables]:
        raise StoreError(f"{path} lacks {', '.join(absent)}: files of it are lost; prepare the spectra again")
    # the order of the arrays depends on the file system, so it is set here
    dataset = dataset[["flux", "ivar", *sorted(set(map(str, dataset.data_vars)) - {"flux", "ivar"})]]
    result: xr.Dataset = dataset.assign_coords(star=_fixed_width(dataset["star"]))
    return result


def load_spectra(path: str | Path, ids: Sequence[str] | None = None) -> Spectra:
    """
    Load the spectra of a store into memory.

    Parameters
    ----------
    path : str or Path
        The store.
    ids : sequence of str, optional
        Ids of the stars to load, in this order, found as they are or without folders and file endings
        (:func:`bayescannon.data.star_ids.rows_by_id`). By default all stars.

    Returns
    -------
    spectra : bayescannon.data.spectra.Spectra

    Raises
    ------
    StoreError
        As :func:`open_store`, or an id is not in the store.
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
    with open_store(path) as dataset:
        if ids is None:
            return _to_spectra(dataset)
        index = rows_in_store(dataset["star"].to_numpy(), ids, path)
        # chunks are read in the order of the store, then sorted into the order of `ids`
        order, inverse = np.unique(index, return_inverse=True)
        return _to_spectra(dataset.isel(star=order)).select(inverse)


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


def iterate_spectra(path: str | Path, block: int = 2 * STAR_CHUNK) -> Iterator[Spectra]:
    """
    Yield the spectra of a store in order, `block` stars at a time, in constant memory.

    Raises
    ------
    StoreError
        As :func:`open_store`.
    """
    if block < 1:
        raise InputError(f"block must be at least 1; got {block}")
    with open_store(path) as dataset:
        for start in range(0, dataset.sizes["star"], block):
            yield _to_spectra(dataset.isel(star=slice(start, start + block)))


def _to_spectra(dataset: xr.Dataset) -> Spectra:
    """Load stars, with text as numpy's fixed-width strings."""
    dataset = dataset.drop_dims("refusal").load()
    text = {
        name: ("star", _fixed_width(array))
        for name, array in dataset.data_vars.items()
        if array.dims == ("star",) and array.dtype.kind in "TO"
    }
    return Spectra.from_xarray(dataset.assign(text))


def _fixed_width(text: xr.DataArray) -> NDArray[np.str_]:
    """Turn variable-width strings into numpy's fixed-width ones, as wide as the longest string."""
    return np.array(text.to_numpy().tolist(), dtype=np.str_)


def store_attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of the zarr v3 group at `path`; empty if there is none."""
    return dict(_describe(path).get("attributes", {}))


def _describe(path: Path) -> dict[str, Any]:
    """Read the metadata of the zarr v3 group at `path`; empty if there is none."""
    try:
        described = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return described if isinstance(described, dict) else {}
