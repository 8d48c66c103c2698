"""Rows of a store of format 2: every byte is compared with the manifest that was read at the beginning."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.display import visible
from bayescannon.data.spectra import Spectra
from bayescannon.io.size_limits import require_memory
from bayescannon.io.store_chunks import INDEX_BYTES, ChunkError, decode_column, decode_pixels, read_index
from bayescannon.io.store_layout import FORMAT, PIXEL_ARRAYS, STAR_CHUNK, STAR_SHARD, TEXT, StoreError
from bayescannon.io.store_manifest import Manifest, StoredArray, has_id
from bayescannon.io.store_place import StorePlace, read_root

_CRC = 4


class StoreReader:
    """
    A store of format 2 that is open for reading.

    Parameters
    ----------
    place : StorePlace
    manifest : Manifest
        What was read from it.

    Raises
    ------
    StoreError
        From every method: a file is missing, damaged or of another size, or the store was replaced or changed since it
        was opened.
    """

    def __init__(self, place: StorePlace, manifest: Manifest) -> None:
        self.place = place
        self.manifest = manifest
        self._stamp = self.place.root_stamp()
        # the file of a column that was decoded last: blocks of stars follow each other
        self._last: dict[str, tuple[int, NDArray[Any]]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_last": {}}

    @property
    def n_star(self) -> int:
        """Number of stars."""
        return self.manifest.n_star

    @cached_property
    def wavelength(self) -> NDArray[np.float64]:
        """The grid, shape (pixel,)."""
        return self.values("wavelength")

    @property
    def attrs(self) -> dict[str, Any]:
        """What the store says of itself."""
        own = {"format": FORMAT, "store_id": self.manifest.store_id, "n_refused": self.manifest.n_refused}
        return dict(self.manifest.attrs) | own

    def spectra(self, rows: slice | NDArray[np.intp]) -> Spectra:
        """Return the stars of a slice, or of ascending row numbers; only the chunks that hold them are read."""
        n = len(range(*rows.indices(self.n_star))) if isinstance(rows, slice) else len(rows)
        require_memory(8 * n * self.manifest.n_pixel, f"{n} spectra of {self.place.shown}")
        flux, ivar = (self.values(name, rows) for name in PIXEL_ARRAYS)
        columns = {name: self.values(name, rows) for name in self.manifest.columns}
        ids = self.values("star", rows)
        # after the last file was read, so that no row of a store that was replaced is returned
        self.require_same()
        return Spectra(self.wavelength, flux, ivar, ids, columns, self.attrs)

    def values(self, name: str, rows: slice | NDArray[np.intp] = slice(None)) -> NDArray[Any]:
        """Return rows of an array; text as fixed-width strings."""
        stored = self.manifest.arrays[name]
        numbers = np.arange(stored.layout.shape[0])[rows] if isinstance(rows, slice) else rows
        if stored.layout.is_pixels:
            return self._pixels(stored, numbers)
        parts = [self._column_file(stored, file)[inside] for file, inside in _by_file(numbers, stored)]
        if stored.layout.dtype != TEXT:
            return np.concatenate(parts) if parts else np.empty(0, dtype=stored.layout.dtype)
        texts = [text for part in parts for text in part.tolist()]
        return np.array([visible(text, keep="") for text in texts], dtype=np.str_)

    def require_same(self) -> None:
        """Raise StoreError if the store was replaced or changed since it was opened."""
        stamp = self.place.root_stamp()
        if stamp == self._stamp:
            return
        found = read_root(self.place) if stamp is not None else {}
        if not has_id(found, self.manifest.store_id):
            raise StoreError(
                f"{self.place.shown} was replaced or changed while it was being read, so nothing of it is used; start "
                "again"
            )
        self._stamp = stamp

    def chunks(
        self, stored: StoredArray, file: int, wanted: Sequence[int]
    ) -> Iterator[tuple[int, memoryview | bytes, int]]:
        """Yield number, bytes and checksum of chunks of a shard, which are read together if they are all wanted."""
        layout = stored.layout
        n_chunk, checksums = layout.chunks_in(file), stored.checksums_of(file)
        if len(wanted) == n_chunk:
            whole = memoryview(self._read(stored, file))
            for chunk, (start, length) in enumerate(read_index(bytes(whole[-INDEX_BYTES:]), n_chunk, len(whole))):
                yield chunk, whole[start : start + length - _CRC], checksums[chunk]
            return
        size = int(stored.sizes[file])
        index = read_index(self._read(stored, file, size - INDEX_BYTES, INDEX_BYTES), n_chunk, size)
        for chunk in wanted:
            start, length = index[chunk]
            yield chunk, self._read(stored, file, start, length - _CRC), checksums[chunk]

    def _pixels(self, stored: StoredArray, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        out = np.empty((len(rows), self.manifest.n_pixel), dtype=np.float32)
        chunk_of = rows // STAR_CHUNK
        # rows are ascending, so those of a chunk follow each other
        chunks, first = np.unique(chunk_of, return_index=True)
        last = np.append(first[1:], len(rows))
        files = chunks // (STAR_SHARD // STAR_CHUNK)
        for file in np.unique(files).tolist():
            of_file = np.flatnonzero(files == file)
            wanted = {int(chunks[i]) % (STAR_SHARD // STAR_CHUNK): (int(first[i]), int(last[i])) for i in of_file}
            with self._saying(stored, file):
                for chunk, data, checksum in self.chunks(stored, file, list(wanted)):
                    start, stop = wanted[chunk]
                    inside = rows[start:stop] - (file * STAR_SHARD + chunk * STAR_CHUNK)
                    if len(inside) == inside[-1] + 1:
                        decode_pixels(data, checksum, out[start:stop])
                    else:
                        whole = np.empty((int(inside[-1]) + 1, out.shape[1]), dtype=np.float32)
                        decode_pixels(data, checksum, whole)
                        out[start:stop] = whole[inside]
        return out

    def _column_file(self, stored: StoredArray, file: int) -> NDArray[Any]:
        name = stored.layout.name
        known = self._last.get(name)
        if known is not None and known[0] == file:
            return known[1]
        rows = stored.layout.rows_of(file)
        with self._saying(stored, file):
            (checksum,) = stored.checksums_of(file)
            found = decode_column(self._read(stored, file), checksum, stored.layout.dtype, stored.layout.rows_per_file)
        found = found[: rows.stop - rows.start]
        self._last[name] = file, found
        return found

    def _read(self, stored: StoredArray, file: int, start: int = 0, length: int | None = None) -> bytes:
        """Return a file or a part of it; raise ChunkError where it has another size than in the manifest."""
        name, size = stored.layout.file(file), int(stored.sizes[file])
        if start or length is not None:
            found = self.place.size(name)
            data = self.place.read(name, start, size if length is None else length)
        else:
            data = self.place.read(name, 0, size + 1)
            found = self.place.size(name) if len(data) > size else len(data)
        if found != size or (length is not None and len(data) != length):
            raise ChunkError(f"it must have {size} bytes and has {found}")
        return data

    def _saying(self, stored: StoredArray, file: int) -> "_Saying":
        return _Saying(self, stored, file)


class _Saying:
    """Turn faults of a file into a StoreError that names it and the stars in it."""

    def __init__(self, reader: StoreReader, stored: StoredArray, file: int) -> None:
        self.reader, self.stored, self.file = reader, stored, file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StoreError) or not isinstance(error, ChunkError | OSError):
            return
        # a store that was replaced has other bytes everywhere
        self.reader.require_same()
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            why = "is missing"
        elif isinstance(error, OSError):
            why = f"cannot be read: {error.strerror or error}"
        else:
            why = f"is damaged: {error}"
        place, layout = self.reader.place.shown, self.stored.layout
        raise StoreError(
            f"{place}: the file {layout.file(self.file)}, {described_rows(self.stored, self.file)}, {why}. "
            f"'bayescannon check {place}' lists all faults; restore the file from a copy, or prepare the spectra again"
        ) from error


def described_rows(stored: StoredArray, file: int) -> str:
    """Say what a file holds."""
    layout, rows = stored.layout, stored.layout.rows_of(file)
    what = {"star": "stars", "pixel": "pixels"}.get(layout.dim, "refused files")
    return f"{layout.name} of {what} {rows.start} to {rows.stop - 1}"


def _by_file(rows: NDArray[np.intp], stored: StoredArray) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Yield the files that hold ascending rows, and the rows within them."""
    per_file = stored.layout.rows_per_file
    files = rows // per_file
    for file in np.unique(files).tolist():
        yield file, rows[files == file] - file * per_file
