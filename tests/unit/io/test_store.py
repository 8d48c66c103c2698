"""A store comes back as it went; what is missing, damaged, replaced or no store is never read as spectra."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr
import zarr
from stored_spectra import assert_same, some_spectra

from bayescannon.io.checksum import file_crc32c
from bayescannon.io.output_lock import OutputBusyError, locked
from bayescannon.io.outputs import aside_name
from bayescannon.io.store import (
    StoreError,
    is_store,
    iterate_spectra,
    load_spectra,
    open_store,
    store_attributes,
    store_id,
)
from bayescannon.io.store_builder import concatenate
from bayescannon.io.store_writer import save_spectra


def test_round_trip(tmp_path):
    spectra = some_spectra()
    path = save_spectra(spectra, tmp_path / "deep" / "s.zarr")
    got = load_spectra(path)
    assert_same(got, spectra)
    assert got.flux.dtype == np.float32
    assert got.attrs["preset"] == "paper"
    assert got.id.dtype.kind == "U"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("n_star", [1, 127, 128, 129, 1024, 1025, 2300])
def test_any_number_of_stars(tmp_path, n_star):
    spectra = some_spectra(n_star)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    assert_same(load_spectra(path), spectra)
    assert_same(concatenate(list(iterate_spectra(path, 256))), spectra)


def test_zarr_and_xarray_alone_read_the_same(tmp_path):
    spectra = some_spectra(1300)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    for consolidated in (True, False):
        group = zarr.open_group(path, mode="r", use_consolidated=consolidated)
        np.testing.assert_array_equal(group["flux"][:], spectra.flux)
        np.testing.assert_array_equal(group["ivar"][:], spectra.ivar)
        np.testing.assert_array_equal(group["star"][:].tolist(), spectra.id)
        for name, values in spectra.columns.items():
            np.testing.assert_array_equal(group[name][:].tolist(), values.tolist())
        assert group["flux"].chunks == (128, 60)
        assert group["flux"].shards == (1024, 60)
    with xr.open_zarr(path, chunks=None) as dataset:
        np.testing.assert_array_equal(dataset["flux"].to_numpy(), spectra.flux)
        assert dataset.attrs["store_id"] == store_id(path)
        assert dict(dataset.sizes) == {"star": 1300, "pixel": 60, "refusal": 0}


def test_the_store_opens_without_reading_pixels(tmp_path):
    path = save_spectra(some_spectra(700), tmp_path / "s.zarr")
    for chunk in path.glob("flux/c*"):
        if chunk.is_file():
            chunk.write_bytes(b"damaged")
    with open_store(path) as dataset:
        assert dict(dataset.sizes) == {"star": 700, "pixel": 60, "refusal": 0}
        assert dataset["wavelength"].dims == ("pixel",)
        assert "wavelength" in dataset.coords
        assert dataset["star"].to_numpy()[1] == "spec-0001"
        assert dataset["ivar"].to_numpy().shape == (700, 60)
        with pytest.raises(StoreError, match=r"the file flux/c.0.0, flux of stars 0 to 699, is damaged: it must have"):
            dataset["flux"].to_numpy()


def test_pixels_are_indexed_without_loading_all(tmp_path):
    spectra = some_spectra(1300)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    (path / "flux" / "c.0.0").unlink()
    with open_store(path) as dataset:
        assert dataset["flux"].dims == ("star", "pixel")
        np.testing.assert_array_equal(dataset["flux"][1100:1200:7, ::3], spectra.flux[1100:1200:7, ::3])
        np.testing.assert_array_equal(dataset["flux"][[1299, 1024]], spectra.flux[[1299, 1024]])
        np.testing.assert_array_equal(dataset["flux"][-1], spectra.flux[-1])
        np.testing.assert_array_equal(dataset["class"][5:7], spectra.columns["class"][5:7])
        assert float(dataset["ivar"][3, 4]) == spectra.ivar[3, 4]
        with pytest.raises(StoreError, match=r"flux/c.0.0.*is missing"):
            dataset["flux"][:2].to_numpy()


def test_iterate_gives_every_star_once_in_order(tmp_path):
    whole = some_spectra(1100)
    path = save_spectra(whole, tmp_path / "s.zarr")
    blocks = list(iterate_spectra(path, 384))
    assert [len(block) for block in blocks] == [384, 384, 332]
    assert_same(concatenate(blocks), whole)
    for block in (0, 100):
        with pytest.raises(ValueError, match="at least 1, and a multiple of 128"):
            next(iterate_spectra(path, block))


def test_load_by_id_reads_only_the_chunks_that_hold_them(tmp_path):
    whole = some_spectra(2500)
    path = save_spectra(whole, tmp_path / "s.zarr")
    for name in ("flux", "ivar"):
        (path / name / "c.1.0").unlink()
    got = load_spectra(path, ["spec-1000", "dr10/spec-0003.fits.gz", "spec-2400", "spec-2401", "spec-0007"])
    assert_same(got, whole.select([1000, 3, 2400, 2401, 7]))
    with pytest.raises(StoreError, match=r"among the 2500 stars.* 2 of 3 are not, the first is 'spec-x'"):
        load_spectra(path, ["spec-0001", "spec-x", "spec-y"])
    with pytest.raises(StoreError, match=r"flux/c.1.0, flux of stars 1024 to 2047, is missing.*bayescannon check"):
        load_spectra(path, ["spec-1500"])


def test_stores_that_are_none_are_refused_in_plain_words(tmp_path):
    with pytest.raises(StoreError, match="there is no store at"):
        open_store(tmp_path / "nothing.zarr")
    (tmp_path / "text.zarr").write_text("no store")
    with pytest.raises(StoreError, match="is not a store of bayescannon"):
        load_spectra(tmp_path / "text.zarr")
    foreign = tmp_path / "foreign.zarr"
    xr.Dataset({"flux": ("star", np.ones(3))}).to_zarr(foreign, zarr_format=3, consolidated=False)
    with pytest.raises(StoreError, match=r"the file zarr\.json is missing or damaged"):
        next(iterate_spectra(foreign))
    assert store_attributes(foreign) == {}
    assert not is_store(tmp_path)


def test_a_missing_file_is_an_error_and_not_zeros(tmp_path):
    """In version 0.2 labels moved by 209 K, and nothing was said."""
    path = save_spectra(some_spectra(1300), tmp_path / "s.zarr")
    for file in path.glob("*/c*"):
        name = file.relative_to(path).as_posix()
        kept = file.read_bytes()
        file.unlink()
        # refused files are no spectra, and are read when they are asked for
        with pytest.raises(StoreError, match=f"the file {name}, .* is missing"):
            load_spectra(path)
        file.write_bytes(kept)
    assert len(load_spectra(path)) == 1300


def test_two_files_that_changed_places_are_found(tmp_path):
    """Each of them is whole, and has the same CRC-32C as the other."""
    spectra = some_spectra(2048)
    # the second shard has the chunks of the first in another order, so the files are of one size
    spectra.flux[1024:] = spectra.flux[:1024].reshape(8, 128, -1)[::-1].reshape(1024, -1)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    one, two = (path / "flux" / f"c.{number}.0" for number in (0, 1))
    assert file_crc32c(one) == file_crc32c(two)
    assert one.read_bytes() != two.read_bytes()
    one.rename(tmp_path / "kept")
    two.rename(one)
    (tmp_path / "kept").rename(two)
    with pytest.raises(StoreError, match="flux of stars 0 to 1023, is damaged: its checksum is wrong"):
        load_spectra(path)


@pytest.mark.parametrize("row", [0, 1279])
def test_a_store_replaced_under_the_reader_is_an_error(tmp_path, row):
    """In version 0.2 932 of 2000 rows were new pixels under old ids."""
    path = save_spectra(some_spectra(2000), tmp_path / "s.zarr")
    blocks = iterate_spectra(path, 128)
    for _ in range(row // 128 + 1):
        next(blocks)
    save_spectra(some_spectra(2000, first=1), path, overwrite=True)
    with pytest.raises(StoreError, match=r"s\.zarr was replaced or changed while it was being read"):
        next(blocks)
    blocks = iterate_spectra(path, 128)
    next(blocks)
    (path / "zarr.json").write_text((path / "zarr.json").read_text().replace("paper", "other"))
    with pytest.raises(StoreError, match="was replaced or changed"):
        next(blocks)
    (path / "zarr.json").write_text((path / "zarr.json").read_text().replace("other", "paper"))
    with open_store(path) as dataset:
        save_spectra(some_spectra(2000), path, overwrite=True)
        with pytest.raises(StoreError, match="was replaced or changed"):
            dataset["flux"][:128].to_numpy()


def test_the_same_store_written_again_is_the_same(tmp_path):
    """The id is a digest of the contents, so rows of both are the same."""
    spectra = some_spectra(300)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    blocks = iterate_spectra(path, 128)
    next(blocks)
    known = store_id(path)
    save_spectra(spectra, path, overwrite=True)
    assert store_id(path) == known
    assert_same(concatenate(list(blocks)), spectra.select(slice(128, None)))
    spectra.flux[299, 59] += np.float32(1e-6)
    assert store_id(save_spectra(spectra, tmp_path / "t.zarr")) != known


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda root: root["attributes"].update(preset="released"), "do not match its digest"),
        (lambda root: root["attributes"].update(complete=False), "do not match its digest"),
        (lambda root: root["attributes"]["manifest"]["arrays"]["flux"].update(shape=[10**10, 60]), "digest"),
        (lambda root: root["consolidated_metadata"]["metadata"].pop("ivar"), "digest"),
    ],
)
def test_metadata_that_were_changed_are_refused(tmp_path, change, why):
    path = save_spectra(some_spectra(), tmp_path / "s.zarr")
    root = json.loads((path / "zarr.json").read_text())
    change(root)
    (path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match=rf"zarr\.json was changed after.*{why}"):
        open_store(path)


@pytest.mark.parametrize("text", ['{"attributes": ', "[" * 100_000, '"x"', "\x00", ""])
def test_damaged_json_names_the_file(tmp_path, text):
    path = save_spectra(some_spectra(), tmp_path / "s.zarr")
    (path / "zarr.json").write_text(text)
    with pytest.raises(StoreError, match=r"the file zarr\.json is (missing or )?damaged"):
        open_store(path)


def test_one_file_describes_the_whole_store(tmp_path):
    spectra = some_spectra(5)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    for described in path.glob("*/zarr.json"):
        described.unlink()
    assert_same(load_spectra(path), spectra)


def test_a_store_of_another_version_is_foreign(tmp_path):
    path = save_spectra(some_spectra(), tmp_path / "s.zarr")
    described = json.loads((path / "zarr.json").read_text())
    described["attributes"]["format"] = "bayescannon spectra 99"
    (path / "zarr.json").write_text(json.dumps(described))
    shutil.rmtree(path / "flux")
    shutil.rmtree(path / "ivar")
    with pytest.raises(StoreError, match="not a store of bayescannon"):
        open_store(path)


def test_a_replacement_that_was_interrupted_is_undone(tmp_path):
    spectra = some_spectra(5)
    path = save_spectra(spectra, tmp_path / "s.zarr")
    path.rename(aside_name(path))
    assert_same(load_spectra(path), spectra)
    assert list(tmp_path.iterdir()) == [path]
    path.rename(aside_name(path))
    with locked(path), ThreadPoolExecutor(1) as pool, pytest.raises(OutputBusyError, match="is being written"):
        pool.submit(load_spectra, path).result()
