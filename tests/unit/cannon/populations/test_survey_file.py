"""Survey models on disk: they come back as they went, and what is none is refused."""

import numpy as np
import pytest
from toy_survey import toy_survey

import bayescannon as bc
from bayescannon.cannon.model_layout import ModelFileError
from bayescannon.cannon.populations.survey_file import as_any_model, load_any_model, save_survey_model
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.io.netcdf import read_tree, write_tree
from bayescannon.numerics.errors import InputTypeError, MissingFileError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("survey") / "model.nc"
    save_survey_model(toy_survey().model, path)
    return path


def test_it_comes_back_as_it_went(path):
    model, back = toy_survey().model, load_any_model(path)
    assert (back.hash, back.names, back.notes) == (model.hash, model.names, model.notes)
    assert back.regions == model.regions
    np.testing.assert_array_equal(back.held_out.membership, model.held_out.membership)
    np.testing.assert_array_equal(back.held_out.shares, model.held_out.shares)
    for name, one in model.distinct.items():
        assert back.distinct[name].hash == one.hash
        assert back.distinct[name].coverage is not None
    spectra = toy_survey().spectra
    np.testing.assert_array_equal(bc.label_spectra(back, spectra)["labels"], bc.label_spectra(model, spectra)["labels"])


def test_a_model_of_one_population_is_read_too(tmp_path):
    router = toy_survey().model.router
    router.save(tmp_path / "one.nc")
    assert isinstance(as_any_model(tmp_path / "one.nc"), TrainedModel)
    assert as_any_model(router) is router


def test_one_model_is_asked_for_where_one_is_needed(path):
    with pytest.raises(ModelFileError, match=r"is a survey model: .*distinct\['router'\].*--population"):
        bc.label_information(path)
    with pytest.raises(InputTypeError, match="this is a survey model: it holds a model of each population"):
        bc.label_information(toy_survey().model)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match="no model file"):
        load_any_model(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("no netCDF")
    with pytest.raises(ModelFileError, match="expected a model from `bayescannon train`"):
        load_any_model(tmp_path / "text.nc")
    with pytest.raises(InputTypeError, match="a model must be"):
        as_any_model(3)


@pytest.mark.long
def test_a_file_that_was_changed_or_is_of_a_later_version_is_refused(path, tmp_path):
    tree = read_tree(path)
    tree["router/model"]["scatter"][0] = 1.0
    changed = tmp_path / "changed.nc"
    write_tree(tree, changed)
    with pytest.raises(ModelFileError, match="was changed after it was saved"):
        load_any_model(changed)
    tree.attrs["schema_version"] = 99
    write_tree(tree, tmp_path / "later.nc")
    with pytest.raises(ModelFileError, match="99"):
        load_any_model(tmp_path / "later.nc")
