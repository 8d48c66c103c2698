"""Whether a store is whole: every file of it is read and compared with the manifest, one at a time."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.display import visible
from bayescannon.data.spectra import LARGEST_IVAR
from bayescannon.io.checksum import bytes_crc32c
from bayescannon.io.store import open_reader, store_place
from bayescannon.io.store_chunks import INDEX_BYTES, ChunkError, decode_column, decode_pixels, read_index
from bayescannon.io.store_first_format import FirstFormatReader
from bayescannon.io.store_layout import ROOT, STAR_CHUNK, STAR_SHARD, StoreError
from bayescannon.io.store_manifest import StoredArray
from bayescannon.io.store_reader import StoreReader, described_rows
from bayescannon.io.urls import UrlPlace
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.progress import Progress, reporting

_CRC = 4


def check_store(path: str | Path, *, progress: Progress = None) -> list[str]:
    """
    List all faults of a store: files that are missing, of another size, damaged or not of the store, and bad pixels.

    Parameters
    ----------
    path : str or Path
    progress : callable, bool or None
        See :func:`bayescannon.numerics.progress.reporting`; a function is called with (files done, files).

    Returns
    -------
    faults : list of str
        A sentence each, which names the file and the stars in it; empty if there are none. A store of format 1, which
        has no checksums, is read, and its first fault is listed.

    Raises
    ------
    StoreError
        There is no store at `path`.

    Examples
    --------
    >>> import tempfile
    >>> from bayescannon.data.spectra import Spectra
    >>> from bayescannon.io.store_writer import save_spectra
    >>> flux = np.ones((3, 4), dtype=np.float32)
    >>> spectra = Spectra(np.linspace(5000.0, 5003.0, 4), flux, 100 * flux, np.array(["a", "b", "c"]))
    >>> store = save_spectra(spectra, Path(tempfile.mkdtemp()) / "store.zarr")
    >>> check_store(store)
    []
    >>> (store / "ivar" / "c.0.0").unlink()
    >>> check_store(store)
    ['the file ivar/c.0.0, ivar of stars 0 to 2, is missing']
    """
    try:
        reader = open_reader(path)
    except StoreError as error:
        # where there is no store there are no faults of one
        place = store_place(path)
        if place.root_stamp() is None and (isinstance(place, UrlPlace) or not Path(path, "flux").exists()):
            raise
        return [str(error)]
    if isinstance(reader, FirstFormatReader):
        return _first_format_faults(reader, progress)
    arrays = list(reader.manifest.arrays.values())
    total = sum(one.layout.n_files for one in arrays)
    found: list[str] = []
    done = 0
    with reporting(progress, "check") as report:
        for stored in arrays:
            for file in range(stored.layout.n_files):
                found += _file_faults(reader, stored, file)
                done += 1
                report(done, total)
    found += _description_faults(reader)
    found += _strange_files(reader)
    if not found:
        found += _repeated_ids(reader)
    try:
        reader.require_same()
    except StoreError as error:
        found.append(str(error))
    return found


def _file_faults(reader: StoreReader, stored: StoredArray, file: int) -> Iterator[str]:
    """Yield the faults of one file of values."""
    name, size = stored.layout.file(file), int(stored.sizes[file])
    what = f"the file {name}, {described_rows(stored, file)},"
    try:
        data = reader.place.read(name, 0, size + 1)
        if len(data) != size:
            yield f"{what} has {reader.place.size(name)} bytes instead of {size}"
            return
    except (FileNotFoundError, NotADirectoryError):
        yield f"{what} is missing"
        return
    except OSError as error:
        yield f"{what} cannot be read: {error.strerror or error}"
        return
    try:
        if stored.layout.is_pixels:
            yield from _shard_faults(stored, file, data, what)
        else:
            _check_column(stored, file, data)
    except ChunkError as error:
        yield f"{what} is damaged: {error}"


def _shard_faults(stored: StoredArray, file: int, data: bytes, what: str) -> Iterator[str]:
    layout, checksums = stored.layout, stored.checksums_of(file)
    for chunk, (start, length) in enumerate(read_index(data[-INDEX_BYTES:], len(checksums), len(data))):
        first = file * STAR_SHARD + chunk * STAR_CHUNK
        stop = min(first + STAR_CHUNK, layout.shape[0])
        values = np.empty((stop - first, layout.shape[1]), dtype=np.float32)
        content = data[start : start + length - _CRC]
        try:
            decode_pixels(content, checksums[chunk], values)
            _require_own(content, data[start + length - _CRC : start + length])
        except ChunkError as error:
            yield f"{what} is damaged in stars {first} to {stop - 1}: {error}"
            continue
        yield from _pixel_faults(layout.name, values, first)


def _pixel_faults(name: str, values: NDArray[np.float32], first: int) -> Iterator[str]:
    """Yield what pixels hold that no reader takes."""
    checks = {"is not finite": ~np.isfinite(values)}
    if name == "ivar":
        with np.errstate(invalid="ignore"):
            checks |= {"is negative": values < 0, f"is above {LARGEST_IVAR:g}": values > LARGEST_IVAR}
    for fault, bad in checks.items():
        stars = np.flatnonzero(bad.any(axis=1))
        if len(stars):
            which = f"{len(stars)} stars, the first in row {first + stars[0]}"
            yield f"{name} {fault} in {int(bad.sum())} pixels of {which}"


def _check_column(stored: StoredArray, file: int, data: bytes) -> None:
    (checksum,) = stored.checksums_of(file)
    values = decode_column(data, checksum, stored.layout.dtype, stored.layout.rows_per_file)
    _require_own(data[:-_CRC], data[-_CRC:])
    if stored.layout.name == "wavelength" and not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
        raise ChunkError("wavelengths must be finite and ascending")


def _require_own(content: bytes, own: bytes) -> None:
    """Raise an error unless a chunk has its checksum at its end, as other readers of zarr expect."""
    if bytes_crc32c(content) != int.from_bytes(own, "little"):
        raise ChunkError("its own checksum, which other readers of zarr compare, is wrong")


def _description_faults(reader: StoreReader) -> Iterator[str]:
    """Yield the arrays whose own metadata are not those in the root, for readers that take no consolidated ones."""
    for name, stored in reader.manifest.arrays.items():
        file = f"{name}/{ROOT}"
        try:
            found: Any = json.loads(reader.place.read(file, 0, reader.place.size(file)))
        except FileNotFoundError:
            yield f"the file {file} is missing; bayescannon does not need it, zarr may"
            continue
        except (OSError, ValueError, RecursionError):
            found = None
        if found != stored.layout.document():
            yield f"the file {file} is damaged; bayescannon does not need it, zarr may"


def _strange_files(reader: StoreReader) -> list[str]:
    """Return the files that the store should not have."""
    arrays = reader.manifest.arrays
    strange = []
    for name in reader.place.names():
        array, _, file = name.partition("/")
        if name == ROOT or (array in arrays and file == ROOT):
            continue
        number = file.split(".")[1] if file.startswith("c.") and file.count(".") else ""
        known = array in arrays and number.isascii() and number.isdigit() and len(number) < 12
        if not (known and int(number) < (one := arrays[array].layout).n_files and one.file(int(number)) == name):
            strange.append(f"the file {visible(name)} is not one of the store")
    return sorted(strange)


def _repeated_ids(reader: StoreReader) -> list[str]:
    """Return what is wrong with the ids; of each a number of 8 bytes is kept."""
    marks = np.empty(reader.n_star, dtype=np.uint64)
    for start in range(0, reader.n_star, STAR_SHARD):
        names = reader.values("star", slice(start, start + STAR_SHARD)).tolist()
        hashes = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
        marks[start : start + len(names)] = np.frombuffer(b"".join(hashes), dtype=np.uint64)
    n_repeated = reader.n_star - len(np.unique(marks))
    return [f"{n_repeated} ids occur more than once"] if n_repeated else []


def _first_format_faults(reader: FirstFormatReader, progress: Progress) -> list[str]:
    """Return the first fault of a store without checksums, found by reading all of it."""
    try:
        with reporting(progress, "check") as report:
            for start in range(0, reader.n_star, STAR_SHARD):
                reader.spectra(slice(start, start + STAR_SHARD))
                report(min(start + STAR_SHARD, reader.n_star), reader.n_star)
    except InputError as error:
        return [str(error)]
    return []
