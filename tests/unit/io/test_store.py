import json
import os

import numpy as np
import pytest
import xarray as xr
import zarr

from bayescannon.data.spectra import Spectra
from bayescannon.io.outputs import OutputExistsError, OutputPermissionError
from bayescannon.io.store import StoreError, iterate_spectra, load_spectra, open_store
from bayescannon.io.store_writer import StoreWriter, concatenate, save_spectra

GRID = 10 ** (3.6 + 1e-3 * np.arange(60))


def some_spectra(n_star=5, first=0):
    rng = np.random.default_rng(first)
    number = np.arange(first, first + n_star)
    flux = rng.normal(1, 0.1, (n_star, len(GRID))).astype(np.float32)
    return Spectra(
        GRID,
        flux,
        (flux > 0.9).astype(np.float32),
        np.array([f"spec-{i:04d}" for i in number], dtype=np.str_),
        {
            "snr": number * 1.5,
            "class": np.array(["STAR", "é" * 70], dtype=np.str_)[number % 2],
            "empty": np.full(n_star, "", dtype=np.str_),
        },
        {"preset": "paper"},
    )


def assert_same(got, want):
    np.testing.assert_array_equal(got.wavelength, want.wavelength)
    for name in ("flux", "ivar", "id"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name))
    assert set(got.columns) == set(want.columns)
    for name, values in want.columns.items():
        np.testing.assert_array_equal(got.columns[name], values)
        assert got.columns[name].dtype.kind == values.dtype.kind


def test_round_trip(tmp_path):
    spectra = some_spectra()
    path = save_spectra(spectra, tmp_path / "deep" / "s.zarr")
    got = load_spectra(path)
    assert_same(got, spectra)
    assert got.flux.dtype == np.float32
    assert got.attrs["preset"] == "paper"
    assert got.id.dtype.kind == "U"
    assert list(path.parent.iterdir()) == [path]


def test_blocks_of_any_size_make_the_same_store(tmp_path):
    whole = some_spectra(1300)
    with StoreWriter(tmp_path / "s.zarr", GRID) as writer:
        start = 0
        for size in (1, 0, 700, 511, 88):
            writer.append(whole.select(slice(start, start + size)))
            start += size
        writer.finish({"preset": "paper"}, [("bad.fits", "not FITS: text"), ("b/worse.fits", "truncated: é")])
    assert_same(load_spectra(tmp_path / "s.zarr"), whole)
    # chunks hold 512 stars
    assert zarr.open_array(tmp_path / "s.zarr" / "flux").chunks == (512, len(GRID))
    with open_store(tmp_path / "s.zarr") as dataset:
        assert dataset["refused_reason"].to_numpy().tolist() == ["not FITS: text", "truncated: é"]
        assert dataset["refused_file"].to_numpy().tolist() == ["bad.fits", "b/worse.fits"]
        assert dataset.attrs["n_refused"] == 2


def test_the_store_opens_without_reading_pixels(tmp_path):
    path = save_spectra(some_spectra(700), tmp_path / "s.zarr")
    for chunk in (path / "flux" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"damaged")
    with open_store(path) as dataset:
        assert dict(dataset.sizes) == {"star": 700, "pixel": 60, "refusal": 0}
        assert dataset["wavelength"].dims == ("pixel",)
        assert "wavelength" in dataset.coords
        assert dataset["star"].to_numpy()[1] == "spec-0001"
        with pytest.raises(Exception, match=r"[Bb]losc|decompress|header"):
            dataset["flux"].to_numpy()


def test_iterate_gives_every_star_once_in_order(tmp_path):
    whole = some_spectra(1100)
    path = save_spectra(whole, tmp_path / "s.zarr")
    blocks = list(iterate_spectra(path, 400))
    assert [len(block) for block in blocks] == [400, 400, 300]
    assert_same(concatenate(blocks), whole)
    with pytest.raises(ValueError, match="at least 1"):
        next(iterate_spectra(path, 0))


