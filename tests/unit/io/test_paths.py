"""Paths as arguments: every reader and writer asks for one, and says when a folder is no file."""

from pathlib import Path

import pytest
import toy
from astropy.table import Table

import bayescannon as bc
from bayescannon.io.paths import as_path, no_file


def test_paths_of_any_kind(tmp_path):
    assert as_path("a.nc", "a model") == as_path(Path("a.nc"), "a model") == Path("a.nc")
    assert no_file(tmp_path / "no.nc") == f"there is no file {tmp_path / 'no.nc'}"
    assert no_file(tmp_path) == f"{tmp_path} is a folder, not a file"
    (tmp_path / "zarr.json").touch()
    assert no_file(tmp_path) == f"{tmp_path} is a folder, such as a store of spectra, not a file"


@pytest.fixture(scope="module")
def things():
    spectra = toy.toy_spectra(toy.toy_labels(60))
    return spectra, toy.toy_table(spectra, toy.toy_labels(60)), toy.toy_reference(60)


@pytest.mark.parametrize("path", [None, Table(), 3.0])
def test_what_is_no_path_is_refused_in_words(things, path):
    spectra, table, reference = things
    model = bc.train(reference)
    calls = (
        lambda: bc.load_spectra(path),
        lambda: bc.load_reference(path),
        lambda: bc.load_model(path),
        lambda: bc.read_catalogue(path),
        lambda: bc.save_spectra(spectra, path),
        lambda: bc.save_labels(table, path),
        lambda: bc.save_reference(reference, path),
        lambda: bc.save_model(model, path),
        lambda: bc.write_catalogue(bc.label_spectra(model, spectra.select([0])), path),
        lambda: bc.prepare_files([], path),
    )
    for call in calls:
        with pytest.raises(bc.BayesCannonError, match=r"^the path of .* is expected; got ") as error:
            call()
        assert isinstance(error.value, TypeError)


def test_a_folder_where_a_file_is_expected(things, tmp_path):
    store = bc.save_spectra(things[0], tmp_path / "s.zarr")
    labels = bc.save_labels(things[1], tmp_path / "l.ecsv")
    for load in (bc.load_reference, bc.load_model, bc.read_labels):
        with pytest.raises(bc.BayesCannonError, match=r"s\.zarr is a folder, such as a store of spectra, not a file"):
            load(store)
    with pytest.raises(bc.BayesCannonError, match="Check that spectra and labels are not swapped"):
        bc.build_reference(store, store)
    with pytest.raises(bc.BayesCannonError, match=r"check that spectra and labels are not swapped"):
        bc.build_reference(labels, labels, toy.NAMES)
