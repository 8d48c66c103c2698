"""Values of a store as bytes and back: shards of pixels, and files of columns; every chunk has a CRC-32C."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numcodecs.blosc import Blosc
from numcodecs.vlen import VLenUTF8
from numpy.typing import NDArray

from bayescannon.io.checksum import bytes_crc32c
from bayescannon.io.store_layout import STAR_CHUNK, STAR_SHARD, TEXT
from bayescannon.numerics.errors import BayesCannonError

_CHUNKS = STAR_SHARD // STAR_CHUNK
_CRC = 4
# offset and length of every chunk of a shard, and their checksum
INDEX_BYTES = 16 * _CHUNKS + _CRC
_NONE = 2**64 - 1
_BLOSC = Blosc(cname="lz4", clevel=1, shuffle=Blosc.SHUFFLE)
_BLOSC_HEADER = 16


class ChunkError(BayesCannonError):
    """Bytes that are not those that were written; the message says what is wrong with them."""


@dataclass(frozen=True)
class Encoded:
    """A file's bytes, and the checksums of the chunks in it."""

    data: bytes
    checksums: tuple[int, ...]


def encode_shard(values: NDArray[np.float32]) -> Encoded:
    """
    Return the bytes of a shard.

    Parameters
    ----------
    values : float32 array of shape (star, pixel)
        Of at most `STAR_SHARD` stars; the last chunk is filled up with zeros.
    """
    parts: list[bytes] = []
    checksums: list[int] = []
    index = np.full((_CHUNKS, 2), _NONE, dtype="<u8")
    place = 0
    for number, start in enumerate(range(0, len(values), STAR_CHUNK)):
        chunk = np.ascontiguousarray(values[start : start + STAR_CHUNK], dtype="<f4")
        if len(chunk) < STAR_CHUNK:
            chunk = np.concatenate([chunk, np.zeros((STAR_CHUNK - len(chunk), chunk.shape[1]), dtype="<f4")])
        data = bytes(_BLOSC.encode(chunk))
        checksums.append(bytes_crc32c(data))
        parts += [data, checksums[-1].to_bytes(_CRC, "little")]
        index[number] = place, len(data) + _CRC
        place += len(data) + _CRC
    table = index.tobytes()
    return Encoded(b"".join([*parts, table, bytes_crc32c(table).to_bytes(_CRC, "little")]), tuple(checksums))


def read_index(data: bytes, n_chunk: int, size: int) -> list[tuple[int, int]]:
    """
    Return offset and length of each chunk of a shard, from its last `INDEX_BYTES`.

    Raises
    ------
    ChunkError
        The index is damaged, or does not describe `n_chunk` chunks within a file of `size` bytes.
    """
    if len(data) != INDEX_BYTES or bytes_crc32c(data[:-_CRC]) != int.from_bytes(data[-_CRC:], "little"):
        raise ChunkError("the checksum of its index is wrong")
    index = np.frombuffer(data[:-_CRC], dtype="<u8").reshape(_CHUNKS, 2)
    # Python's numbers, which do not overflow
    found = [(int(start), int(length)) for start, length in index[:n_chunk]]
    ends = [start + length for start, length in found]
    starts_right = [start for start, _ in found] == [0, *ends[:-1]]
    if not (starts_right and ends[-1] + INDEX_BYTES == size and (index[n_chunk:] == _NONE).all()):
        raise ChunkError("its index does not fit its size")
    return found


def decode_pixels(data: bytes | memoryview, checksum: int, out: NDArray[np.float32]) -> None:
    """
    Decode one chunk of pixels, without its checksum, into the stars of `out`.

    Parameters
    ----------
    data : bytes
    checksum : int
        The CRC-32C that they must have.
    out : float32 array of shape (star, pixel)
        The first stars of the chunk.

    Raises
    ------
    ChunkError
        The checksum or the length is wrong.
    """
    _require(data, checksum)
    whole = len(out) == STAR_CHUNK and out.flags.c_contiguous and out.dtype == np.dtype("<f4")
    target = out if whole else np.empty((STAR_CHUNK, out.shape[1]), dtype="<f4")
    length, compressed = _blosc_sizes(data)
    if (length, compressed) != (target.nbytes, len(data)):
        raise ChunkError(f"a chunk must hold {target.nbytes} bytes, compressed; got {length}")
    try:
        _BLOSC.decode(data, out=target)
    except (RuntimeError, ValueError) as error:
        raise ChunkError(f"a chunk cannot be decompressed: {error}") from error
    if not whole:
        out[:] = target[: len(out)]


def _blosc_sizes(data: bytes | memoryview) -> tuple[int, int]:
    """Return the length of what blosc compressed, and that of the result, as its header says."""
    if len(data) < _BLOSC_HEADER:
        return 0, 0
    return int.from_bytes(data[4:8], "little"), int.from_bytes(data[12:16], "little")


def encode_column(values: NDArray[Any]) -> Encoded:
    """Return the bytes of a file of a column; text is an array of str."""
    if values.dtype.kind == "U":
        data = bytes(VLenUTF8().encode(values.astype(object)))
    else:
        data = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
    checksum = bytes_crc32c(data)
    return Encoded(data + checksum.to_bytes(_CRC, "little"), (checksum,))


def decode_column(data: bytes, checksum: int, dtype: str, n_row: int) -> NDArray[Any]:
    """
    Return the rows of a file of a column; text as an array of objects, which are str.

    Raises
    ------
    ChunkError
        The checksum or the number of rows is wrong.
    """
    content = data[:-_CRC]
    _require(content, checksum)
    if dtype != TEXT:
        one = np.dtype(dtype).newbyteorder("<")
        if len(content) != n_row * one.itemsize:
            raise ChunkError(f"it must hold {n_row} rows of {one.itemsize} bytes; got {len(content)} bytes")
        return np.frombuffer(content, dtype=one).astype(dtype)
    count = int.from_bytes(content[:4], "little")
    if count != n_row:
        raise ChunkError(f"it must hold {n_row} texts; got {count}")
    try:
        found: NDArray[Any] = VLenUTF8().decode(content)
    except (ValueError, RuntimeError) as error:
        raise ChunkError(f"its texts cannot be read: {error}") from error
    return found


def _require(data: bytes | memoryview, checksum: int) -> None:
    # the extension takes no views of memory, but arrays
    if bytes_crc32c(np.frombuffer(data, dtype=np.uint8)) != checksum:
        raise ChunkError("its checksum is wrong")
