"""A store appears whole or not at all, and never in place of what is no store."""

import os
import subprocess
import sys

import numpy as np
import pytest
from stored_spectra import GRID, assert_same, some_spectra, store_bytes

from bayescannon.data.spectra import Spectra
from bayescannon.io.outputs import OutputExistsError, OutputPermissionError
from bayescannon.io.store import StoreError, load_spectra, open_store
from bayescannon.io.store_builder import StoreBuilder
from bayescannon.io.store_writer import StoreWriter, save_spectra, write_file
from bayescannon.numerics.errors import BayesCannonError


def test_blocks_of_any_size_make_the_same_store(tmp_path):
    whole = some_spectra(1300)
    refused = [("bad.fits", "not FITS: text"), ("b/worse.fits", "truncated: é")]
    for name, sizes in {"s.zarr": (1, 0, 700, 511, 88), "t.zarr": (1300,)}.items():
        with StoreWriter(tmp_path / name, GRID) as writer:
            start = 0
            for size in sizes:
                writer.append(whole.select(slice(start, start + size)))
                start += size
            writer.finish({"preset": "paper"}, refused)
    assert_same(load_spectra(tmp_path / "s.zarr"), whole)
    assert store_bytes(tmp_path / "s.zarr") == store_bytes(tmp_path / "t.zarr")
    with open_store(tmp_path / "s.zarr") as dataset:
        assert dataset["refused_reason"].to_numpy().tolist() == ["not FITS: text", "truncated: é"]
        assert dataset["refused_file"].to_numpy().tolist() == ["bad.fits", "b/worse.fits"]
        assert dataset.attrs["n_refused"] == 2


def test_a_killed_writer_leaves_nothing_that_opens(tmp_path):
    path = tmp_path / "s.zarr"
    # another process's number
    partial = tmp_path / ".s.partial-1-00000000.zarr"
    builder = StoreBuilder(lambda name, data: write_file(partial, name, data), GRID, "s")
    builder.append(some_spectra(1100))
    with pytest.raises(StoreError, match=r"zarr\.json is missing.* the preparation was interrupted.*again"):
        open_store(partial)
    with pytest.raises(StoreError, match=f"interrupted run left {partial.name}; the same command removes it"):
        open_store(path)
    save_spectra(some_spectra(3), path)
    assert len(load_spectra(path)) == 3
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_writers_of_one_store_the_second_is_refused(tmp_path):
    path = tmp_path / "s.zarr"
    program = (
        "import sys; from stored_spectra import some_spectra; from bayescannon.io.store_writer import save_spectra\n"
        "save_spectra(some_spectra(6), sys.argv[1], overwrite=True)"
    )
    with StoreWriter(path, GRID, overwrite=True) as one:
        one.append(some_spectra(4))
        done = subprocess.run(
            [sys.executable, "-c", program, path], check=False, capture_output=True, text=True, timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert done.returncode == 1
        assert f"OutputBusyError: {path} is being written by process {os.getpid()}" in done.stderr
        one.finish()
    assert len(load_spectra(path)) == 4
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_writer_cleans_up(tmp_path, error):
    def interrupted():
        with StoreWriter(tmp_path / "s.zarr", GRID) as writer:
            writer.append(some_spectra(1100))
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_exists_is_replaced_only_on_demand_and_only_when_done(tmp_path):
    path = save_spectra(some_spectra(4), tmp_path / "s.zarr")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        save_spectra(some_spectra(2), path)

    def interrupted():
        with StoreWriter(path, GRID, overwrite=True) as writer:
            writer.append(some_spectra(1100))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert len(load_spectra(path)) == 4
    save_spectra(some_spectra(2), path, overwrite=True)
    assert len(load_spectra(path)) == 2


def test_what_is_no_store_is_never_deleted(tmp_path):
    path = tmp_path / "s.zarr"
    path.mkdir()
    (path / "thesis.tex").write_text("precious")
    with pytest.raises(OutputExistsError, match="not a store of bayescannon; remove it by hand"):
        save_spectra(some_spectra(), path, overwrite=True)
    assert (path / "thesis.tex").exists()
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == tmp_path and mode & os.W_OK))
    with pytest.raises(OutputPermissionError, match=f"the folder {tmp_path} is not writable"):
        StoreWriter(tmp_path / "s.zarr", GRID)
    assert list(tmp_path.iterdir()) == []


def test_wrong_blocks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one star"):
        save_spectra(some_spectra(0), tmp_path / "s.zarr")
    other = some_spectra(600, first=600)
    other = Spectra(GRID, other.flux, other.ivar, other.id, {"snr": other.columns["snr"]})

    def mixed():
        with StoreWriter(tmp_path / "s.zarr", GRID) as writer:
            writer.append(some_spectra(512))
            writer.append(other)

    with pytest.raises(ValueError, match="every block must have the columns"):
        mixed()


def test_stars_are_loaded_by_names_of_any_kind(tmp_path):
    flux = np.ones((2, 3))
    store = save_spectra(Spectra([5000, 5001, 5002], flux, flux, [1, 2]), tmp_path / "s.zarr")
    assert load_spectra(store, [2]).id.tolist() == ["2"]
    with pytest.raises(BayesCannonError, match=r"ids must have one name per star, for one star \[ids\]"):
        load_spectra(store, "1")
