"""The stars that `--only` keeps of a run: a limit on membership, before any star is labelled."""

from bayescannon.cannon.populations.selection import SelectionLimit, selection_limit
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.numerics.errors import InputError


def choose_limit(
    model: TrainedModel | SurveyModel, population: str | None, false_alarms: float
) -> SelectionLimit | None:
    """
    Return the limit on membership of a population; None if all stars are kept.

    Raises
    ------
    InputError
        The model has no populations or not this one, or too few held-out stars of it for a limit.
    """
    if population is None:
        return None
    if isinstance(model, TrainedModel):
        raise InputError(
            f"--only {population} needs a survey model, which tells populations apart; this is a model of one "
            "population. Train with --populations auto, on stars of all of them"
        )
    return selection_limit(model, population, false_alarms=false_alarms)
