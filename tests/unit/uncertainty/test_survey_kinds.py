"""Kinds of error under a survey model: by the most probable population's model, and of the mixture."""

from dataclasses import replace

import numpy as np
import pytest
from toy_survey import toy_survey

import bayescannon as bc
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.data.flags import ErrorStatus


@pytest.fixture(scope="module")
def budget():
    toy = toy_survey()
    kinds = ("formal", "coefficient", "bootstrap", "jackknife", "posterior", "calibrated", "membership")
    return bc.error_budget(toy.model, toy.spectra, reference=toy.reference, kinds=kinds, n_bootstrap=2, n_draws=200)


def test_a_population_s_kinds_are_those_of_its_model(budget):
    toy = toy_survey()
    estimates = bc.label_spectra(toy.model, toy.spectra)
    for name in toy.model.names:
        rows = np.flatnonzero(estimates["population"] == name)
        alone = bc.error_budget(toy.model.distinct[name], toy.spectra.select(rows), kinds=("formal", "coefficient"))
        for kind in ("formal", "coefficient"):
            np.testing.assert_allclose(
                budget["error"].sel(kind=kind)[rows], alone["error"].sel(kind=kind), rtol=1e-8, err_msg=kind
            )
    assert "which is taken as exact" in budget.attrs["coefficient_of"]


def test_the_mixture_s_kinds_are_those_of_the_catalogue(budget):
    estimates = bc.label_spectra(toy_survey().model, toy_survey().spectra)
    np.testing.assert_allclose(budget["error"].sel(kind="calibrated"), estimates["calibrated_error"])
    np.testing.assert_allclose(budget["error"].sel(kind="membership"), estimates["population_spread"])
    between = estimates["population_spread"].to_numpy()[:, 1] > 0
    assert 0 < between.sum() < len(between)


def test_models_around_the_router_have_no_bootstrap_and_no_jackknife(budget):
    for kind in ("bootstrap", "jackknife"):
        assert (budget["error_status"].sel(kind=kind) == ErrorStatus.AROUND_ROUTER).all()
        assert np.isnan(budget["error"].sel(kind=kind)).all()
    toy = toy_survey()
    default = bc.error_budget(toy.model, toy.spectra.select(np.arange(3)), reference=toy.reference, n_draws=200)
    assert default["kind"].to_numpy().tolist() == [
        "formal", "coefficient", "sandwich", "posterior", "calibrated", "membership",
    ]  # fmt: skip


def test_the_router_was_trained_by_itself():
    """Populations without a model of their own have bootstraps."""
    toy = toy_survey()
    survey = SurveyModel(toy.model.router, toy.model.regions, (None, toy.model.models[1]))
    spectra = toy.spectra.select(np.arange(12))
    found = bc.error_budget(survey, spectra, reference=toy.reference, kinds=("bootstrap",), n_bootstrap=2)
    upper = bc.label_spectra(survey, spectra)["population"].to_numpy() == "upper"
    assert upper.any()
    assert not upper.all()
    status = found["error_status"].to_numpy()[:, 0]
    assert (status[~upper] == ErrorStatus.GIVEN).all()
    assert (status[upper] == ErrorStatus.AROUND_ROUTER).all()
    assert found["bootstrap_failed"].sizes["star"] == 12


def test_a_model_of_one_population_has_no_membership():
    toy = toy_survey()
    found = bc.error_budget(toy.model.router, toy.spectra.select(np.arange(3)), kinds=("membership",))
    assert (found["error_status"] == ErrorStatus.ONE_POPULATION).all()
    assert np.isnan(found["error"]).all()


def test_a_population_without_calibration_is_said():
    toy = toy_survey()
    lower = replace(toy.model.models[0], calibration=None)
    survey = replace(toy.model, models=(lower, toy.model.models[1]))
    found = bc.error_budget(survey, toy.spectra, kinds=("calibrated",))
    status = found["error_status"].to_numpy()[:, 0]
    best = bc.label_spectra(survey, toy.spectra)["population"].to_numpy()
    assert (status[best == "lower"] == ErrorStatus.NOT_CALIBRATED).mean() > 0.9
    assert (status[best == "upper"] == ErrorStatus.GIVEN).mean() > 0.5
