"""Choices of populations: which ones a survey model has, and which one's stars a catalogue keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayescannon.cannon.choice_fields import ChoiceError, Choices, choice
from bayescannon.cannon.choices import FALSE_ALARMS

# found in the reference set; giants, with all other stars by the model of the whole survey
AUTO_POPULATIONS, GIANTS = "auto", "giants"
# of a survey model if neither a recipe nor coefficients are given: flat coefficients tell populations apart less well
SURVEY_TRAINING = {"coefficients": "pooled", "noise": "global"}


def survey_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what a survey model is trained with beside what is given by name.

    Examples
    --------
    >>> survey_defaults({"noise": "star"}), survey_defaults({"recipe": "paper"})
    ({'coefficients': 'pooled'}, {})
    """
    if any(given.get(name) is not None for name in ("recipe", "coefficients")):
        return {}
    return {name: value for name, value in SURVEY_TRAINING.items() if given.get(name) is None}


@dataclass(frozen=True)
class PopulationChoices(Choices):
    """Whether a model of each population is trained, and of which."""

    populations: str | None = choice(
        None,
        "train a survey model, with a model of each population: auto (giants, dwarfs and hot stars), giants (others by "
        "the model of the whole survey), or a TOML file with the label ranges of each; with pooled coefficients and a "
        "global kappa unless a recipe or coefficients are given; one model of all stars unless given",
        metavar="auto|giants|FILE",
    )


@dataclass(frozen=True)
class SelectionChoices(Choices):
    """Which stars a catalogue keeps, by their membership of a population."""

    only: str | None = choice(
        None,
        "keep the stars of this population of a survey model, by a limit on their membership from held-out stars",
        metavar="NAME",
    )
    false_alarms: float = choice(FALSE_ALARMS, "share of the population's own stars that --only may lose", metavar="X")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.false_alarms < 1:
            raise ChoiceError(f"false_alarms must be a share between 0 and 1; got {self.false_alarms}")
