from dataclasses import replace

import numpy as np
import pytest
import toy
import xarray as xr

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.reference import ReferenceSetError
from bayescannon.cannon.training import train
from bayescannon.data.flags import ErrorStatus, FitStatus
from bayescannon.data.spectra import GridError
from bayescannon.uncertainty.budget import error_budget
from bayescannon.uncertainty.kinds import KINDS

# membership is of survey models, see test_survey_kinds.py
ALL = tuple(name for name in KINDS if name != "membership")


FEW = ("formal", "coefficient", "sandwich")


@pytest.fixture(scope="module")
def model(reference):
    return qualify(train(reference), reference, folds=3)


def test_every_kind_of_every_star(model, reference, stars, tmp_path):
    budget = error_budget(model, stars, reference=reference, kinds=ALL, n_bootstrap=5, keep_draws=True, seed=2)
    estimates = label_spectra(model, stars, seed=2)
    assert budget["error"].dims == budget["value"].dims == ("star", "stellar_label", "kind")
    assert budget["kind"].to_numpy().tolist() == list(ALL)
    assert (budget["error_status"] == ErrorStatus.GIVEN).all()
    assert (budget["error"] > 0).all()
    np.testing.assert_array_equal(budget["error"].sel(kind="formal"), formal_errors(estimates))
    # every kind is of the same labels, but for what it says of them
    error = budget["error"].max("kind")
    assert (abs(budget["value"] - estimates["labels"]) < 3 * error).all()
    draws = budget["bootstrap_labels"].to_numpy()
    assert draws.shape == (5, 20, 3)
    np.testing.assert_allclose(budget["error"].sel(kind="bootstrap"), draws.std(axis=0, ddof=1))
    np.testing.assert_allclose(budget["value"].sel(kind="bootstrap"), draws.mean(axis=0))
    np.testing.assert_array_equal(budget["n_spectra"], 2)
    assert len(budget.attrs["repeat_pooled"]) == 3
    for name, value in {"model_hash": model.hash, "seed": 2, "n_bootstrap": 5, "block_pixels": 40}.items():
        assert budget.attrs[name] == value
    assert budget["unit"].to_numpy().tolist() == ["K", "dex", "dex"]
    budget.to_netcdf(tmp_path / "budget.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "budget.nc", engine="h5netcdf") as read:
        xr.testing.assert_allclose(read.load(), budget)


def test_the_result_does_not_depend_on_workers_or_on_the_other_stars(model, reference, stars):
    given = {"reference": reference, "kinds": ALL, "n_bootstrap": 3}
    one, two = (error_budget(model, stars, workers=workers, **given) for workers in (1, 3))
    xr.testing.assert_equal(one, two)
    few = error_budget(model, stars, stars=stars.id[[12, 3]], **given)
    assert few["star"].to_numpy().tolist() == [stars.id[12], stars.id[3]]
    np.testing.assert_allclose(few["error"], one["error"][[12, 3]], rtol=1e-4)
    np.testing.assert_allclose(few["value"], one["value"][[12, 3]], rtol=1e-6)
    # the second spectra of these stars are found outside of the choice
    assert (few["n_spectra"] == 2).all()
    assert (error_budget(model, stars, stars=np.arange(20) < 4, kinds=FEW)["star"] == stars.id[:4]).all()


def test_bad_stars_are_rows_with_a_status(model, reference, stars):
    ivar = stars.ivar.copy()
    ivar[0] = 0
    ivar[1, 3:] = 0
    ivar[2, 6:] = 0
    columns = {**stars.columns, "ra": stars.columns["ra"].copy()}
    columns["ra"][15] = np.nan
    spoilt = replace(stars, ivar=ivar, columns=columns)
    budget = error_budget(model, spoilt, reference=reference, kinds=ALL, n_bootstrap=3)
    missing = np.isnan(budget["error"]).any("stellar_label")
    xr.testing.assert_equal(missing, (budget["error_status"] != ErrorStatus.GIVEN).drop_attrs())
    assert budget["status"][:2].to_numpy().tolist() == [FitStatus.FEW_PIXELS] * 2
    assert (budget["error_status"][:2] == ErrorStatus.NO_FIT).all()
    assert int(budget["error_status"].sel(kind="sandwich")[2]) == ErrorStatus.FEW_BLOCKS
    assert (budget["error_status"].sel(kind="repeat")[[5, 10, 11, 15]] == ErrorStatus.SINGLE).all()
    assert (budget["error_status"][[3, 4, 16]] == ErrorStatus.GIVEN).all()


def test_one_label():
    reference = toy.toy_reference(60, ("teff",))
    model = qualify(train(reference), reference, folds=3)
    spectra = toy.toy_spectra(toy.toy_labels(8, ("teff",), seed=4), ("teff",), seed=4)
    budget = error_budget(model, spectra, reference=reference, kinds=ALL, n_bootstrap=4)
    assert budget["error"].shape == (8, 1, len(ALL))
    assert np.isfinite(budget["error"].sel(kind=list(ALL[:-1]))).all()
    assert (budget["error_status"].sel(kind="repeat") == ErrorStatus.SINGLE).all()


def test_pixels_that_are_dead_everywhere_change_no_kind(reference, stars):
    dead = [7, *range(60, 64)]
    alive = np.setdiff1d(np.arange(len(stars.wavelength)), dead)

    def blank(spectra):
        ivar = spectra.ivar.copy()
        ivar[:, dead] = 0
        return replace(spectra, ivar=ivar)

    def cut(spectra):
        pixels = (spectra.wavelength[alive], spectra.flux[:, alive], spectra.ivar[:, alive])
        return replace(spectra, wavelength=pixels[0], flux=pixels[1], ivar=pixels[2])

    kinds = [kind for kind in ALL if kind not in ("sandwich", "calibrated")]
    budgets = []
    for change in (blank, cut):
        changed = replace(reference, spectra=change(reference.spectra))
        budgets.append(error_budget(train(changed), change(stars), reference=changed, kinds=kinds, n_bootstrap=3))
    assert (budgets[0]["error_status"] == ErrorStatus.GIVEN).all()
    np.testing.assert_allclose(budgets[0]["error"], budgets[1]["error"], rtol=1e-4)
    # blocks of pixels differ, and held-out residuals with them
    blanked = replace(reference, spectra=blank(reference.spectra))
    model = qualify(train(blanked), blanked, folds=2)
    assert (error_budget(model, stars, kinds=("sandwich", "calibrated"))["error"] > 0).all()


def test_wrong_calls_are_refused(model, reference, stars):
    with pytest.raises(ValueError, match=r"kinds of error must be among formal, .*got 'informal'"):
        error_budget(model, stars, kinds=("informal",))
    for kinds in ((), ("formal", "formal")):
        with pytest.raises(ValueError, match="Name each once"):
            error_budget(model, stars, kinds=kinds)
    with pytest.raises(ReferenceSetError, match=r"bootstrap and jackknife .* need the reference set"):
        error_budget(model, stars, kinds=("bootstrap", "jackknife"))
    with pytest.raises(ValueError, match="n_bootstrap must be at least 2; got 1"):
        error_budget(model, stars, kinds=("bootstrap",), reference=reference, n_bootstrap=1)
    with pytest.raises(ReferenceSetError, match=r"trained on teff.*it lacks 'spec-0-0149'"):
        error_budget(model, stars, kinds=("jackknife",), reference=reference.select(np.arange(149)))
    moved = replace(reference, labels=reference.labels + 1)
    with pytest.raises(ReferenceSetError, match="labels of the reference set are not those"):
        error_budget(model, stars, kinds=("jackknife",), reference=moved)
    with pytest.raises(ValueError, match="among the 20 spectra; got 'nobody'"):
        error_budget(model, stars, stars=["nobody"])
    with pytest.raises(ValueError, match="ids, indices or a mask of the 20 spectra"):
        error_budget(model, stars, stars=[20])
    with pytest.raises(GridError):
        error_budget(model, replace(stars, wavelength=stars.wavelength + 1))
