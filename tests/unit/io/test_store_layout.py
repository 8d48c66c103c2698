"""The layout says which files an array has, and zarr understands the description."""

import json

import numpy as np
import pytest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.metadata import ArrayV3Metadata

from bayescannon.io.store_layout import TEXT, ArrayLayout, StoreError, dtype_name, least_stored


@pytest.mark.parametrize("dtype", [TEXT, "bool", "int8", "uint64", "float32", "float64"])
def test_zarr_writes_the_same_description(dtype):
    document = ArrayLayout("snr", (9000,), dtype, "star").document()
    found = ArrayV3Metadata.from_dict(dict(document)).to_buffer_dict(default_buffer_prototype())["zarr.json"]
    # zarr leaves out transformers, of which there are none
    assert json.loads(found.to_bytes()) | {"storage_transformers": []} == document


@pytest.mark.parametrize(
    ("n_star", "n_file", "chunks", "last"),
    [(1, 1, [1], slice(0, 1)), (1024, 1, [8], slice(0, 1024)), (1153, 2, [8, 2], slice(1024, 1153))],
)
def test_files_of_pixels(n_star, n_file, chunks, last):
    layout = ArrayLayout("flux", (n_star, 5), "float32", "star")
    assert layout.n_files == n_file
    assert [layout.chunks_in(number) for number in range(n_file)] == chunks
    assert layout.rows_of(n_file - 1) == last
    assert layout.file(3) == "flux/c.3.0"


def test_files_of_columns():
    assert ArrayLayout("snr", (5,), "float64", "star").rows_per_file == 5
    long = ArrayLayout("snr", (20_000,), "float64", "star")
    assert (long.n_files, long.rows_of(2), long.file(2)) == (3, slice(16384, 20_000), "snr/c.2")
    assert ArrayLayout("refused_file", (0,), TEXT, "refusal").n_files == 0


def test_what_a_store_cannot_hold():
    for dtype in ("O", "S3", "M8[s]", "c16", "f2"):
        with pytest.raises(StoreError, match="a store holds numbers"):
            dtype_name(np.dtype(dtype))


def test_least_size():
    assert least_stored(1000, 3626) == pytest.approx(0.6 * 29_008_000)
