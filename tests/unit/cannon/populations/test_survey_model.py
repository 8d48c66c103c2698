"""A survey model: what it is made of must go together, and its hash is of all that decides labels."""

from dataclasses import replace

import numpy as np
import pytest
from toy_survey import REGIONS, toy_survey

from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.numerics.errors import InputError


def test_what_it_is_made_of_goes_together():
    model = toy_survey().model
    with pytest.raises(InputError, match="2 populations need as many models; got 1"):
        SurveyModel(model.router, REGIONS, model.models[:1])
    other = replace(model.router, wavelength=model.wavelength + 1)
    with pytest.raises(InputError, match="need the wavelength grid of the router; that of lower has another"):
        SurveyModel(model.router, REGIONS, (other, None))
    with pytest.raises(InputError, match="evidence_power must be from 0 to 1; got 2"):
        replace(model, evidence_power=2)


def test_populations_by_name_and_plural():
    model = toy_survey().model
    assert [model.number_of(name) for name in ("lower", "uppers")] == [0, 1]
    with pytest.raises(InputError, match="the populations of this model are lower, upper; got 'giants'"):
        model.number_of("giants")
    assert list(model.distinct) == ["router", "lower", "upper"]
    assert replace(model, models=(None, model.models[1])).model_of(0) is model.router


def test_its_hash_is_of_all_that_decides_labels():
    model = toy_survey().model
    alone = replace(model, models=(None, model.models[1]))
    uncalibrated = model.with_models(lambda one: replace(one, calibration=None))
    hashes = {one.hash for one in (model, alone, uncalibrated, replace(model, evidence_power=0.5))}
    assert len(hashes) == 4
    assert replace(model, notes=("said",)).hash == model.hash
    assert model.is_calibrated
    assert not uncalibrated.is_calibrated
    assert np.array_equal(uncalibrated.router.theta, model.router.theta)