def test_load_by_id_in_the_order_asked_for(tmp_path):
    whole = some_spectra(1100)
    path = save_spectra(whole, tmp_path / "s.zarr")
    got = load_spectra(path, ["spec-1000", "dr10/spec-0003.fits.gz", "spec-0700"])
    assert_same(got, whole.select([1000, 3, 700]))
    with pytest.raises(StoreError, match=r"among the 1100 stars.* 2 of 3 are not, the first is 'spec-x'"):
        load_spectra(path, ["spec-0001", "spec-x", "spec-y"])


def test_stores_that_are_none_are_refused_in_plain_words(tmp_path):
    with pytest.raises(StoreError, match="there is no store at"):
        open_store(tmp_path / "nothing.zarr")
    (tmp_path / "text.zarr").write_text("no store")
    with pytest.raises(StoreError, match="is not a store of bayescannon"):
        load_spectra(tmp_path / "text.zarr")
    foreign = tmp_path / "foreign.zarr"
    xr.Dataset({"flux": ("star", np.ones(3))}).to_zarr(foreign, zarr_format=3, consolidated=False)
    with pytest.raises(StoreError, match="is not a store of bayescannon"):
        next(iterate_spectra(foreign))


def test_a_killed_writer_leaves_nothing_that_opens(tmp_path):
    path = tmp_path / "s.zarr"
    writer = StoreWriter(path, GRID)
    writer.append(some_spectra(600))
    (partial,) = tmp_path.iterdir()
    assert partial == writer.partial
    with pytest.raises(StoreError, match=r"incomplete.*prepare the spectra again"):
        open_store(partial)
    with pytest.raises(StoreError, match=f"interrupted run left {partial.name}; remove it and prepare"):
        open_store(path)
    # the next run does not care, and leaves alone what may be another run's
    save_spectra(some_spectra(3), path)
    assert len(load_spectra(path)) == 3
    assert partial.exists()


def test_two_writers_of_one_store_do_not_touch_each_other(tmp_path):
    path = tmp_path / "s.zarr"
    with StoreWriter(path, GRID, overwrite=True) as one, StoreWriter(path, GRID, overwrite=True) as two:
        one.append(some_spectra(4))
        two.append(some_spectra(6))
        one.finish()
        assert len(load_spectra(path)) == 4
        two.finish()
    assert len(load_spectra(path)) == 6
    assert list(tmp_path.iterdir()) == [path]


def test_one_file_describes_the_whole_store(tmp_path):
    spectra = some_spectra(5)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    for described in path.glob("*/zarr.json"):
        described.unlink()
    assert_same(load_spectra(path), spectra)


def test_a_store_of_version_02_opens(tmp_path):
    """It is described array by array only, and lacks columns that came later."""
    spectra = some_spectra(5)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    described = json.loads((path / "zarr.json").read_text())
    del described["consolidated_metadata"]
    (path / "zarr.json").write_text(json.dumps(described))
    assert_same(load_spectra(path), spectra)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_writer_cleans_up(tmp_path, error):
    def interrupted():
        with StoreWriter(tmp_path / "s.zarr", GRID) as writer:
            writer.append(some_spectra(600))
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
            writer.append(some_spectra(600))
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
    with pytest.raises(OutputExistsError, match="is not a store of bayescannon; remove it by hand"):
        save_spectra(some_spectra(), path, overwrite=True)
    assert (path / "thesis.tex").exists()
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == tmp_path and mode & os.W_OK))
    with pytest.raises(OutputPermissionError, match=f"the folder {tmp_path}.* is not writable"):
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


def test_a_store_of_another_version_is_foreign(tmp_path):
    path = save_spectra(some_spectra(), tmp_path / "s.zarr")
    described = json.loads((path / "zarr.json").read_text())
    described["attributes"]["format"] = "bayescannon spectra 0"
    (path / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(StoreError, match="not a store of bayescannon"):
        open_store(path)
