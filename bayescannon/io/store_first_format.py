"""
Read stores of the format "bayescannon spectra 1", which versions 0.2 to 0.6 wrote.

They have no checksums, and zarr reads a file that is missing as zeros. So the files of pixels and names are listed, and
those that are missing are an error. Of other columns a missing file may be one of zeros or blanks, which zarr did not
write.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from zarr.storage import LocalStore

from bayescannon.data.display import visible
from bayescannon.data.spectra import Spectra
from bayescannon.io.size_limits import require_memory
from bayescannon.io.store_layout import NEEDED, StoreError
from bayescannon.io.store_place import LocalPlace

# what zarr leaves out in none of its chunks: no store has stars without signal-to-noise ratios of 0 or positions
_ALWAYS_WRITTEN = (*NEEDED, "snr", "ra", "dec")
_CODECS = frozenset(["bytes", "blosc", "zstd", "vlen-utf8", "crc32c"])
_TYPES = frozenset(
    ["bool", "string", "float32", "float64", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
)
_REMEDY = "; restore it from a copy, or prepare the spectra again"


class FirstFormatReader:
    """
    A store of format 1 that is open for reading.

    Parameters
    ----------
    place : LocalPlace
    document : mapping
        Its root metadata.

    Raises
    ------
    StoreError
        It is incomplete, files are missing or damaged, or it holds what no version wrote.
    """

    def __init__(self, place: LocalPlace, document: dict[str, Any]) -> None:
        self.place = place
        attributes = document.get("attributes", {})
        if not attributes.get("complete"):
            raise StoreError(
                f"{place.shown} is incomplete because its preparation was interrupted; prepare the spectra again"
            )
        described = _describe(place, document)
        for name, one in described.items():
            _require_files(place, name, one)
        # stores of version 0.2 and older have no consolidated metadata
        self._consolidated = bool(document.get("consolidated_metadata"))
        self._stamp = self._stamps()
        with self._saying():
            self._dataset = self._open()
        self.n_star = int(self._dataset.sizes["star"])
        self.columns = [str(name) for name, one in self._dataset.data_vars.items() if one.dims == ("star",)]
        self.attrs = {name: visible(one) if isinstance(one, str) else one for name, one in attributes.items()}

    def _open(self) -> xr.Dataset:
        place = LocalStore(self.place.root, read_only=True)
        opened: xr.Dataset = xr.open_zarr(place, consolidated=self._consolidated, chunks=None)
        return opened

    @property
    def wavelength(self) -> NDArray[np.float64]:
        """The grid, shape (pixel,)."""
        return self.values("wavelength")

    def values(self, name: str, rows: slice | NDArray[np.intp] = slice(None)) -> NDArray[Any]:
        """Return rows of an array; text as fixed-width strings."""
        with self._saying():
            array = self._dataset[name]
            if array.dims[0] != "pixel":
                array = array[rows]
            values: NDArray[Any] = array.to_numpy()
        if values.dtype.kind in "TO":
            return np.array([visible(str(one), keep="") for one in values.tolist()], dtype=np.str_)
        return values

    def spectra(self, rows: slice | NDArray[np.intp]) -> Spectra:
        """Return the stars of a slice, or of row numbers."""
        n = len(range(*rows.indices(self.n_star))) if isinstance(rows, slice) else len(rows)
        require_memory(8 * n * int(self._dataset.sizes["pixel"]), f"{n} spectra of {self.place.shown}")
        flux, ivar, ids = (self.values(name, rows) for name in ("flux", "ivar", "star"))
        columns = {name: self.values(name, rows) for name in self.columns}
        self.require_same()
        return Spectra(self.wavelength, flux, ivar, ids, columns, self.attrs)

    def dataset(self) -> xr.Dataset:
        """Return the store with its pixels not loaded."""
        found = self._dataset.assign_coords(star=self.values("star"))
        return found.assign_attrs(self.attrs)

    @property
    def store_id(self) -> str:
        """A digest of names, sizes and times of change of all files, as the format has no id of its own."""
        files = [(name, self.place.stamp(name)) for name in sorted(self.place.names())]
        return hashlib.sha256(repr(files).encode()).hexdigest()[:32]

    def require_same(self) -> None:
        """Raise StoreError if the store was replaced or changed since it was opened."""
        if self._stamps() != self._stamp:
            raise StoreError(
                f"{self.place.shown} was replaced or changed while it was being read, so nothing of it is used; start "
                "again"
            )

    def _stamps(self) -> object:
        return [self.place.stamp(name) for name in ("zarr.json", "flux", "ivar", "star")]

    def _saying(self) -> "_Saying":
        return _Saying(self.place.shown)


class _Saying:
    """Turn what zarr and its codecs raise on damaged files into a StoreError."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StoreError):
            raise StoreError(
                f"{self.shown}: files of it are damaged; reading them failed with {type(error).__name__}: "
                f"{visible(str(error))}{_REMEDY}"
            ) from error


