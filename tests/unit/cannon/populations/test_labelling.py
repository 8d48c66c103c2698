"""Labels of the mixture: those of one model where one is open, and between them where several are."""

from dataclasses import replace

import numpy as np
import pytest
from toy_survey import toy_survey

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.populations.labelling import label_survey, mixed_estimates, route_stars
from bayescannon.data.flags import ResultFlag
from bayescannon.models.label_priors import BoxLabels
from bayescannon.numerics.errors import InputError


@pytest.fixture(scope="module")
def routed():
    toy = toy_survey()
    return route_stars(toy.model, toy.spectra)


def test_a_star_of_one_population_has_the_labels_of_its_model(routed):
    toy = toy_survey()
    mixed = mixed_estimates(routed)
    np.testing.assert_allclose(mixed["membership"].sum("population_name"), 1)
    one = routed.open.sum(axis=1) == 1
    assert 10 < one.sum() < len(one)
    for m, name in enumerate(toy.model.names):
        rows = np.flatnonzero(one & (routed.best == m))
        alone = label_spectra(toy.model.model_of(m), toy.spectra.select(rows))
        np.testing.assert_allclose(mixed["labels"][rows], alone["labels"], rtol=1e-10)
        np.testing.assert_allclose(mixed["calibrated_error"][rows], alone["calibrated_error"], rtol=1e-8)
        assert (mixed["population"][rows] == name).all()
        assert (mixed["population_spread"][rows] == 0).all()


def test_a_star_between_populations_has_the_mean_with_a_spread_and_a_flag(routed):
    mixed = mixed_estimates(routed)
    rows = np.flatnonzero((routed.open.sum(axis=1) > 1) & (routed.membership.max(axis=1) < 0.8))
    assert len(rows)
    for row in rows:
        labels = [part.estimates["labels"].to_numpy()[part.rows == row][0] for part in routed.parts.values()]
        error = mixed["calibrated_error"].to_numpy()[row]
        off = mixed["labels"].to_numpy()[row] - np.mean(labels, axis=0)
        assert (np.abs(off) < error).all()
    assert (mixed["population_spread"].to_numpy()[rows] > 0).all()
    unsure = (mixed["flags"].to_numpy() & ResultFlag.BETWEEN_POPULATIONS) != 0
    np.testing.assert_array_equal(unsure, routed.membership.max(axis=1) < 0.9)


def test_a_star_without_pixels_is_a_row_of_no_population():
    toy = toy_survey()
    spectra = toy.spectra.select(np.arange(3))
    dead = replace(spectra, ivar=np.where(np.arange(3)[:, None] == 1, 0.0, spectra.ivar))
    found = label_survey(toy.model, dead)
    assert found["population"].to_numpy()[1] == ""
    assert np.isnan(found["membership"][1]).all()
    assert np.isnan(found["labels"][1]).all()
    assert np.isfinite(found["labels"][[0, 2]]).all()


def test_a_prior_is_of_each_population_and_of_those_of_the_router_too():
    toy = toy_survey()
    spectra = toy.spectra.select(np.arange(10))
    box = label_survey(toy.model, spectra, prior="box")
    assert box.attrs["prior"].startswith("lower: box")
    low = BoxLabels(("teff",), np.array([3000.0]), np.array([4000.0]))
    for model in (toy.model, replace(toy.model, models=(None, None))):
        found = label_survey(model, spectra, prior=low)
        sure = found["membership"].max("population_name") > 0.9999
        assert sure.any()
        assert (found["labels"].sel(stellar_label="teff")[sure] <= 4000.001).all()
        assert found.attrs["prior"] == low.describe()


def test_provenance_is_of_all_models():
    toy = toy_survey()
    attrs = label_survey(toy.model, toy.spectra).attrs
    assert attrs["model_hash"] == toy.model.hash
    assert attrs["populations"] == "lower: logg < 2.5; upper: logg > 2.5"
    assert attrs["reference"].count("reference stars") == 3
    assert attrs["errors"].startswith("calibrated, of each model: router: calibrated on")


def test_offsets_need_calibration():
    toy = toy_survey()
    bare = toy.model.with_models(lambda one: replace(one, calibration=None))
    with pytest.raises(InputError, match="the model was not calibrated"):
        label_survey(bare, toy.spectra, correct_offsets=True)
    plain, corrected = (label_survey(toy.model, toy.spectra, correct_offsets=wanted) for wanted in (False, True))
    np.testing.assert_allclose(corrected["labels"], plain["labels"] - plain["expected_offset"])
