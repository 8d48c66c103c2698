"""A model's file: self-describing, of this version and of 0.2.0, and no change of it goes unnoticed."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import toy
import xarray as xr
from same import assert_same

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.model_file import as_model, load_model, save_model
from bayescannon.cannon.model_layout import SCHEMA_VERSION, ModelFileError, model_groups
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.data.spectra import Spectra
from bayescannon.io.netcdf import DIGEST, tree_digest, write_tree
from bayescannon.io.outputs import OutputExistsError
from bayescannon.numerics.errors import InputTypeError, MissingFileError

OLD = Path(__file__).parents[2] / "data" / "model_0.2.0.nc"
EXPECTED = json.loads(OLD.with_suffix(".json").read_text())


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


def flat(path):
    with xr.open_dataset(path, engine="h5netcdf") as data:
        return data.load()


def test_a_file_of_0_2_0_gives_the_same_numbers_labels_and_hashes(old):
    assert old.hash == EXPECTED["hash"]
    assert old.calibration.hash == EXPECTED["calibration_hash"]
    assert old.describe_errors() == EXPECTED["calibration"]
    assert old.options.describe() == EXPECTED["priors"]
    assert old.latent_labels.status.name == EXPECTED["status"]
    assert np.abs(old.theta).sum() == pytest.approx(EXPECTED["theta_sum"], rel=1e-14)
    np.testing.assert_array_equal(old.populations.coefficients.tau, EXPECTED["tau"])
    np.testing.assert_array_equal(old.latent_labels.slope_correction.matrix, EXPECTED["matrix"])
    assert old.provenance.version == "0.2.0"
    assert old.provenance.data_release == "toy DR1"
    assert [row.remaining for row in old.tally] == [100]
    assert old.populations.learned == ("coefficients", "scatter", "kappa")
    flux = np.array(EXPECTED["flux"])
    columns = {name: np.full(len(flux), 60.0 if name == "snr" else 0.0) for name in ("ra", "dec", "redshift", "snr")}
    stars = Spectra(old.wavelength, flux, np.array(EXPECTED["ivar"]), np.array(EXPECTED["id"]), columns, {})
    estimates = label_spectra(old, stars)
    np.testing.assert_allclose(estimates["labels"], EXPECTED["labels"], rtol=1e-12)
    np.testing.assert_allclose(estimates["calibrated_error"], EXPECTED["calibrated_error"], rtol=1e-8)


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


def test_xarray_shows_groups_and_units(path):
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        assert set(tree.children) == {
            "model", "populations", "latent_labels", "reference", "options", "calibration", "coverage",
        }  # fmt: skip
        assert tree.attrs["schema_version"] == SCHEMA_VERSION
        assert tree["unit"].to_numpy().tolist() == ["K", "dex"]
        assert tree["model/wavelength"].attrs["units"] == "Angstrom"
        assert json.loads(tree["options"].attrs["censored"]) == {"logg": [[5000, 5030]]}
        for node in tree.subtree:
            for name, variable in node.to_dataset(inherit=False).variables.items():
                assert variable.attrs["units"], name
                assert variable.attrs["long_name"], name
    assert path.stat().st_size < 300_000


def with_changed_value(tree, name):
    """The tree with the first value of a variable changed."""
    group, variable = name.split("/")
    changed = tree.copy(deep=True)
    values = changed[group].to_dataset(inherit=False)
    numbers = values[variable].to_numpy().copy()
    first = (0,) * numbers.ndim
    numbers[first] = "?" if numbers.dtype.kind in "OUT" else numbers[first] + 1
    changed[group].dataset = values.assign({variable: (values[variable].dims, numbers, values[variable].attrs)})
    return changed


def test_every_variable_counts_in_the_digest(old, path):
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    assert tree_digest(tree) == tree.attrs[DIGEST]
    names = [f"{group}/{name}" for group, data in model_groups(old).items() if group != "/" for name in data.variables]
    assert len(names) > 50
    for name in names:
        assert tree_digest(with_changed_value(tree, name)) != tree.attrs[DIGEST], name


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


def test_a_later_layout_is_refused_in_a_sentence(old, tmp_path):
    tree = xr.DataTree.from_dict(model_groups(old))
    tree.attrs["schema_version"] = SCHEMA_VERSION + 1
    tree.attrs[DIGEST] = "of another kind"
    tree.to_netcdf(tmp_path / "later.nc", engine="h5netcdf")
    with pytest.raises(ModelFileError, match=r"has schema version 3, and this version .* reads up to 2; update bayesc"):
        load_model(tmp_path / "later.nc")


@pytest.mark.parametrize("group", ["model", "calibration", "options"])
def test_groups_that_do_not_fit_this_version_are_refused_in_words(old, tmp_path, group):
    groups = model_groups(old)
    if group == "options":
        groups["options"].attrs["window"] = "3"
    else:
        groups[group] = groups[group].drop_vars("theta" if group == "model" else "dof_slope")
    write_tree(xr.DataTree.from_dict(groups), tmp_path / "other.nc")
    with pytest.raises(ModelFileError, match="this version knows"):
        load_model(tmp_path / "other.nc")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.assign(theta=data["theta"] * 2), "changed after it was saved"),
        (lambda data: data.assign(calibration_dof=data["calibration_dof"] + 1), "calibration was changed"),
        (lambda data: data.drop_vars([name for name in data if str(name).startswith("calibration_")]), "calibration"),
        (lambda data: data.drop_vars("calibration_dof_slope"), "other than this version knows; train anew"),
        (lambda data: data.drop_vars("chi2"), "lacks 'chi2', which every model of version 0.2.0 has"),
        (lambda data: data[["theta"]].drop_attrs(), "not a bayescannon model"),
        (lambda data: data.assign(score=[name.upper() for name in data["score"].to_numpy()]), "has no score 'range'"),
    ],
)
def test_a_changed_file_of_0_2_0_is_refused(tmp_path, change, message):
    change(flat(OLD)).to_netcdf(tmp_path / "changed.nc", engine="h5netcdf")
    with pytest.raises(ModelFileError, match=message):
        load_model(tmp_path / "changed.nc")


def test_the_oldest_files_are_of_the_papers_training(tmp_path):
    data = flat(OLD)
    del data.attrs["training"]
    data.to_netcdf(tmp_path / "oldest.nc", engine="h5netcdf")
    assert load_model(tmp_path / "oldest.nc").options.describe() == "theta flat, s flat, kappa fixed"


def test_smooth_scales_of_0_2_0_are_no_population(tmp_path):
    data = flat(OLD).drop_vars(["learned_mu", "learned_activity"])
    data.to_netcdf(tmp_path / "smooth.nc", engine="h5netcdf")
    populations = load_model(tmp_path / "smooth.nc").populations
    assert populations.coefficients is None
    np.testing.assert_array_equal(populations.smooth_scale, EXPECTED["tau"])


def test_what_is_no_model_says_so(tmp_path):
    with pytest.raises(MissingFileError, match="bayescannon train"):
        load_model(tmp_path / "none.nc")
    with pytest.raises(ModelFileError, match=r"cannot be read: .*directory"):
        load_model(tmp_path)
    (tmp_path / "text.nc").write_text("not netCDF")
    with pytest.raises(ModelFileError, match="not a netCDF file"):
        load_model(tmp_path / "text.nc")


def test_a_model_may_be_given_as_itself_or_as_its_path(old, path):
    assert as_model(old) is old
    assert as_model(path).hash == as_model(str(path)).hash == old.hash
    with pytest.raises(InputTypeError, match="must be a TrainedModel or the path of its file; got int"):
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
