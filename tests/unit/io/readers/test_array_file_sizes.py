"""Spectra in arrays whose headers lie, or that hold objects or links, are refused before anything is allocated."""

import json
import tracemalloc
import zipfile

import h5py
import numpy as np
import pytest
import zarr

from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.readers.arrays import read


def _npz(path):
    np.savez_compressed(path, wavelength=np.arange(5000.0, 5010), flux=np.ones((3, 10)), ivar=np.ones((3, 10)))


def _npz_shape(path):
    _npz(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["flux.npy"] = members["flux.npy"].replace(b"(3, 10), }        ", b"(3000000000, 10), }")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _hdf5(path, spoil):
    with h5py.File(path, "w") as file:
        file["wavelength"] = np.arange(5000.0, 5010)
        file["ivar"] = np.ones((3, 10))
        spoil(file)


def _zarr(path, key, value):
    group = zarr.open_group(path, mode="w")
    for name, data in (("wavelength", np.arange(5000.0, 5010)), ("flux", np.ones((3, 10))), ("ivar", np.ones((3, 10)))):
        group.create_array(name, data=data)
    place = path / "flux" / "zarr.json"
    described = json.loads(place.read_text())
    described[key] = value
    if key == "shape":
        described["chunk_grid"]["configuration"]["chunk_shape"] = [1000, 10]
    place.write_text(json.dumps(described))


def _zarr_of_pickles(path):
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("wavelength", data=np.arange(5000.0, 5010))
    group.create_array("ivar", data=np.ones(10))
    folder = path / "flux"
    folder.mkdir()
    described = {
        "zarr_format": 2, "shape": [10], "chunks": [10], "dtype": "|O", "compressor": None, "fill_value": None,
        "order": "C", "filters": [{"id": "pickle", "protocol": 5}],
    }  # fmt: skip
    (folder / ".zarray").write_text(json.dumps(described))
    (folder / "0").write_bytes(b"cos\nsystem\n(S'false'\ntR.")


CASES = {
    "shape.npz": (_npz_shape, "too large: flux.npy declares 223.5 GiB"),
    "shape.h5": (
        lambda path: _hdf5(path, lambda file: file.create_dataset("flux", (10**9, 10), "f8", chunks=(9, 10))),
        "too large: /flux of shape",
    ),
    "link.h5": (
        lambda path: _hdf5(path, lambda file: file.__setitem__("flux", h5py.ExternalLink("/etc/passwd", "/"))),
        "takes /flux from another file, which is not read",
    ),
    "objects.h5": (
        lambda path: _hdf5(path, lambda file: file.create_dataset("flux", (3,), h5py.vlen_dtype(float))),
        "holds objects or references in /flux",
    ),
    "shape.zarr": (lambda path: _zarr(path, "shape", [10**10, 10]), "too large: the array flux of shape"),
    "pickle.zarr": (_zarr_of_pickles, "objects|damaged zarr"),
}


@pytest.mark.parametrize("name", CASES)
def test_false_headers_and_objects(tmp_path, name):
    make, fault = CASES[name]
    path = tmp_path / name
    make(path)
    tracemalloc.start()
    with pytest.raises(SpectrumError, match=fault) as caught:
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert peak < 50e6
