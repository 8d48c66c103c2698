"""Choices of populations, and what a survey model is trained with unless something is given."""

import pytest

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.population_choices import PopulationChoices, SelectionChoices, survey_defaults


def test_a_survey_model_is_trained_with_pooled_coefficients_unless_something_is_given():
    assert survey_defaults({}) == {"coefficients": "pooled", "noise": "global"}
    assert survey_defaults({"recipe": None, "noise": "star"}) == {"coefficients": "pooled"}
    assert survey_defaults({"coefficients": "smooth"}) == survey_defaults({"recipe": "paper"}) == {}


def test_one_model_and_all_stars_are_the_defaults():
    assert PopulationChoices().populations is None
    assert SelectionChoices().only is None
    for wrong in (0.0, 1.0, float("nan")):
        with pytest.raises(ChoiceError, match="false_alarms must be a share between 0 and 1"):
            SelectionChoices(false_alarms=wrong)
