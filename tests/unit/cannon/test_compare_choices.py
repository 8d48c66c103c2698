"""Choices of a comparison are checked."""

import pytest

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.compare_choices import CompareChoices


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"radius": 0.0}, "radius must be positive"),
        ({"match": "=b"}, "match must be"),
        ({"snr_edges": [30.0]}, "two or more rising"),
        ({"snr_edges": [30.0, 10.0]}, "two or more rising"),
        ({"label_names": 3}, "label_names must be"),
    ],
)
def test_wrong_choices_are_named(named, said):
    with pytest.raises(ChoiceError, match=said):
        CompareChoices(**named)
