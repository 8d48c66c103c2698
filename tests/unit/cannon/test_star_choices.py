"""Choices of errors and coverage of stars are checked."""

import pytest

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.star_choices import CoverageChoices, UncertaintyChoices


@pytest.mark.parametrize(
    ("kind", "named", "said"),
    [
        (CoverageChoices, {"false_alarms": 0.0}, "false_alarms must be a share"),
        (CoverageChoices, {"pipeline_columns": ["id"]}, "pipeline_columns must be"),
        (UncertaintyChoices, {"stars": 5}, "stars must be"),
        (UncertaintyChoices, {"bootstrap": "many"}, "bootstrap must be"),
        (UncertaintyChoices, {"kinds": 3}, "kinds must be"),
    ],
)
def test_wrong_choices_are_named(kind, named, said):
    with pytest.raises(ChoiceError, match=said):
        kind(**named)
