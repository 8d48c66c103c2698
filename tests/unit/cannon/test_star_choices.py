"""Choices of what is made of labelled stars."""

from dataclasses import fields

import pytest

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.star_choices import CoverageChoices, ModelSpectraChoices, UncertaintyChoices


@pytest.mark.parametrize("kind", [UncertaintyChoices, ModelSpectraChoices, CoverageChoices])
def test_every_choice_says_what_it_is(kind):
    for item in fields(kind):
        assert len(item.metadata["help"]) > 10
    kind()


def test_stars_are_chosen_in_the_same_words_everywhere():
    said = {
        item.name: item.metadata["help"] for kind in (UncertaintyChoices, ModelSpectraChoices) for item in fields(kind)
    }
    assert said["model_stars"] == f"with --model-spectra: {said['stars']}"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ModelSpectraChoices(model_stars="3"), "model_stars needs model_spectra, the store to write"),
        (lambda: CoverageChoices(false_alarms=0), "false_alarms must be a share between 0 and 1; got 0"),
        (lambda: UncertaintyChoices(kinds="formal"), "kinds must be a list of texts"),
    ],
)
def test_choices_that_cannot_be_used_are_refused(make, message):
    with pytest.raises(ChoiceError, match=message):
        make()
