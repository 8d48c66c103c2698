"""Trees in netCDF files: they come back whole, need no locks, follow nothing, and any change is noticed."""

import errno
import json
import os

import h5py
import numpy as np
import pytest
import xarray as xr

from bayescannon.io.netcdf import (
    DIGEST,
    PARTS,
    NetcdfError,
    part_digests,
    read_tree,
    require_unchanged,
    tree_digest,
    write_tree,
)
from bayescannon.io.outputs import OutputExistsError, OutputWriteError
from bayescannon.numerics.errors import MissingFileError


@pytest.fixture
def tree():
    """Every kind of value that a file may hold."""
    group = xr.Dataset(
        {
            "number": ((), 3),
            "row": ("label", np.array([1.5, np.nan])),
            "none": (("label", "nothing"), np.zeros((2, 0))),
            "text": ("line", np.array(["Ångström", ""], dtype=object)),
            "many": ("pixel", np.linspace(0, 1, 2000), {"units": "1"}),
            "small": ("line", np.array([-3, 4], dtype=np.int16)),
            "single": ("line", np.array([0.1, -np.inf], dtype=np.float32)),
            "yes": ("label", [True, False]),
        },
        attrs={"empty": "", "half": 0.5},
    )
    return xr.DataTree.from_dict({"/": xr.Dataset(coords={"label": ["a", "b"]}, attrs={"n": 1}), "group": group})


def test_a_tree_comes_back_whole(tree, tmp_path):
    path = tmp_path / "tree.nc"
    write_tree(tree, path)
    back = read_tree(path)
    require_unchanged(back, path)
    assert back.attrs[DIGEST] == tree_digest(back)
    assert json.loads(back.attrs[PARTS]) == part_digests(tree)
    for name in (DIGEST, PARTS):
        del back.attrs[name]
    assert tree_digest(back) == tree_digest(tree)
    xr.testing.assert_identical(back, tree)
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        assert opened["group/many"].attrs["units"] == "1"
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_tree(tree, path)
    write_tree(tree, path, overwrite=True)
    assert [item.name for item in tmp_path.iterdir()] == ["tree.nc"]


def test_the_digest_is_of_the_contents_and_not_of_the_file(tree, tmp_path):
    first = tree_digest(tree)
    tree["group"].dataset = tree["group"].to_dataset()[sorted(tree["group"].data_vars)]
    assert tree_digest(tree) == first
    tree.to_netcdf(tmp_path / "plain.nc", engine="h5netcdf")
    assert tree_digest(read_tree(tmp_path / "plain.nc")) == first


@pytest.mark.parametrize("name", ["number", "row", "text", "many", "small", "single", "yes"])
def test_one_changed_value_is_noticed(tree, tmp_path, name):
    path = tmp_path / "tree.nc"
    write_tree(tree, path)
    with h5py.File(path, "r+") as file:
        values = file["group"][name][()]
        first = (0,) * np.ndim(values)
        if name == "text":
            file["group"][name][0] = "Angstrom"
        else:
            file["group"][name][first] = values[first] + 1 if name != "yes" else 0
    with pytest.raises(NetcdfError, match="was changed after it was saved"):
        require_unchanged(read_tree(path), path)


@pytest.mark.parametrize("where", ["/", "group", "group/many"])
def test_one_changed_attribute_is_noticed(tree, tmp_path, where):
    path = tmp_path / "tree.nc"
    write_tree(tree, path)
    with h5py.File(path, "r+") as file:
        file[where].attrs["note"] = "new"
    with pytest.raises(NetcdfError, match="was changed after it was saved"):
        require_unchanged(read_tree(path), path)


def _damage(content, kind, rng):
    """Return contents with one damage of a kind, which changes them."""
    at = int(rng.integers(0, len(content)))
    far = min(at + int(rng.integers(1, 600)), len(content))
    if kind == "flip":
        return content[:at] + bytes([content[at] ^ int(rng.integers(1, 256))]) + content[at + 1 :]
    if kind == "cut":
        return content[:at]
    if kind == "zero":
        return content[:at] + bytes(far - at) + content[far:]
    if kind == "lose":
        return content[:at] + content[far:]
    return content[:far] + content[at:far] + content[far:]


