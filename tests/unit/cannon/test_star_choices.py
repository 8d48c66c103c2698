"""Choices of errors, model spectra and coverage of stars are checked."""

from dataclasses import fields

import pytest

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.star_choices import CoverageChoices, ModelSpectraChoices, UncertaintyChoices


@pytest.mark.parametrize(
    ("kind", "named", "said"),
    [
        (CoverageChoices, {"false_alarms": 0.0}, "false_alarms must be a share"),
        (CoverageChoices, {"pipeline_columns": ["id"]}, "pipeline_columns must be"),
        (UncertaintyChoices, {"stars": 5}, "stars must be"),
        (UncertaintyChoices, {"bootstrap": "many"}, "bootstrap must be"),
        (UncertaintyChoices, {"kinds": 3}, "kinds must be"),
        (ModelSpectraChoices, {"model_stars": "3"}, "model_stars needs model_spectra, the store to write"),
    ],
)
def test_wrong_choices_are_named(kind, named, said):
    with pytest.raises(ChoiceError, match=said):
        kind(**named)


def test_stars_are_chosen_in_the_same_words_everywhere():
    kinds = (UncertaintyChoices, ModelSpectraChoices)
    said = {item.name: item.metadata["help"] for kind in kinds for item in fields(kind)}
    assert said["model_stars"] == f"with --model-spectra: {said['stars']}"
