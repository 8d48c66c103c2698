"""Write the store of prepared spectra; an incomplete store is never taken for a complete one."""

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec
from zarr.errors import ZarrUserWarning

from bayescannon.data.display import printable
from bayescannon.data.parts import require_kind
from bayescannon.data.spectra import Spectra, require_same_grid
from bayescannon.io.outputs import (
    OutputExistsError,
    put_in_place,
    real_path,
    refuse_existing,
    remove,
    require_writable,
    saying_why,
    temporary_name,
)
from bayescannon.io.paths import as_path
from bayescannon.io.store import FORMAT, STAR_CHUNK, store_attributes
from bayescannon.numerics.errors import InputError

# stars per chunk of the columns with one value per star
COLUMN_CHUNK = 16 * STAR_CHUNK
_PIXEL_ATTRS = {
    "flux": {"long_name": "normalised flux", "coordinates": "wavelength"},
    "ivar": {"long_name": "inverse variance of flux; 0 is dead", "coordinates": "wavelength"},
}


class StoreWriter:
    """
    Write a store block by block under a temporary name, and rename it at the end.

    Use it in a ``with`` block and call :meth:`finish` last. If an exception or an interrupt ends the block earlier, the
    incomplete store is removed. A killed process leaves a hidden folder, ``.NAME.partial-...zarr``, which no reader
    accepts.

    Parameters
    ----------
    path : str or Path
        The store, usually named ``*.zarr``.
    wavelength : float64 array of shape (pixel,)
        The grid.
    overwrite : bool
        Replace a store that exists; it stays in place until the new one is complete.

    Raises
    ------
    OutputExistsError
        The output exists and `overwrite` is not set, or it is not a store, which is never replaced.
    OutputPermissionError
        The folder of `path` is not writable.
    OutputWriteError
        Writing fails, for instance because the disk is full.
    """

    def __init__(self, path: str | Path, wavelength: NDArray[np.float64], *, overwrite: bool = False) -> None:
        self.path = as_path(path, "the store to write")
        refuse_existing(self.path, overwrite=overwrite)
        if self.path.exists() and store_attributes(self.path).get("format") != FORMAT:
            raise OutputExistsError(self.path, "exists and is not a store of bayescannon; remove it by hand")
        self._target = real_path(self.path)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        require_writable(self._target.parent)
        self.partial = temporary_name(self._target)
        self.wavelength = np.asarray(wavelength, dtype=np.float64)
        self.n_star = 0
        self._pending: list[Spectra] = []
        self._arrays: dict[str, Any] = {}
        self._columns: set[str] | None = None

    @cached_property
    def _group(self) -> Any:
        """The zarr group, made at the first block, so that a run without any leaves no folder."""
        return zarr.open_group(self.partial, mode="w-", zarr_format=3, attributes={"format": FORMAT, "complete": False})

    def __enter__(self) -> "StoreWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # after finish the temporary folder does not exist
        remove(self.partial)

    def append(self, spectra: Spectra) -> None:
        """
        Add stars with new ids; they are written in chunks of `STAR_CHUNK`.

        Raises
        ------
        InputError
            The block does not have the columns of the first.
        bayescannon.data.spectra.GridError
            The block is on another grid than the store.
        """
        if len(spectra) == 0:
            return
        require_same_grid(spectra.wavelength, self.wavelength, got_from="a block of spectra", want_from=str(self.path))
        if self._columns is None:
            self._columns = set(spectra.columns)
        if set(spectra.columns) != self._columns:
            raise InputError(
                f"every block must have the columns {sorted(self._columns)}; got {sorted(spectra.columns)}"
            )
        self._pending.append(spectra)
        if sum(map(len, self._pending)) >= STAR_CHUNK:
            merged = concatenate(self._pending)
            whole = len(merged) // STAR_CHUNK * STAR_CHUNK
            self._write(merged.select(slice(0, whole)))
            self._pending = [merged.select(slice(whole, None))]

    def finish(self, attrs: Mapping[str, Any] | None = None, refused: Sequence[tuple[str, str]] = ()) -> Path:
        """
        Write the remaining stars, the attributes and the refused files, and rename the store to its final name.

        Parameters
        ----------
        attrs : mapping of str to values JSON can hold
            The choices of the preparation.
        refused : sequence of (file, reason)
            Stored in the variables ``refused_file`` and ``refused_reason``.

        Raises
        ------
        InputError
            No star was appended.
        """
        left = [spectra for spectra in self._pending if len(spectra)]
        if left:
            self._write(concatenate(left))
        if self.n_star == 0:
            raise InputError("a store needs at least one star; got none")
        with saying_why(self.path):
            for i, name in enumerate(("refused_file", "refused_reason")):
                self._put(name, np.array([row[i] for row in refused], dtype=np.str_), "refusal", {})
            self._group.attrs.update({**(attrs or {}), "n_refused": len(refused), "complete": True})
            with warnings.catch_warnings():
                # zarr warns that version 3 of its format does not specify consolidated metadata; others ignore them
                warnings.simplefilter("ignore", ZarrUserWarning)
                zarr.consolidate_metadata(self._group.store)
            put_in_place(self.partial, self._target)
        return self.path

    def _write(self, block: Spectra) -> None:
        """Append one block to every array."""
        with saying_why(self.path):
            self._write_arrays({"star": block.id, "flux": block.flux, "ivar": block.ivar, **block.columns})

    def _write_arrays(self, values: dict[str, NDArray[Any]]) -> None:
        if not self._arrays:
            self._put("wavelength", self.wavelength, "pixel", {"units": "Angstrom", "long_name": "vacuum rest"})
            for name, array in values.items():
                self._arrays[name] = self._create(name, array)
        stop = self.n_star + len(values["star"])
        for name, array in values.items():
            self._arrays[name].resize((stop, *array.shape[1:]))
            self._arrays[name][self.n_star : stop] = _plain(array)
        self.n_star = stop

    def _create(self, name: str, like: NDArray[Any]) -> Any:
        """Make an empty array with one row per star."""
        if name in _PIXEL_ATTRS:
            return self._group.create_array(
                name,
                shape=(0, len(self.wavelength)),
                chunks=(STAR_CHUNK, len(self.wavelength)),
                dtype="float32",
                dimension_names=("star", "pixel"),
                attributes=_PIXEL_ATTRS[name],
                compressors=BloscCodec(cname="lz4", clevel=1, shuffle="shuffle"),
            )
        text = like.dtype.kind == "U"
        return self._group.create_array(
            name,
            shape=(0,),
            chunks=(COLUMN_CHUNK,),
            dtype=str if text else like.dtype,
            fill_value="" if text else 0,
            dimension_names=("star",),
        )

    def _put(self, name: str, values: NDArray[Any], dim: str, attrs: dict[str, Any]) -> None:
        """Write a whole one-dimensional array."""
        array = self._group.create_array(
            name,
            shape=values.shape,
            chunks=(max(len(values), 1),),
            dtype=str if values.dtype.kind == "U" else values.dtype,
            dimension_names=(dim,),
            attributes=attrs,
        )
        if len(values):
            array[:] = _plain(values)


