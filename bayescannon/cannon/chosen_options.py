"""The options of a call: an object, or choices by name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.choices import RECIPES
from bayescannon.cannon.options import PRIORS, TrainingOptions
from bayescannon.numerics.errors import InputTypeError


def recipe_name(options: TrainingOptions) -> str:
    """
    Name the recipe whose choices the options are; "own" if they are of none.

    Examples
    --------
    >>> recipe_name(TrainingOptions()), recipe_name(TrainingOptions(noise="global"))
    ('paper', 'own')
    """
    return next((name for name in RECIPES if TrainingOptions.from_names(recipe=name) == options), "own")


def choose_options(options: TrainingOptions | None, choices: Mapping[str, Any]) -> TrainingOptions:
    """
    Return the options that were given, or those of choices by name; the paper's of neither.

    Raises
    ------
    ChoiceError
        Both were given, or the choices are unknown or do not go together.
    InputTypeError
        The options are something else.
    """
    if options is None:
        objects = {name: choices[name] for name in PRIORS if not isinstance(choices.get(name, ""), str | None)}
        objects |= {name: choices[name] for name in ("nuisances",) if name in choices}
        named = TrainingOptions.from_names(**{name: value for name, value in choices.items() if name not in objects})
        return replace(named, **objects)
    given: Any = options
    if not isinstance(given, TrainingOptions):
        raise InputTypeError(
            f"options must be TrainingOptions; got {given!r}. Choices by name are arguments of their own, as "
            'coefficients="pooled"'
        )
    if choices:
        raise ChoiceError(
            f"{', '.join(choices)} and options were both given; put {next(iter(choices))} into the TrainingOptions"
        )
    return given
