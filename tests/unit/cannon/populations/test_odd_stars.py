"""Odd spectra under a survey model: each population's own held-out stars, and each star by its population's model."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from toy_survey import toy_survey

from bayescannon.app.stores import label_store
from bayescannon.cannon.held_out import deal_folds
from bayescannon.cannon.model_layout import model_fields, model_groups
from bayescannon.cannon.odd_fit import odd_reference_of
from bayescannon.cannon.odd_spectra import odd_spectra
from bayescannon.cannon.populations.labelling import route_stars
from bayescannon.cannon.populations.odd_stars import attach_odd, fit_survey_odd, require_odd, survey_odd_spectra
from bayescannon.cannon.populations.survey_file import load_any_model, save_survey_model
from bayescannon.data.flags import ResultFlag
from bayescannon.io.catalogue import build_catalogue
from bayescannon.io.store import load_spectra
from bayescannon.io.store_writer import save_spectra
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:the median reduced chi2")


@pytest.fixture(scope="module")
def toy():
    made = toy_survey()
    return replace(made, model=attach_odd(made.model, made.reference, folds=3))


def test_every_model_has_the_scores_of_its_own_held_out_stars(toy):
    for name, model in toy.model.distinct.items():
        assert model.odd.model_hash == model.hash, name
        assert model.odd.scores["redshift"].tail.n_reference == len(model.reference_id)
    assert toy.model.hash == toy_survey().model.hash, "labels do not depend on it"
    router = toy.model.router
    fold = deal_folds(toy.reference, folds=3, seed=0)
    # models that were trained on all of the stars are sure of what they saw: not what the folds say
    seen = odd_reference_of(router, [router] * 3, toy.reference, fold)
    assert seen.to_dict() != router.odd.to_dict()


def test_folds_and_seed_decide_the_scores(toy):
    again = fit_survey_odd(toy.model, toy.reference, folds=3)
    assert {name: one.to_dict() for name, one in again.items()} == {
        name: one.odd.to_dict() for name, one in toy.model.distinct.items()
    }


def test_each_star_is_assessed_by_the_model_of_its_most_probable_population(toy):
    ivar = toy.spectra.ivar.copy()
    ivar[3] = 0.0
    spectra = replace(toy.spectra, ivar=ivar)
    routed = route_stars(toy.model, spectra)
    found = survey_odd_spectra(routed)
    assert found["star"].to_numpy().tolist() == spectra.id.tolist()
    assert np.isnan(found["p_odd"][3]).all(), "a star of no population"
    assert set(routed.best) == {-1, 0, 1}
    for m, part in routed.parts.items():
        own = odd_spectra(part.likelihood.model, part.likelihood, part.estimates)
        mine = routed.best[part.rows] == m
        for name in ("p_odd", "odd_score", "redshift_velocity"):
            got = found[name].to_numpy()[part.rows[mine]]
            np.testing.assert_allclose(got, own[name].to_numpy()[mine], rtol=1e-3, equal_nan=True)
    assert "lower: 3 classes" in found.attrs["measured_against"]


def test_blocks_of_stars_give_the_same(toy):
    whole = survey_odd_spectra(route_stars(toy.model, toy.spectra))
    some = survey_odd_spectra(route_stars(toy.model, toy.spectra.select(slice(5, 9))))
    np.testing.assert_allclose(some["p_odd"], whole["p_odd"][5:9], rtol=1e-3, equal_nan=True)
    assert some.attrs == whole.attrs


def test_a_store_is_labelled_with_them(toy, tmp_path):
    # the stores keep single precision
    store = save_spectra(toy.spectra, tmp_path / "store.zarr")
    estimates = label_store(toy.model, store, odd=True)
    spectra = load_spectra(store)
    expected = survey_odd_spectra(route_stars(toy.model, spectra))
    np.testing.assert_allclose(estimates["p_odd"], expected["p_odd"], rtol=1e-3, equal_nan=True)
    table = build_catalogue(estimates)
    assert {"population", "p_odd_redshift", "redshift_velocity"} <= set(table.colnames)
    assert table.meta["odd_spectra"].startswith("router: 3 classes against ")
    plain = label_store(toy.model, store)
    assert "p_odd" not in plain
    np.testing.assert_array_equal(plain["flags"], estimates["flags"] & ~int(ResultFlag.ODD_SPECTRUM))


def test_the_groups_of_the_file_keep_it(toy):
    model = toy.model.models[0]
    read = model_fields(xr.DataTree.from_dict(model_groups(model)))["odd"]
    assert read.to_dict() == model.odd.to_dict()
    without = model_groups(replace(model, odd=None))
    assert "odd" not in without, "as in files of older versions"
    assert model_fields(xr.DataTree.from_dict(without))["odd"] is None


@pytest.mark.long
def test_the_file_keeps_it(toy, tmp_path):
    save_survey_model(toy.model, tmp_path / "survey.nc")
    back = load_any_model(tmp_path / "survey.nc")
    for name, model in toy.model.distinct.items():
        assert back.distinct[name].odd.to_dict() == model.odd.to_dict()


def test_what_cannot_be_measured_is_refused(toy):
    require_odd(toy.model)
    require_odd(toy.model.router, Nuisances())
    with pytest.raises(InputError, match="the model has no scores; train it with --odd"):
        require_odd(replace(toy.model.router, odd=None))
    without = replace(toy.model, models=(None, replace(toy.model.models[1], odd=None)))
    with pytest.raises(InputError, match="of which upper has no scores"):
        require_odd(without)
    with pytest.raises(InputError, match="nuisances of the training"):
        require_odd(toy.model, Nuisances(velocity="5km/s"))