def save_spectra(spectra: Spectra, path: str | Path, *, overwrite: bool = False) -> Path:
    """
    Write spectra in memory to a store, which appears complete or not at all.

    Parameters
    ----------
    spectra : Spectra
        At least one.
    path : str or Path
        The store, usually named ``*.zarr``; its folder is made if need be.
    overwrite : bool
        Replace a store that exists.

    Returns
    -------
    path : pathlib.Path
        The store, for :func:`bayescannon.io.store.load_spectra`.

    Raises
    ------
    OutputExistsError
        See :class:`StoreWriter`.

    Examples
    --------
    >>> import tempfile
    >>> from bayescannon.io.store import load_spectra
    >>> flux = np.ones((2, 4), dtype=np.float32)
    >>> names = {"obsid": np.array(["101001", ""])}
    >>> spectra = Spectra(np.linspace(5000.0, 5003.0, 4), flux, 100 * flux, np.array(["a", "b"]), names)
    >>> store = save_spectra(spectra, Path(tempfile.mkdtemp()) / "store.zarr")
    >>> load_spectra(store).columns["obsid"].tolist()
    ['101001', '']
    >>> save_spectra(spectra, store)
    Traceback (most recent call last):
        ...
    bayescannon.io.outputs.OutputExistsError: ...store.zarr exists; choose another name, or replace it with ...
    """
    require_kind(spectra, Spectra, "save_spectra(spectra, path)")
    with StoreWriter(path, spectra.wavelength, overwrite=overwrite) as writer:
        writer.append(spectra)
        return writer.finish(spectra.attrs)


def concatenate(blocks: Sequence[Spectra]) -> Spectra:
    """Concatenate blocks of stars with the same grid and columns."""
    first = blocks[0]
    return Spectra(
        first.wavelength,
        np.concatenate([block.flux for block in blocks]),
        np.concatenate([block.ivar for block in blocks]),
        np.concatenate([block.id for block in blocks]),
        {name: np.concatenate([block.columns[name] for block in blocks]) for name in first.columns},
        first.attrs,
    )


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return text as variable-width strings, the kind that zarr v3 specifies; other arrays unchanged."""
    if array.dtype.kind != "U":
        return array
    return np.array([printable(text) for text in array.tolist()], dtype=np.dtypes.StringDType())
