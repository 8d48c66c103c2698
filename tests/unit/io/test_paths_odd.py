"""Stores, models and catalogues in places with any letters, through links, and from another working folder."""

import os
import resource

import numpy as np
import pytest

from bayescannon.app.stores import label_store
from bayescannon.cannon.model_file import save_model
from bayescannon.cannon.training import train
from bayescannon.data.label_table import LabelTable
from bayescannon.data.spectra import Spectra
from bayescannon.io.catalogue import check_catalogue_names, read_catalogue, write_catalogue
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.outputs import OutputWriteError
from bayescannon.io.store import load_spectra, open_store
from bayescannon.io.store_writer import save_spectra
from tests.helpers import toy

ODD = "Übung #1 100%20 [b]ü & 'x' ~ ?=星"


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(60, ("teff",))


def test_any_letters(reference, tmp_path):
    folder = tmp_path / ODD
    folder.mkdir()
    spectra = reference.spectra
    names = [f"Stern ü#{n}" for n in range(60)]
    store = save_spectra(Spectra(spectra.wavelength, spectra.flux, spectra.ivar, names), folder / f"{ODD}.zarr")
    save_model(train(reference), folder / f"{ODD}.nc")
    estimates = label_store(folder / f"{ODD}.nc", store)
    assert estimates["star"].to_numpy().tolist() == names
    for ending in ("ecsv", "vot", "parquet"):
        write_catalogue(estimates, folder / f"{ODD}.{ending}")
        assert read_catalogue(folder / f"{ODD}.{ending}")["id"].tolist() == names
    # said before the work, and not after it
    for ending in ("fits", "mrt"):
        with pytest.raises(CatalogueError, match=r"must be ASCII; column 'id' has 'Stern ü#0'\. Write \.ecsv"):
            check_catalogue_names(folder / f"c.{ending}", store)
    check_catalogue_names(folder / "c.ecsv", store)
    assert not [path for path in folder.iterdir() if "partial" in path.name]


def test_links_and_another_working_folder(reference, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.zarr").symlink_to("elsewhere/s.zarr")
    spectra = reference.spectra
    for _ in range(2):
        save_spectra(spectra, "link.zarr/", overwrite=True)
        assert (tmp_path / "link.zarr").is_symlink()
        assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["s.zarr"]
    dataset = open_store("link.zarr")
    monkeypatch.chdir("elsewhere")
    np.testing.assert_array_equal(dataset["flux"], spectra.flux.astype(np.float32))
    np.testing.assert_array_equal(load_spectra("s.zarr").id, spectra.id)


def test_names_that_are_no_text_are_escaped(reference, tmp_path):
    odd = os.fsdecode(b"st\xffr")
    spectra = reference.spectra.select([0])
    spectra = Spectra(spectra.wavelength, spectra.flux, spectra.ivar, [odd])
    store = save_spectra(spectra, tmp_path / "s.zarr")
    assert load_spectra(store, [odd]).id.tolist() == [r"st\udcffr"]
    assert LabelTable([odd], source=odd).source == r"st\udcffr"


def test_a_file_that_may_not_grow(reference, tmp_path):
    model, spectra = train(reference), reference.spectra
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OutputWriteError, match=r"model\.nc could not be written: file too large"):
            save_model(model, tmp_path / "model.nc")
        with pytest.raises(OutputWriteError, match=r"s\.zarr could not be written: file too large"):
            save_spectra(spectra, tmp_path / "s.zarr")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