@pytest.mark.parametrize("kind", ["flip", "cut", "zero", "lose", "twice"])
def test_a_damaged_file_is_refused_or_unchanged(tree, tmp_path, kind):
    path = tmp_path / "tree.nc"
    write_tree(tree, path)
    content, first = path.read_bytes(), read_tree(path)
    rng = np.random.default_rng(0)
    changed = refused = 0
    for _ in range(80):
        damaged = _damage(content, kind, rng)
        changed += damaged != content
        path.write_bytes(damaged)
        try:
            back = read_tree(path)
            require_unchanged(back, path)
        except NetcdfError:
            refused += 1
        else:
            # zeros where zeros were, or the seal itself was hit
            assert damaged == content or damaged[-600:] != content[-600:]
            xr.testing.assert_identical(back, first)
    assert refused >= changed - 3
    assert changed > 50


def test_the_seal_is_read_by_nobody_else_and_goes_with_a_change(tree, tmp_path):
    path = tmp_path / "tree.nc"
    write_tree(tree, path)
    whole = path.read_bytes()
    assert whole[-85:].startswith(b"\nbayescannon sha256 ")
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        xr.testing.assert_identical(opened["group"].load().to_dataset(), tree["group"].to_dataset())
    # a file of an older version has none
    path.write_bytes(whole[:-85])
    require_unchanged(read_tree(path), path)
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        file["group"].attrs["new"] = 1
    with pytest.raises(NetcdfError, match="was changed after it was saved"):
        require_unchanged(read_tree(path), path)


def test_every_part_has_a_digest_of_its_own(tree):
    before = part_digests(tree)
    assert set(before) == {
        "/", "/label", "/group", *(f"/group/{name}" for name in tree["group"].data_vars),
    }  # fmt: skip
    tree["group"]["many"][7] += 1
    tree["group"].attrs["half"] = 0.25
    after = part_digests(tree)
    assert [name for name in before if before[name] != after[name]] == ["/group", "/group/many"]


def test_a_disk_without_room_is_found_before_the_file_is_written(tree, tmp_path, monkeypatch):
    monkeypatch.setattr("bayescannon.io.output_check.shutil.disk_usage", lambda _: type("", (), {"free": 1000})())
    with pytest.raises(OutputWriteError, match=r"tree\.nc needs about .* has 1000 bytes left"):
        write_tree(tree, tmp_path / "tree.nc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["external link", "soft link", "external storage", "virtual dataset"])
def test_data_in_other_files_are_not_followed(tree, tmp_path, kind):
    path, other = tmp_path / "tree.nc", tmp_path / "other.h5"
    write_tree(tree, path)
    with h5py.File(other, "w") as file:
        file["secret"] = np.arange(4.0)
    with h5py.File(path, "r+") as file:
        group = file["group"]
        if kind == "external link":
            group["x"] = h5py.ExternalLink(str(other), "/secret")
        elif kind == "soft link":
            group["x"] = h5py.SoftLink("/group/row")
        elif kind == "external storage":
            group.create_dataset("x", (4,), dtype="f8", external=[(str(other), 0, 32)])
        else:
            layout = h5py.VirtualLayout((4,), dtype="f8")
            layout[:] = h5py.VirtualSource(str(other), "secret", (4,))
            group.create_virtual_dataset("x", layout)
    with pytest.raises(NetcdfError, match="takes /group/x from another file, which is not read"):
        read_tree(path)


def test_hdf5_never_opens_a_file_on_disk(tree, tmp_path, monkeypatch):
    """HDF5 locks the files that it opens; many network file systems have no locks."""
    opened = []
    first = h5py.File.__init__

    def watched(self, name, *args, **options):
        opened.append(name)
        first(self, name, *args, **options)

    monkeypatch.setattr(h5py.File, "__init__", watched)
    write_tree(tree, tmp_path / "tree.nc")
    read_tree(tmp_path / "tree.nc")
    assert len(opened) >= 3
    assert not any(isinstance(name, str | bytes | os.PathLike) for name in opened)


def test_the_reason_is_told(tmp_path, monkeypatch):
    with pytest.raises(MissingFileError, match=r"there is no file .*none\.nc"):
        read_tree(tmp_path / "none.nc")
    with pytest.raises(NetcdfError, match="is a folder, not a file"):
        read_tree(tmp_path)
    text = tmp_path / "text.nc"
    text.write_text("not netCDF")
    with pytest.raises(NetcdfError, match="is not a netCDF file"):
        read_tree(text)

    def without_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("pathlib.Path.open", without_locks)
    with pytest.raises(NetcdfError, match="No locks available"):
        read_tree(text)
