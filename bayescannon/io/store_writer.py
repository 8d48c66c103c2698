"""Write the store of prepared spectra; it appears complete or not at all, and one process writes it at a time."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.parts import require_kind
from bayescannon.data.spectra import Spectra
from bayescannon.io.output_lock import locked
from bayescannon.io.outputs import (
    OutputExistsError,
    put_in_place,
    real_path,
    refuse_existing,
    remove,
    require_writable,
    saying_why,
    settle,
    temporary_name,
)
from bayescannon.io.paths import as_path
from bayescannon.io.store import store_attributes
from bayescannon.io.store_builder import StoreBuilder
from bayescannon.io.store_layout import FORMATS, ROOT
from bayescannon.io.store_place import LocalPlace
from bayescannon.io.urls import UrlPlace, url_of


class StoreWriter:
    """
    Write a store block by block under a temporary name, and rename it at the end.

    Use it in a ``with`` block, which holds the lock of the store, and call :meth:`finish` last. If an exception or an
    interrupt ends the block earlier, the incomplete store is removed. A killed process leaves a hidden folder,
    ``.NAME.partial-...zarr``, which no reader accepts and the next writer removes.

    Parameters
    ----------
    path : str or Path
        The store, usually named ``*.zarr``.
    wavelength : float64 array of shape (pixel,)
        The grid.
    overwrite : bool
        Replace a store that exists; it stays in place until the new one is complete.
    further : sequence of str
        Arrays with a value for every star and pixel that are given beside the spectra, of
        :data:`bayescannon.io.store_layout.MODEL_ARRAYS`.

    Raises
    ------
    OutputExistsError
        The output exists and `overwrite` is not set, or it is not a store, which is never replaced.
    OutputPermissionError
        The folder of `path` is not writable.
    OutputBusyError
        Another process writes the store.
    OutputWriteError
        Writing fails, for instance because the disk is full.
    """

    def __init__(
        self,
        path: str | Path,
        wavelength: NDArray[np.float64],
        *,
        overwrite: bool = False,
        further: Sequence[str] = (),
    ) -> None:
        url = url_of(path)
        self.place = None if url is None else place_to_write(url)
        self.path = as_path(path, "the store to write") if self.place is None else Path(self.place.url)
        self._overwrite = overwrite
        self._target = self.path if self.place else check_output_store(self.path, overwrite=overwrite)
        self.partial = temporary_name(self._target)
        self.builder = StoreBuilder(self._write, wavelength, str(self.path), further)
        self._stack = ExitStack()

    def __enter__(self) -> "StoreWriter":
        if self.place is not None:
            return self
        with ExitStack() as stack:
            stack.enter_context(locked(self._target))
            settle(self._target)
            # another process may have written it since
            check_output_store(self.path, overwrite=self._overwrite)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # after finish the temporary folder does not exist; at a URL what has no root metadata is no store
            if self.place is None:
                remove(self.partial)
        finally:
            self._stack.close()

    @property
    def n_star(self) -> int:
        """Number of stars that were given."""
        return self.builder.n_star

    def append(self, spectra: Spectra, further: Mapping[str, NDArray[Any]] | None = None) -> None:
        """
        Add stars with new ids; they are written a shard at a time. `further` are arrays of shape (star, pixel).

        Raises
        ------
        InputError
            The block does not have the columns of the first.
        bayescannon.data.spectra.GridError
            The block is on another grid than the store.
        """
        with saying_why(self.path):
            self.builder.append(spectra, further)

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
        with saying_why(self.path):
            self.builder.finish(attrs, refused)
            if self.place is None:
                put_in_place(self.partial, self._target)
        return self.path

    def _write(self, name: str, data: bytes) -> None:
        if self.place is None:
            write_file(self.partial, name, data)
        else:
            self.place.write(name, data)


def place_to_write(url: str) -> UrlPlace:
    """
    Return the place of a new store at a URL.

    Raises
    ------
    OutputExistsError
        A store is there: at a URL nothing is replaced, as that cannot be done in one step.
    MissingLibraryError
        Libraries for URLs are not installed.
    """
    place = UrlPlace(url)
    with saying_why(Path(url)):
        if place.root_stamp() is not None:
            raise OutputExistsError(url, "exists; a store at a URL is not replaced: choose another name, or remove it")
    return place


def upload(folder: Path, place: UrlPlace) -> None:
    """Copy a whole store of this machine to a URL, its root metadata last."""
    names = sorted(LocalPlace(folder).names(), key=lambda name: (name == ROOT, name))
    for name in names:
        place.write(name, (folder / name).read_bytes())


def write_file(folder: Path, name: str, data: bytes) -> None:
    """Write a file of a store in a local folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def check_output_store(path: Path, *, overwrite: bool) -> Path:
    """
    Raise an error unless a store can be written at `path`; return where it lies, links resolved.

    The folder of the store is made if need be.

    Raises
    ------
    OutputExistsError, OutputPermissionError
        As :class:`~bayescannon.io.store_writer.StoreWriter`.
    """
    refuse_existing(path, overwrite=overwrite)
    if path.exists() and store_attributes(path).get("format") not in FORMATS:
        raise OutputExistsError(path, "exists and is not a store of bayescannon; remove it by hand")
    target = real_path(path)
    with saying_why(path):
        target.parent.mkdir(parents=True, exist_ok=True)
    require_writable(target.parent)
    return target


def save_spectra(spectra: Spectra, path: str | Path, *, overwrite: bool = False) -> Path:
    """
    Write spectra in memory to a store, which appears complete or not at all.

    Parameters
    ----------
    spectra : Spectra
        At least one.
    path : str or Path
        The store, usually named ``*.zarr``; its folder is made if need be. Or a URL at which no store is.
    overwrite : bool
        Replace a store that exists.

    Returns
    -------
    path : pathlib.Path
        The store, for :func:`bayescannon.io.store.load_spectra`; a Path of the URL, which stands for it.

    Raises
    ------
    OutputExistsError
        See :class:`~bayescannon.io.store_writer.StoreWriter`.

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
