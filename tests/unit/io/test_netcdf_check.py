"""A check of a netCDF file names the damaged variables, as far as HDF5 can tell, and never hangs."""

import shutil

import h5py
import numpy as np
import pytest
import xarray as xr

from bayescannon.io import netcdf_check
from bayescannon.io.netcdf import write_tree
from bayescannon.io.netcdf_check import check_tree, damage_of
from bayescannon.numerics.errors import MissingFileError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    rng = np.random.default_rng(0)
    groups = {
        "/": xr.Dataset(coords={"label": ["teff", "logg"]}, attrs={"n": 1}),
        "model": xr.Dataset({"theta": ("pixel", rng.normal(size=3000)), "scatter": ("pixel", rng.normal(size=3000))}),
    }
    path = tmp_path_factory.mktemp("whole") / "tree.nc"
    write_tree(xr.DataTree.from_dict(groups), path)
    return path


@pytest.fixture
def path(whole, tmp_path):
    return shutil.copy(whole, tmp_path / "tree.nc")


def test_a_whole_file_has_no_findings(path):
    assert check_tree(path) == []


def test_a_changed_value_is_named(path):
    with h5py.File(path, "r+") as file:
        file["model/theta"][7] += 1
        file["model"].attrs["note"] = "new"
        del file["model/scatter"]
    assert check_tree(path)[1:] == ["/model was changed", "/model/scatter is missing", "/model/theta was changed"]


def test_a_flipped_byte_is_named(path):
    with h5py.File(path) as file:
        chunk = file["model/scatter"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    path.write_bytes(data)
    findings = check_tree(path)
    assert findings[0] == "was changed after it was saved: its bytes do not match their digest. Get it again"
    assert len(findings) == 2
    assert findings[1].startswith(("/model/scatter cannot be read", "/model/scatter was changed"))


def test_damage_in_the_head_and_a_cut_have_a_finding(path):
    data = path.read_bytes()
    path.write_bytes(data[:8] + bytes(8) + data[16:])
    assert "bytes do not match their digest" in check_tree(path)[0]
    path.write_bytes(data[: len(data) // 2])
    assert "is damaged, or not netCDF" in check_tree(path)[0]
    path.write_text("text")
    assert check_tree(path) == ["is not a netCDF file"]


def test_a_hang_and_a_crash_are_said(path, monkeypatch):
    path.write_bytes(path.read_bytes()[:-20] + b"0" * 20)
    monkeypatch.setattr(netcdf_check, "_CODE", "import time; time.sleep(30)")
    assert check_tree(path, patience=0.3)[1] == "HDF5 hangs on it: no part of it can be told"
    monkeypatch.setattr(netcdf_check, "_CODE", "import os; os.abort()")
    assert check_tree(path)[1] == "HDF5 crashes on it: no part of it can be told"


def test_other_files(path, tmp_path):
    with h5py.File(tmp_path / "other.nc", "w") as file:
        file["x"] = 1
    assert "has no content_sha256" in check_tree(tmp_path / "other.nc")[0]
    assert damage_of(path) == []
    with pytest.raises(MissingFileError):
        check_tree(tmp_path / "none.nc")
