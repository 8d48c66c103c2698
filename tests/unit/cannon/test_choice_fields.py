"""Fields of choices: what they may hold is checked, and several sources make one object."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from bayescannon.cannon.choice_fields import ChoiceError, Choices, choice


@dataclass(frozen=True)
class Colours(Choices):
    """An example."""

    colour: str = choice("red", "one of two colours", values=("red", "blue"))
    number: int = choice(2, "how many", least=1)
    names: str | None = choice(None, "their names")


def test_a_value_is_checked_against_its_field():
    assert Colours("blue", 3, "a") == Colours(number=3, names="a", colour="blue")
    with pytest.raises(ChoiceError, match="colour must be one of red, blue; got 'green'"):
        Colours("green")
    with pytest.raises(ChoiceError, match="number must be at least 1; got 0"):
        Colours(number=0)
    with pytest.raises(ChoiceError, match="number must be"):
        Colours(number="many")


def test_the_first_source_that_has_a_value_decides():
    first, second = SimpleNamespace(colour=None, number=5), SimpleNamespace(colour="blue", number=7)
    assert Colours.of(first, second) == Colours("blue", 5)
    assert Colours.of(first, second, number=9) == Colours("blue", 9)
    assert Colours.of() == Colours()
