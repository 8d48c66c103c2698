"""The stars that `--only` keeps of a run: a limit on membership before any star is labelled, and the rows above it."""

import xarray as xr

from bayescannon.app.run_facts import RunFacts
from bayescannon.app.summary import selection_summary
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


def keep_selected(estimates: xr.Dataset, limit: SelectionLimit | None) -> tuple[xr.Dataset, str]:
    """Return the estimates of the stars that are kept, and in a phrase how many of how many and by which limit."""
    if limit is None:
        return estimates, ""
    kept = limit.select(estimates)
    text = selection_summary(RunFacts.of(estimates, kept), limit)
    return estimates.isel(star=kept).assign_attrs(selection=text), text
