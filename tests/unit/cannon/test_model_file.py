"""A model's file: self-describing, of this version and of 0.2.0, and no change of it goes unnoticed."""

import dataclasses

import pytest
import toy
import xarray as xr
from old_model import OLD, with_changed_value
from same import assert_same

from bayescannon.cannon.model_file import as_model, load_model, save_model
from bayescannon.cannon.model_layout import ModelFileError
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.io.netcdf import DIGEST
from bayescannon.io.outputs import OutputExistsError
from bayescannon.numerics.errors import InputTypeError, MissingFileError


@pytest.fixture(scope="module")
def old():
    """A model with everything that a model may have, from version 0.2.0."""
    return load_model(OLD)


@pytest.fixture(scope="module")
def small():
    return train(toy.toy_reference(60, n_pixel=20))


@pytest.fixture
def path(old, tmp_path):
    save_model(old, tmp_path / "model.nc")
    return tmp_path / "model.nc"


@pytest.mark.parametrize("which", ["old", "small"])
def test_a_saved_model_comes_back_whole(which, request, tmp_path):
    model = request.getfixturevalue(which)
    save_model(model, tmp_path / "model.nc")
    back = load_model(tmp_path / "model.nc")
    assert_same(back, model)
    assert back.hash == model.hash
    with pytest.raises(OutputExistsError, match="--overwrite"):
        save_model(model, tmp_path / "model.nc")
    save_model(back, tmp_path / "model.nc", overwrite=True)
    assert_same(load_model(tmp_path / "model.nc"), model)


@pytest.mark.parametrize("name", ["model/covariance", "coverage/coverage_scores", "reference/tally_step"])
def test_a_changed_value_is_refused(path, tmp_path, name):
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        with_changed_value(opened.load(), name).to_netcdf(tmp_path / "changed.nc", engine="h5netcdf")
    with pytest.raises(ModelFileError, match="was changed after it was saved"):
        load_model(tmp_path / "changed.nc")


@pytest.mark.parametrize("attribute", ["version", "preset_settings", "hash", DIGEST])
def test_a_changed_attribute_is_refused(path, tmp_path, attribute):
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    tree.attrs[attribute] = "other"
    tree.to_netcdf(tmp_path / "changed.nc", engine="h5netcdf")
    with pytest.raises(ModelFileError, match="was changed after it was saved"):
        load_model(tmp_path / "changed.nc")
    del tree.attrs[DIGEST]
    tree.to_netcdf(tmp_path / "gone.nc", engine="h5netcdf")
    with pytest.raises(ModelFileError, match="the digest of its contents is missing"):
        load_model(tmp_path / "gone.nc")


def test_what_is_no_model_says_so(tmp_path):
    with pytest.raises(MissingFileError, match="bayescannon train"):
        load_model(tmp_path / "none.nc")
    with pytest.raises(ModelFileError, match="is a folder, not a file"):
        load_model(tmp_path)
    (tmp_path / "text.nc").write_text("not netCDF")
    with pytest.raises(ModelFileError, match="not a netCDF file"):
        load_model(tmp_path / "text.nc")


def test_a_model_may_be_given_as_itself_or_as_its_path(old, path):
    assert as_model(old) is old
    assert as_model(path).hash == as_model(str(path)).hash == old.hash
    with pytest.raises(InputTypeError, match="must be a TrainedModel or the path of its file; got an int"):
        as_model(3)


def test_methods_and_functions_do_the_same(small, tmp_path):
    small.save(tmp_path / "model.nc")
    assert_same(TrainedModel.load(tmp_path / "model.nc"), small)


def test_the_hash_is_of_what_decides_the_labels_only(old):
    bare = dataclasses.replace(
        old, calibration=None, coverage=None, populations=type(old.populations)(), latent_labels=None, tally=()
    )
    assert bare.hash == old.hash
    assert dataclasses.replace(old, kappa=2 * old.kappa).hash != old.hash
