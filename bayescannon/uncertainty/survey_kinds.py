"""
Kinds of error under a survey model.

A kind that is not of the mixture is evaluated for each star under the model of its most probable population, as if that
were known; the spread between the populations is a kind of its own, membership. A model that was trained around that of
the whole survey has no bootstrap and no jackknife, as its training is not that of a model by itself, and its
coefficient errors are those of its departure from the model of the whole survey, which is taken as exact.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.populations.labelling import PopulationStars, RoutedStars
from bayescannon.cannon.populations.local_training import keeps_to_router
from bayescannon.cannon.populations.training import population_stars
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.flags import ErrorStatus
from bayescannon.uncertainty.kinds import KINDS, KindResult, Task

_BY_ITSELF = ("bootstrap", "jackknife")
_ROUTER = -1


def evaluate_populations(task: Task, routed: RoutedStars, kind: str) -> KindResult:
    """
    Evaluate a kind of error that is not of the mixture.

    Parameters
    ----------
    task : Task
        Of all N stars, with the survey model and the estimates of the mixture.
    routed : RoutedStars
        The same stars.
    kind : str

    Returns
    -------
    result : KindResult
        Of the N stars; the attribute ``KIND_of`` says of which models.
    """
    survey = routed.survey
    stars = None
    if KINDS[kind].needs_reference and task.reference is not None:
        stars = population_stars(survey, task.reference)
    results: list[tuple[NDArray[np.intp], KindResult]] = []
    best = routed.best
    for m in range(_ROUTER, len(survey.regions)):
        part = routed.part_of(m)
        chosen = np.flatnonzero(best[part.rows] == m)
        if not len(chosen):
            continue
        # a star without labels counts with the router
        local = m != _ROUTER and survey.models[m] is not None
        rows = part.rows[chosen]
        if local and kind in _BY_ITSELF and keeps_to_router(survey.options):
            results.append((rows, _refused(task, rows)))
            continue
        name = survey.names[m] if local else "router"
        results.append(
            (rows, KINDS[kind].evaluate(_task_of(task, part, chosen, None if stars is None else stars[name])))
        )
    joined = _joined(results, len(task.spectra))
    around = keeps_to_router(survey.options) and any(model is not None for model in survey.models)
    text = "the model of each star's most probable population"
    if around and kind == "coefficient":
        text += ", of its departure from the model of the whole survey, which is taken as exact"
    return replace(joined, attrs={**joined.attrs, f"{kind}_of": text})


def _task_of(task: Task, part: PopulationStars, chosen: NDArray[np.intp], stars: ReferenceSet | None) -> Task:
    """Return the task of some stars of a population, under its model."""
    rows = part.rows[chosen]
    return replace(
        task, model=part.likelihood.model, spectra=task.spectra.select(rows), chosen=task.chosen[rows],
        estimates=part.estimates.isel(star=chosen), reference=stars,
    )  # fmt: skip


def _refused(task: Task, rows: NDArray[np.intp]) -> KindResult:
    labels = task.labels[rows]
    return KindResult(
        np.full_like(labels, np.nan), labels, np.full(len(rows), ErrorStatus.AROUND_ROUTER, dtype=np.int64)
    )


def _joined(results: list[tuple[NDArray[np.intp], KindResult]], n_star: int) -> KindResult:
    """Return the results of all stars, in their order; a variable that one of them lacks is NaN, or 0 of counts."""
    order = np.argsort(np.concatenate([rows for rows, _ in results]), kind="stable")
    every = [result for _, result in results]
    variables: dict[str, tuple[Any, Any]] = {}
    for name, (dims, like) in {name: one for result in every for name, one in result.variables.items()}.items():
        axis = (dims if isinstance(dims, tuple) else (dims,)).index("star")
        parts = [_part(result.variables, name, axis, like, len(rows)) for rows, result in results]
        variables[name] = (dims, np.take(np.concatenate(parts, axis=axis), order, axis=axis))
    if len(order) != n_star:
        raise AssertionError("every star is of one population, or of none")
    return KindResult(
        np.concatenate([result.error for result in every])[order],
        np.concatenate([result.value for result in every])[order],
        np.concatenate([result.status for result in every])[order],
        variables,
        {name: value for result in every for name, value in result.attrs.items()},
    )


def _part(variables: Mapping[str, tuple[Any, Any]], name: str, axis: int, like: Any, count: int) -> Any:
    if name in variables:
        return variables[name][1]
    shape = list(np.shape(like))
    shape[axis] = count
    return np.full(shape, np.nan if np.asarray(like).dtype.kind == "f" else 0, dtype=np.asarray(like).dtype)
