"""Stores of versions 0.2 to 0.6 are still read, and what is lost of them is an error too."""

import json
import shutil

import numpy as np
import pytest
from first_format_store import write_first_format
from stored_spectra import assert_same, some_spectra

from bayescannon.io.store import StoreError, iterate_spectra, load_spectra, open_store, store_id
from bayescannon.io.store_builder import concatenate


@pytest.mark.parametrize("consolidated", [True, False])
def test_they_are_read(tmp_path, consolidated):
    spectra = some_spectra(1100)
    path = write_first_format(spectra, tmp_path / "s.zarr", consolidated=consolidated)
    assert_same(load_spectra(path), spectra)
    assert_same(concatenate(list(iterate_spectra(path, 384))), spectra)
    assert_same(load_spectra(path, ["spec-0700", "spec-0003"]), spectra.select([700, 3]))
    with open_store(path) as dataset:
        assert dict(dataset.sizes) == {"star": 1100, "pixel": 60, "refusal": 0}
        np.testing.assert_array_equal(dataset["flux"][5:7], spectra.flux[5:7])
        assert dataset["star"].to_numpy()[1] == "spec-0001"
        assert dataset.attrs["preset"] == "paper"
    assert store_id(path) == store_id(path)


@pytest.mark.parametrize("lost", ["flux/c/1/0", "ivar/c/0", "flux/c", "star/c/0", "snr/c/0", "wavelength/c/0"])
def test_a_lost_chunk_is_an_error_and_not_zeros(tmp_path, lost):
    path = write_first_format(some_spectra(1100), tmp_path / "s.zarr")
    if (path / lost).is_dir():
        shutil.rmtree(path / lost)
    else:
        (path / lost).unlink()
    with pytest.raises(StoreError, match=rf"the file {lost}.* is missing"):
        load_spectra(path)


def test_chunks_of_blanks_that_were_never_written_are_no_loss(tmp_path):
    path = write_first_format(some_spectra(5), tmp_path / "s.zarr")
    assert not (path / "empty" / "c").exists()
    assert load_spectra(path).columns["empty"].tolist() == [""] * 5


def test_a_lost_array_is_named(tmp_path):
    path = write_first_format(some_spectra(5), tmp_path / "s.zarr")
    shutil.rmtree(path / "ivar")
    with pytest.raises(StoreError, match="lacks ivar: files of it are lost"):
        load_spectra(path)


def test_an_interrupted_preparation_is_incomplete(tmp_path):
    path = write_first_format(some_spectra(5), tmp_path / "s.zarr")
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"]["complete"] = False
    (path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match="incomplete because its preparation was interrupted"):
        load_spectra(path)


@pytest.mark.parametrize("name", ["flux", "star"])
def test_a_damaged_chunk_is_a_store_error(tmp_path, name):
    path = write_first_format(some_spectra(5), tmp_path / "s.zarr")
    (chunk,) = (one for one in (path / name / "c").rglob("*") if one.is_file())
    chunk.write_bytes(b"\xff" * 50)
    with pytest.raises(StoreError, match="files of it are damaged"):
        load_spectra(path)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [10**10, 60]},
        {"shape": [5, 61]},
        {"shape": [-5, 60]},
        {"shape": "x"},
        {"data_type": "object"},
        {"codecs": [{"name": "numcodecs.pickle"}]},
        {"codecs": 3},
        {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0, 60]}}},
    ],
)
def test_shapes_types_and_codecs_are_checked_before_anything_is_allocated(tmp_path, change):
    path = write_first_format(some_spectra(5), tmp_path / "s.zarr")
    root = json.loads((path / "zarr.json").read_text())
    root["consolidated_metadata"]["metadata"]["flux"].update(change)
    (path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match=r"s\.zarr: .*(metadata of flux|shape of (ivar|star|wavelength)|flux/c/1/0)"):
        load_spectra(path)


def test_a_store_replaced_under_the_reader_is_an_error(tmp_path):
    path = write_first_format(some_spectra(2000), tmp_path / "s.zarr")
    blocks = iterate_spectra(path, 256)
    next(blocks)
    shutil.rmtree(path)
    write_first_format(some_spectra(2000, first=1), path)
    with pytest.raises(StoreError, match="was replaced or changed while it was being read"):
        next(blocks)
