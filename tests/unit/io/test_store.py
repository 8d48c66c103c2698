import json

import numpy as np
import pytest
import xarray as xr
from stored_spectra import assert_same, some_spectra

from bayescannon.io.store import StoreError, iterate_spectra, load_spectra, open_store
from bayescannon.io.store_writer import concatenate, save_spectra


def test_round_trip(tmp_path):
    spectra = some_spectra()
    path = save_spectra(spectra, tmp_path / "deep" / "s.zarr")
    got = load_spectra(path)
    assert_same(got, spectra)
    assert got.flux.dtype == np.float32
    assert got.attrs["preset"] == "paper"
    assert got.id.dtype.kind == "U"
    assert list(path.parent.iterdir()) == [path]


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


def test_a_store_of_another_version_is_foreign(tmp_path):
    path = save_spectra(some_spectra(), tmp_path / "s.zarr")
    described = json.loads((path / "zarr.json").read_text())
    described["attributes"]["format"] = "bayescannon spectra 0"
    (path / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(StoreError, match="not a store of bayescannon"):
        open_store(path)
