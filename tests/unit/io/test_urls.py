"""A store is read and written at URLs as on this machine; nothing there is replaced."""

import pickle
import sys
from pathlib import Path

import fsspec
import numpy as np
import pytest
import zarr
from stored_spectra import GRID, assert_same, some_spectra

from bayescannon.io import urls
from bayescannon.io.outputs import OutputExistsError
from bayescannon.io.preparation import prepare_files
from bayescannon.io.store import StoreError, iterate_spectra, load_spectra, open_store, store_id
from bayescannon.io.store_builder import concatenate
from bayescannon.io.store_check import check_store
from bayescannon.io.store_rows import read_rows
from bayescannon.io.store_writer import save_spectra
from bayescannon.io.urls import UrlPlace, local_path, url_of
from bayescannon.numerics.errors import BayesCannonError, InputError, MissingLibraryError


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    return system


def test_what_is_a_url():
    assert url_of("s3://bucket/a.zarr") == url_of(Path("s3://bucket/a.zarr")) == "s3://bucket/a.zarr"
    for path in ("a.zarr", "/a/b.zarr", "C:/a.zarr", Path("a:b"), None, 3, "file:///a", Path("file:///a")):
        assert url_of(path) is None
    assert local_path("file:///a/b") == local_path(Path("file:///a/b")) == Path("/a/b")


def test_a_path_that_exists_is_no_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:" / "a").mkdir(parents=True)
    assert url_of(Path("s3:/a")) is None
    assert url_of("s3://a") == "s3://a"


def test_a_store_in_memory(memory):
    spectra = some_spectra(1300)
    path = save_spectra(spectra, "memory://survey/s.zarr")
    for given in (path, "memory://survey/s.zarr", "memory://survey/s.zarr/"):
        assert_same(load_spectra(given), spectra)
    assert_same(concatenate(list(iterate_spectra(path, 256))), spectra)
    assert_same(load_spectra(path, ["spec-1200", "spec-0001"]), spectra.select([1200, 1]))
    assert_same(read_rows("memory://survey/s.zarr", slice(3, 9), of_store=store_id(path)), spectra.select(slice(3, 9)))
    assert open_store(path)["flux"][:3].to_numpy().tolist() == spectra.flux[:3].tolist()
    assert check_store(path) == []
    group = zarr.open_group("memory://survey/s.zarr", mode="r")
    np.testing.assert_array_equal(group["flux"][1000:], spectra.flux[1000:])
    # the root metadata are written last
    created = {name: memory.info(name)["created"] for name in memory.find("/survey/s.zarr")}
    assert max(created, key=created.get) == "/survey/s.zarr/zarr.json"


@pytest.mark.usefixtures("memory")
def test_a_store_at_a_url_is_not_replaced():
    path = save_spectra(some_spectra(5), "memory://s.zarr")
    known = store_id(path)
    for overwrite in (True, False):
        with pytest.raises(OutputExistsError, match=r"memory://s\.zarr exists; a store at a URL is not replaced"):
            save_spectra(some_spectra(6), "memory://s.zarr", overwrite=overwrite)
    assert store_id(path) == known


def test_faults_at_a_url(memory):
    path = save_spectra(some_spectra(1300), "memory://s.zarr")
    with pytest.raises(StoreError, match=r"there is no store of bayescannon .* at memory://other\.zarr"):
        load_spectra("memory://other.zarr")
    with pytest.raises(StoreError, match="there is no store"):
        check_store("memory://other.zarr")
    blocks = iterate_spectra(path, 128)
    next(blocks)
    memory.pipe_file("/s.zarr/zarr.json", memory.cat_file("/s.zarr/zarr.json").replace(b"paper", b"other"))
    with pytest.raises(StoreError, match="was replaced or changed while it was being read"):
        next(blocks)
    memory.pipe_file("/s.zarr/zarr.json", memory.cat_file("/s.zarr/zarr.json").replace(b"other", b"paper"))
    memory.rm_file("/s.zarr/flux/c.1.0")
    assert check_store(path) == ["the file flux/c.1.0, flux of stars 1024 to 1299, is missing"]
    with pytest.raises(StoreError, match=r"memory://s\.zarr: the file flux/c\.1\.0, .* is missing"):
        load_spectra(path)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_files_by_obstore(tmp_path, monkeypatch):
    """Its store of local files stands for object stores, which are not to be had in tests."""
    monkeypatch.setattr(urls, "_OBJECT_STORES", ("file",))
    spectra = some_spectra(1300)
    save_spectra(spectra, tmp_path / "s.zarr")
    place = UrlPlace(f"file://{tmp_path}/s.zarr")
    assert place.size("flux/c.0.0") == (tmp_path / "s.zarr/flux/c.0.0").stat().st_size
    assert place.read("flux/c.0.0", 2, 5) == (tmp_path / "s.zarr/flux/c.0.0").read_bytes()[2:7]
    assert sorted(place.names())[-1] == "zarr.json"
    assert place.read("zarr.json", 0, 0) == b""
    monkeypatch.setattr("bayescannon.io.store.url_of", lambda given: str(given))
    url = f"file://{tmp_path}/s.zarr"
    assert_same(load_spectra(url), spectra)
    stamp = place.root_stamp()
    place.write("zarr.json", b"{}")
    assert place.root_stamp() != stamp
    for bad in (lambda: place.size("x"), lambda: place.read("x", 0, 3), lambda: place.read("zarr.json", 30, 3)):
        with pytest.raises(OSError):
            bad()
    assert pickle.loads(pickle.dumps(place)).size("zarr.json") == 2


def test_libraries_and_services_that_are_missing(monkeypatch):
    with pytest.raises(BayesCannonError, match=r"nowhere://"):
        load_spectra("nowhere://a/b.zarr")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setattr("bayescannon.io.libraries.find_spec", lambda _: None)
    for url in ("memory://s.zarr", "s3://b/s.zarr"):
        with pytest.raises(MissingLibraryError, match=r"pip install 'bayescannon\[urls\]'"):
            load_spectra(url)


@pytest.mark.usefixtures("memory")
def test_files_are_prepared_to_a_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spectra = some_spectra(40)
    np.savez(
        "stars.npz", wavelength=GRID, flux=spectra.flux, ivar=spectra.ivar * 1e4, id=spectra.id, redshift=np.zeros(40)
    )
    options = {"preset": "none", "grid": GRID, "workers": 1, "reader": "arrays"}
    report = prepare_files("stars.npz", Path("memory://a/s.zarr"), **options)
    here = prepare_files("stars.npz", "s.zarr", **options)
    assert_same(load_spectra(report.store), load_spectra(here.store))
    assert store_id("memory://a/s.zarr") == store_id("s.zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.zarr", "stars.npz"]
    with pytest.raises(OutputExistsError, match="a store at a URL is not replaced"):
        prepare_files("stars.npz", "memory://a/s.zarr", **options)
    with pytest.raises(InputError, match="added to a store on this machine only"):
        prepare_files("stars.npz", "memory://a/s.zarr", append=True, **options)
