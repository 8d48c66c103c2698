"""Reading a model's file: what it is not is told with what to do."""

import pytest
import xarray as xr
from toy import toy_reference

from bayescannon.cannon.model_layout import SURVEY_KIND, ModelFileError
from bayescannon.cannon.model_reader import read_model_fields
from bayescannon.cannon.training import train
from bayescannon.io.netcdf import read_kind, write_tree
from bayescannon.numerics.errors import MissingFileError


def test_fields_and_hash_are_those_that_were_saved(tmp_path):
    model = train(toy_reference(60, ("teff",), n_pixel=20))
    model.save(tmp_path / "model.nc")
    fields, saved = read_model_fields(tmp_path / "model.nc")
    assert saved == model.hash
    assert fields["scaler"].names == ("teff",)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (SURVEY_KIND, "is a survey model: it holds a model of each population, and one is needed here"),
        ("something", "is not a bayescannon model; expected one from `bayescannon train`"),
    ],
)
def test_a_file_of_something_else(tmp_path, kind, message):
    path = tmp_path / "other.nc"
    write_tree(xr.DataTree(xr.Dataset(attrs={"kind": kind})), path)
    assert read_kind(path) == kind
    with pytest.raises(ModelFileError, match=message):
        read_model_fields(path)


def test_no_file(tmp_path):
    with pytest.raises(MissingFileError, match=r"no model file .*; `bayescannon train` makes one"):
        read_model_fields(tmp_path / "none.nc")
    assert read_kind(tmp_path / "none.nc") == ""