def _describe(place: LocalPlace, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the metadata say of every array; raise an error if that is not what a version wrote."""
    consolidated = document.get("consolidated_metadata")
    if consolidated:
        found = consolidated.get("metadata", {}) if isinstance(consolidated, dict) else {}
    else:
        found = {path.parent.name: _read(place, path) for path in sorted(place.root.glob("*/zarr.json"))}
    absent = [name for name in NEEDED if name not in found or not (place.root / name).is_dir()]
    if absent:
        raise StoreError(f"{place.shown} lacks {', '.join(absent)}: files of it are lost; prepare the spectra again")
    for name, one in found.items():
        try:
            shape, grid = one["shape"], one["chunk_grid"]["configuration"]["chunk_shape"]
            sound = (
                all(type(size) is int and 0 <= size < 2**40 for size in [*shape, *grid])
                and min(grid) > 0
                and len(shape) == len(grid) == (2 if name in ("flux", "ivar") else 1)
                and one["data_type"] in _TYPES
                and {codec["name"] for codec in one["codecs"]} <= _CODECS
            )
        except (KeyError, TypeError, AttributeError, ValueError):
            sound = False
        if not sound:
            raise StoreError(
                f"{place.shown}: the metadata of {visible(str(name))} are damaged, or not of this package{_REMEDY}"
            )
    n_star, n_pixel = found["flux"]["shape"]
    for name, shape in {"ivar": [n_star, n_pixel], "star": [n_star], "wavelength": [n_pixel]}.items():
        if found[name]["shape"] != shape:
            raise StoreError(f"{place.shown}: the shape of {name} must be {shape}; got {found[name]['shape']}{_REMEDY}")
    return found


def _require_files(place: LocalPlace, name: str, described: dict[str, Any]) -> None:
    """Raise an error if files of an array that always has them are missing."""
    if name not in _ALWAYS_WRITTEN:
        return
    shape, chunk = described["shape"], described["chunk_grid"]["configuration"]["chunk_shape"]
    n_file = -(-shape[0] // chunk[0])
    if len(shape) == 2 and chunk[1] != shape[1]:
        raise StoreError(f"{place.shown}: chunks of {name} must hold whole spectra; got {chunk}{_REMEDY}")
    folder = place.root / name / "c"
    there = {one.name for one in folder.iterdir()} if folder.is_dir() else set()
    ending = "/0" * (len(shape) - 1)
    # names are looked up one by one, up to the first that is missing: a damaged shape may stand for any number
    missing = (n for n in range(n_file) if str(n) not in there or not (folder / f"{n}{ending}").is_file())
    lost = next(missing, None)
    if lost is None:
        return
    stop = min((lost + 1) * chunk[0], shape[0])
    what = "pixels" if name == "wavelength" else "stars"
    raise StoreError(
        f"{place.shown}: the file {name}/c/{lost}{ending}, {name} of {what} {lost * chunk[0]} to {stop - 1}, is missing"
        f"{_REMEDY}"
    )


def _read(place: LocalPlace, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(
            f"{place.shown}: the file {path.relative_to(place.root)} is damaged: {error}{_REMEDY}"
        ) from error
    return found if isinstance(found, dict) else {}
