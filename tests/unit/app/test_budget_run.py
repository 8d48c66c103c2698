"""The error budget of a store: what the verbs on spectra give, in the same bytes whatever blocks and interruptions."""

import numpy as np
import pytest
import toy
import xarray as xr
from labelled_store import Interrupted
from toy_survey import toy_survey

import bayescannon as bc
from bayescannon.app.budget_run import write_budget
from bayescannon.app.stores import budget_of_store
from bayescannon.io.netcdf import read_tree, require_unchanged
from bayescannon.uncertainty.budget import BudgetChoices

KINDS = ("formal", "bootstrap", "sandwich", "repeat", "posterior", "calibrated")
N_STAR = 300


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    reference = toy.toy_reference(100, ("teff", "logg"), n_pixel=40)
    model = bc.qualify(bc.train(reference), reference, folds=2)
    spectra = toy.toy_spectra(toy.toy_labels(N_STAR, ("teff", "logg"), seed=5), ("teff", "logg"), seed=5, n_pixel=40)
    # every star has two spectra, far apart in the store
    columns = {**spectra.columns, "gaia_id": np.array([f"g{n % 150}" for n in range(N_STAR)])}
    spectra = bc.Spectra(spectra.wavelength, spectra.flux, spectra.ivar, spectra.id, columns, spectra.attrs)
    folder = tmp_path_factory.mktemp("budget")
    return model, bc.save_spectra(spectra, folder / "store.zarr"), reference


def choices(**more):
    return BudgetChoices(kinds=KINDS, n_bootstrap=3, n_draws=100, keep_draws=True, **more)


def same(budget, expected):
    assert set(budget.variables) == set(expected.variables)
    for name, want in expected.variables.items():
        got = budget.variables[name].transpose(*want.dims)
        if want.dtype.kind in "fiu":
            np.testing.assert_array_equal(got, want, err_msg=name)
        else:
            assert got.to_numpy().tolist() == want.to_numpy().tolist(), name
    for name, value in expected.attrs.items():
        np.testing.assert_array_equal(budget.attrs[name], value, err_msg=name)


def test_a_file_of_blocks_is_the_budget_of_all_stars(made, tmp_path):
    model, store, reference = made
    for block in (128, 256):
        write_budget(model, store, tmp_path / f"{block}.nc", choices=choices(), reference=reference, block=block)
    assert (tmp_path / "128.nc").read_bytes() == (tmp_path / "256.nc").read_bytes()
    expected = budget_of_store(
        model, store, kinds=KINDS, reference=reference, n_bootstrap=3, n_draws=100, keep_draws=True
    )
    tree = read_tree(tmp_path / "128.nc")
    require_unchanged(tree, tmp_path / "128.nc")
    same(tree.to_dataset(), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["128.nc", "256.nc"]


def test_named_stars_come_in_their_order_and_repeats_know_the_other_spectra(made, tmp_path):
    model, store, _ = made
    names = bc.load_spectra(store).id[[200, 3, 150, 7]].tolist()
    kinds = ("repeat", "formal")
    write_budget(model, store, tmp_path / "b.nc", choices=BudgetChoices(kinds=kinds), stars=names)
    found = xr.open_dataset(tmp_path / "b.nc", engine="h5netcdf").load()
    assert found["star"].to_numpy().tolist() == names
    assert found["n_spectra"].to_numpy().tolist() == [2] * 4
    same(found.drop_attrs(deep=False), budget_of_store(model, store, kinds=kinds, stars=names).drop_attrs(deep=False))
    write_budget(model, store, tmp_path / "one.nc", choices=BudgetChoices(kinds=("repeat",)), stars=names)
    one = xr.open_dataset(tmp_path / "one.nc", engine="h5netcdf").load()
    np.testing.assert_array_equal(one["error"], found["error"].sel(kind=["repeat"]))


@pytest.mark.parametrize("n_tasks", [4])
def test_an_interrupted_run_goes_on_to_the_same_bytes(made, tmp_path, n_tasks):
    model, store, reference = made
    given = {"choices": choices(), "reference": reference, "block": 128}
    write_budget(model, store, tmp_path / "whole.nc", **given)
    # three models of the bootstrap, or one block after them
    with pytest.raises(KeyboardInterrupt):
        write_budget(model, store, tmp_path / "b.nc", engine=Interrupted(n_tasks), **given)
    assert not (tmp_path / "b.nc").exists()
    rest = Interrupted(-1)
    write_budget(model, store, tmp_path / "b.nc", engine=rest, **given)
    assert rest.n_done == 6 - n_tasks
    assert (tmp_path / "b.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.nc", "whole.nc"]


@pytest.mark.long
def test_a_survey_model(tmp_path):
    survey = toy_survey(n_new=300)
    store = bc.save_spectra(survey.spectra, tmp_path / "store.zarr")
    kinds = ("formal", "coefficient", "membership")
    write_budget(survey.model, store, tmp_path / "b.nc", choices=BudgetChoices(kinds=kinds), block=128)
    found = xr.open_dataset(tmp_path / "b.nc", engine="h5netcdf").load()
    expected = bc.error_budget(survey.model, store, kinds=kinds)
    np.testing.assert_allclose(found["error"], expected["error"], rtol=1e-8)
    assert found.attrs["formal_of"] == expected.attrs["formal_of"]
