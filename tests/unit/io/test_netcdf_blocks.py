"""A file written block by block is the one that is written at once."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from bayescannon.io import netcdf_blocks, output_check
from bayescannon.io.netcdf import DIGEST, PARTS, read_tree, require_unchanged, write_tree
from bayescannon.io.netcdf_blocks import BlockedDataset, write_blocks
from bayescannon.io.outputs import OutputWriteError


def dataset(n_star=300):
    rng = np.random.default_rng(1)
    return xr.Dataset(
        {
            "error": (("star", "k", "kind"), rng.random((n_star, 3, 2))),
            "draws": (("draw", "star", "k"), rng.random((4, n_star, 3))),
            "status": ("star", np.arange(n_star, dtype=np.int16)),
        },
        coords={
            "star": [f"star-{i}'é" for i in range(n_star)], "k": ["a", "b", "c"], "kind": ["f", "g"],
            "unit": ("k", ["K", "dex", "x"]),
        },
        attrs={"version": "1", "pooled": [1.0, 2.0]},
    )  # fmt: skip


def in_blocks(data, lengths):
    def blocks():
        start = 0
        for length in lengths:
            yield data.isel(star=slice(start, start + length))
            start += length

    return BlockedDataset(data.isel(star=slice(0, 2)), "star", data.sizes["star"], blocks)


def test_contents_and_digest_are_those_of_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(netcdf_blocks, "_PIECE", 64)
    data = dataset()
    write_tree(xr.DataTree(data), tmp_path / "whole.nc")
    for name, lengths in (("a", [300]), ("b", [1, 128, 171])):
        write_blocks(in_blocks(data, lengths), tmp_path / f"{name}.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    tree, whole = read_tree(tmp_path / "a.nc"), read_tree(tmp_path / "whole.nc")
    require_unchanged(tree, tmp_path / "a.nc")
    assert (tree.attrs[DIGEST], tree.attrs[PARTS]) == (whole.attrs[DIGEST], whole.attrs[PARTS])
    xr.testing.assert_identical(tree.to_dataset(), whole.to_dataset())


def test_room_is_looked_at_before_and_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    data = dataset()
    path = tmp_path / "b.nc"
    path.write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(output_check.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
        with pytest.raises(OutputWriteError, match="room"):
            write_blocks(in_blocks(data, [300]), path, overwrite=True)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(netcdf_blocks, "_fill", full)
    with pytest.raises(OutputWriteError, match="No space left on device"):
        write_blocks(in_blocks(data, [300]), path, overwrite=True)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["b.nc"]
