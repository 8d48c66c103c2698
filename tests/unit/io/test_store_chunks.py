"""Bytes come back as the values they were made of; other bytes are refused before they are decoded."""

import numpy as np
import pytest

from bayescannon.io.checksum import bytes_crc32c
from bayescannon.io.store_chunks import (
    INDEX_BYTES,
    ChunkError,
    decode_column,
    decode_pixels,
    encode_column,
    encode_shard,
    read_index,
)


@pytest.fixture
def shard():
    values = np.random.default_rng(0).normal(1, 0.1, (300, 40)).astype(np.float32)
    return values, encode_shard(values)


def test_pixels_come_back(shard):
    values, encoded = shard
    index = read_index(encoded.data[-INDEX_BYTES:], 3, len(encoded.data))
    out = np.full_like(values, np.nan)
    for number, (start, length) in enumerate(index):
        rows = slice(128 * number, 128 * (number + 1))
        decode_pixels(encoded.data[start : start + length - 4], encoded.checksums[number], out[rows])
    np.testing.assert_array_equal(out, values)


def test_every_bit_of_a_shard_counts(shard):
    values, encoded = shard
    out = np.empty_like(values)
    rng = np.random.default_rng(1)
    for place in [*rng.integers(0, len(encoded.data) - INDEX_BYTES, 60), *range(-INDEX_BYTES, 0)]:
        data = bytearray(encoded.data)
        data[place] ^= 1 << int(rng.integers(8))

        def decode(data=bytes(data)):
            for number, (start, length) in enumerate(read_index(data[-INDEX_BYTES:], 3, len(data))):
                decode_pixels(data[start : start + length - 4], encoded.checksums[number], out[128 * number :][:128])

        before = len(encoded.data) - INDEX_BYTES
        own = [start + length - 4 for start, length in read_index(encoded.data[-INDEX_BYTES:], 3, len(encoded.data))]
        if 0 <= place < before and any(start <= place < start + 4 for start in own):
            # a chunk's own checksum is for zarr; the manifest's is compared
            decode()
        else:
            with pytest.raises(ChunkError):
                decode()


def _with_checksum(data):
    return data + bytes_crc32c(data).to_bytes(4, "little")


@pytest.mark.parametrize(
    "index",
    [
        [[0, 100], [100, 50], [150, 2**63]],
        [[0, 100], [50, 50], [150, 50]],
        [[2**64 - 1, 2**64 - 1]] * 3,
        [[0, 100], [100, 50], [150, 51]],
    ],
)
def test_an_index_must_fit_the_file(index):
    table = np.full((8, 2), 2**64 - 1, dtype="<u8")
    table[:3] = np.array(index, dtype=np.uint64)
    with pytest.raises(ChunkError, match="does not fit its size"):
        read_index(_with_checksum(table.tobytes()), 3, 200 + INDEX_BYTES)


def test_a_chunk_that_unpacks_to_another_size_is_refused_before():
    data = encode_shard(np.ones((1, 4000), dtype=np.float32))
    chunk = data.data[: -INDEX_BYTES - 4]
    out = np.empty((1, 40), dtype=np.float32)
    with pytest.raises(ChunkError, match="must hold 20480 bytes, compressed; got 2048000"):
        decode_pixels(chunk, data.checksums[0], out)
    with pytest.raises(ChunkError, match="got 0"):
        decode_pixels(b"short", bytes_crc32c(b"short"), out)


def test_a_chunk_that_blosc_cannot_read_is_refused():
    data = encode_shard(np.random.default_rng(0).random((128, 40), dtype=np.float32))
    chunk = bytearray(data.data[: -INDEX_BYTES - 4])
    chunk[16:400] = b"\xff" * 384
    with pytest.raises(ChunkError, match="cannot be decompressed"):
        decode_pixels(bytes(chunk), bytes_crc32c(bytes(chunk)), np.empty((128, 40), dtype=np.float32))


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a", "é" * 70, ""]),
        np.array([1.5, np.nan, -0.0]),
        np.array([True, False, True]),
        np.array([2**63, 0, 1], dtype=np.uint64),
    ],
)
def test_columns_come_back(values):
    encoded = encode_column(values)
    dtype = "string" if values.dtype.kind == "U" else values.dtype.name
    found = decode_column(encoded.data, encoded.checksums[0], dtype, 3)
    np.testing.assert_array_equal(found.astype(values.dtype), values)


@pytest.mark.parametrize(
    ("data", "dtype", "why"),
    [
        (b"\x00" * 9, "float64", "3 rows of 8 bytes; got 9"),
        (b"\xff" * 4, "string", "3 texts; got 4294967295"),
        (b"", "string", "3 texts; got 0"),
        (b"\x03\0\0\0\xff\xff\xff\x7fa", "string", "cannot be read"),
        (b"\x03\0\0\0\x01\0\0\0\xff\x01\0\0\0a\x01\0\0\0b", "string", "cannot be read"),
    ],
)
def test_columns_that_are_none_are_refused(data, dtype, why):
    with pytest.raises(ChunkError, match=why):
        decode_column(_with_checksum(data), bytes_crc32c(data), dtype, 3)
