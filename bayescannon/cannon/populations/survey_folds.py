"""Models of the folds of a survey model: all of a fold without the same stars."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.fold_models import fold_models
from bayescannon.cannon.populations.local_training import local_fold_models
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel


def survey_fold_models(
    survey: SurveyModel,
    stars: Mapping[str, ReferenceSet],
    fold_of: Mapping[str, NDArray[np.int64]],
    *,
    workers: int | None = None,
) -> Iterator[tuple[str, list[TrainedModel]]]:
    """
    Yield the name of each model of a survey model, the router first, and the models without the stars of each fold.

    Parameters
    ----------
    survey : SurveyModel
    stars : mapping of str to ReferenceSet
        Of each model, as :func:`bayescannon.cannon.populations.training.population_stars` returns.
    fold_of : mapping of str to int array of shape (N,)
        The fold of each of these stars.
    workers : int or None
    """
    routers = list(fold_models(survey.router, stars["router"], fold_of["router"], workers=workers))
    yield "router", routers
    for name, model in survey.distinct.items():
        if name != "router":
            local = local_fold_models(survey.router, routers, model, stars[name], fold_of[name], workers=workers)
            yield name, list(local)
