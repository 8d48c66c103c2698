"""
The verbs that take a model of one population or of several: an object, or the path of its file.

Each has the signature and the help of the verb on one model. A survey model goes to the function of this room, which
takes the same arguments.
"""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import cleandoc
from pathlib import Path
from typing import Any, Concatenate, cast

from bayescannon.cannon import labelling, model_file, novelty, posterior, qualification, validation
from bayescannon.cannon.populations.labelling import label_survey
from bayescannon.cannon.populations.novelty import assess_survey_coverage, survey_coverage_of_catalogue
from bayescannon.cannon.populations.posterior import sample_survey
from bayescannon.cannon.populations.qualification import qualify_survey
from bayescannon.cannon.populations.survey_file import load_any_model, save_survey_model
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.populations.validation import validate_survey
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.numerics.errors import InputError

type AnyModel = TrainedModel | SurveyModel | str | Path


def _either[**P, R](
    one: Callable[Concatenate[Any, P], R],
    several: Callable[..., Any],
    *,
    meaningless: Mapping[str, str] | None = None,
) -> Callable[Concatenate[AnyModel, P], Any]:
    """
    Return a verb that takes either model.

    Parameters
    ----------
    one, several : callables
        The verb on a TrainedModel, and on a SurveyModel.
    meaningless : mapping of str to str
        Arguments that a survey model has no use of, with the reason.
    """

    @wraps(one)
    def verb(model: AnyModel, *args: P.args, **kwargs: P.kwargs) -> Any:
        given: Any = load_any_model(Path(model)) if isinstance(model, str | os.PathLike) else model
        if not isinstance(given, SurveyModel):
            return one(given, *args, **kwargs)
        for name, reason in (meaningless or {}).items():
            if kwargs.pop(name, None) is not None:
                raise InputError(f"{name} cannot be given with a survey model: {reason}; leave it out")
        return several(given, *args, **kwargs)

    head, gap, rest = cleandoc(one.__doc__ or "").partition("\n\n")
    further = f"`model` may be a survey model too: see :func:`{several.__module__}.{several.__name__}`."
    verb.__doc__ = f"{head}{gap}{further}{gap}{rest}"
    found: Any = verb
    return cast("Callable[Concatenate[AnyModel, P], Any]", found)


label_spectra = _either(labelling.label_spectra, label_survey)
sample_posterior = _either(posterior.sample_posterior, sample_survey)
assess_coverage = _either(
    novelty.assess_coverage,
    assess_survey_coverage,
    meaningless={"coverage": "every one of its models has its own coverage reference"},
)
coverage_of_catalogue = _either(novelty.coverage_of_catalogue, survey_coverage_of_catalogue)
qualify = _either(
    qualification.qualify,
    qualify_survey,
    meaningless={
        "held_out": "its models are held out together",
        "clipped": "the clipped stars of its populations are those of the reference set",
    },
)
validate = _either(
    validation.validate, validate_survey, meaningless={"held_out": "the survey model keeps its own held-out stars"}
)


@wraps(model_file.load_model)
def load_model(path: str | Path) -> Any:
    """Read a model of one population or of several."""
    return load_any_model(path)


@wraps(model_file.save_model)
def save_model(model: TrainedModel | SurveyModel, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a model of one population or of several."""
    if isinstance(model, SurveyModel):
        save_survey_model(model, path, overwrite=overwrite)
    else:
        model_file.save_model(model, path, overwrite=overwrite)
