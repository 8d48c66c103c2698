"""The groups of a model's file: what is in them, and what does not fit this version."""

import json

import numpy as np
import pytest
import toy
import xarray as xr
from old_model import OLD, with_changed_value

from bayescannon.cannon.model_file import load_model, save_model
from bayescannon.cannon.model_layout import SCHEMA_VERSION, ModelFileError, model_groups
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.training import train
from bayescannon.io.netcdf import DIGEST, tree_digest, write_tree
from bayescannon.models.coefficient_priors import PooledCoefficients


@pytest.fixture(scope="module")
def old():
    """A model with everything that a model may have, from version 0.2.0."""
    return load_model(OLD)


@pytest.fixture
def path(old, tmp_path):
    save_model(old, tmp_path / "model.nc")
    return tmp_path / "model.nc"


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


def test_every_variable_counts_in_the_digest(old, path):
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    assert tree_digest(tree) == tree.attrs[DIGEST]
    names = [f"{group}/{name}" for group, data in model_groups(old).items() if group != "/" for name in data.variables]
    assert len(names) > 50
    for name in names:
        assert tree_digest(with_changed_value(tree, name)) != tree.attrs[DIGEST], name


def test_a_later_layout_is_refused_in_a_sentence(old, tmp_path):
    tree = xr.DataTree.from_dict(model_groups(old))
    tree.attrs["schema_version"] = SCHEMA_VERSION + 1
    tree.attrs[DIGEST] = "of another kind"
    tree.to_netcdf(tmp_path / "later.nc", engine="h5netcdf")
    with pytest.raises(ModelFileError, match=r"has schema version 5, and this version .* reads up to 4; update bayesc"):
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


OPTIONS = TrainingOptions(label_errors="table", n_hidden=3)


@pytest.fixture(scope="module")
def reference():
    return toy.noisy_reference(200, error=0.3, hidden=0.01, n_pixel=60)[0]


@pytest.fixture(scope="module")
def model(reference):
    return train(reference, options=OPTIONS)


def test_what_was_learned_of_the_labels_has_names_and_dims(reference, model):
    data = model_groups(model)["latent_labels"]
    pair = ("stellar_label", "stellar_label_2")
    assert data["mean"].dims == ("stellar_label",)
    assert data["covariance"].dims == pair
    assert data["error_scale"].dims == ("stellar_label",)
    learned = model.latent_labels
    assert (np.diag(learned.population.covariance) > 0).all()
    assert repr(learned) == f"<LearnedLabels of 3 labels: {len(learned.trace)} rounds, {learned.status.name.lower()}>"
    # the population is narrower than the reported labels by their errors
    reported = np.cov(model.scaler.to_scaled(reference.labels).T)
    errors = (reference.errors[0] / model.scaler.scale) ** 2
    found = np.diag(learned.population.covariance)
    np.testing.assert_allclose(found, np.diag(reported) - errors, atol=0.12)
    np.testing.assert_array_equal(model.reference_labels, reference.labels)
    assert model.options.describe() == "theta flat, s flat, kappa fixed, label errors table, 3 hidden"


def test_dims_do_not_depend_on_the_number_of_pixels():
    """With as many pixels as shrunk terms, an array by term must not be taken for one by pixel."""
    reference = toy.toy_reference(80, n_pixel=6)
    model = train(reference, options=TrainingOptions(coefficients=PooledCoefficients()))
    data = model_groups(model)["populations"]
    assert data["tau"].dims == ("shrunk_term",)
    assert data["activity"].dims == ("pixel",)
