r"""
Stars that no population's model describes: coverage and novelty against all populations that a star can be of.

Of each population, two p-values say how unlike its held-out stars a star is (:mod:`bayescannon.cannon.novelty`), and
p_joint their combination. Nothing fits a star if its largest p_joint, over the populations it can be of, is small. As a
probability, with the share q of stars that belong to none and the bound of Sellke, Bayarri & Berger (2001, American
Statistician 55, 62) on the odds that a p-value can give,

    p_none = 1 / (1 + (1 - q) / q B(p)),        B(p) = -e p ln p  below p = 1 / e, and 1 above.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import FALSE_ALARMS
from bayescannon.cannon.coverage_flag import belongs
from bayescannon.cannon.novelty import CoverageError, assess_coverage
from bayescannon.data.flags import ResultFlag
from bayescannon.data.label_table import LabelTable
from bayescannon.numerics.typing import FloatArray
from bayescannon.populations.labelling import RoutedStars
from bayescannon.populations.membership import LEAST_MEMBERSHIP

# share of a survey's stars that belong to none of its populations, before a spectrum is seen
NONE_SHARE = 0.01
_FLAGS = (ResultFlag.OUTSIDE_COVERAGE, ResultFlag.NOVEL_SPECTRUM)


def probability_of_none(p_value: FloatArray, share: float = NONE_SHARE) -> NDArray[np.float64]:
    """
    Return the largest probability that a star belongs to no population, from the p-value of the one that fits it best.

    Parameters
    ----------
    p_value : float array of shape (N,)
        NaN stays NaN.
    share : float
        q, of stars that belong to none.

    Returns
    -------
    p_none : float array of shape (N,)
        At least q.
    """
    p = np.asarray(p_value, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = np.where(p < 1 / np.e, -np.e * p * np.log(p), 1.0)
        result: NDArray[np.float64] = 1 / (1 + (1 - share) / share * np.where(p > 0, bound, 0.0))
    return np.where(np.isnan(p), np.nan, result)


def assess_survey(
    routed: RoutedStars,
    estimates: xr.Dataset,
    *,
    scores: str = "deciding",
    pipeline_labels: LabelTable | None = None,
    false_alarms: float = FALSE_ALARMS,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Assess how far stars are from what the models of their populations were trained on.

    Parameters
    ----------
    routed : RoutedStars
        N stars under every model.
    estimates : xarray.Dataset
        Labels of their mixture.
    scores, pipeline_labels, false_alarms, workers
        As in :func:`bayescannon.cannon.novelty.assess_coverage`.

    Returns
    -------
    assessment : xarray.Dataset
        What that function returns, of the population that describes each star best among those that it can be of, and
        ``p_none`` (star). A flag is set where every population that the star can be of sets it.

    Raises
    ------
    CoverageError
        A model holds no coverage reference.
    """
    survey, membership = routed.survey, routed.membership
    n_star = len(membership)
    best_p, best_part = np.full(n_star, -1.0), np.full(n_star, -1)
    every = {survey_flag: np.ones(n_star, dtype=bool) for survey_flag in _FLAGS}
    found: dict[int, tuple[NDArray[np.intp], xr.Dataset]] = {}
    # the router stands in for populations without a model of their own, and for stars of none
    groups = [(m, routed.parts[m]) for m in routed.parts]
    open_to_router = [m for m in range(len(survey.regions)) if m not in routed.parts]
    claimed = np.zeros(n_star, dtype=bool)
    for number, part in [*groups, (-1, routed.router)]:
        if number < 0:
            rows = np.flatnonzero(
                ~claimed | (np.nan_to_num(membership[:, open_to_router]) >= LEAST_MEMBERSHIP).any(axis=1)
            )
            chosen = rows
        else:
            chosen = np.arange(len(part.rows))
            rows = part.rows
            claimed[rows] = True
        if not len(rows):
            continue
        model = part.likelihood.model
        if model.coverage is None or not belongs(model.coverage, model):
            raise CoverageError(
                "a model of the survey holds no coverage reference; train with folds, or qualify the survey model"
            )
        assessment = assess_coverage(
            model, part.likelihood.select(chosen), part.estimates.isel(star=chosen), scores=scores,
            pipeline_labels=pipeline_labels, false_alarms=false_alarms, workers=workers,
        )  # fmt: skip
        found[number] = (rows, assessment)
        p_joint = np.nan_to_num(assessment["p_joint"].to_numpy(), nan=-0.5)
        flags = assessment["flags"].to_numpy()
        for flag in _FLAGS:
            every[flag][rows] &= (flags & int(flag)) != 0
        better = p_joint > best_p[rows]
        best_p[rows[better]], best_part[rows[better]] = p_joint[better], number
    taken = [one.isel(star=np.flatnonzero(best_part[rows] == number)) for number, (rows, one) in found.items()]
    places = np.concatenate([rows[best_part[rows] == number] for number, (rows, _) in found.items()])
    joined = xr.concat(taken, dim="star", combine_attrs="override", data_vars="minimal").isel(star=np.argsort(places))
    flags = estimates["flags"].to_numpy().copy()
    for flag in _FLAGS:
        # the estimates have the flag of one model alone, which another may not set
        flags = np.where(every[flag], flags | int(flag), flags & ~int(flag))
    joined["flags"] = ("star", flags.astype(np.int32))
    joined["p_none"] = ("star", probability_of_none(joined["p_joint"].to_numpy()))
    return joined


def with_none(estimates: xr.Dataset, assessment: xr.Dataset) -> xr.Dataset:
    """Put an assessment into estimates of the same stars: membership of all populations and of none sums to 1."""
    merged = estimates.assign({str(name): values for name, values in assessment.data_vars.items()})
    known = np.nan_to_num(assessment["p_none"].to_numpy(), nan=0.0)
    return merged.assign(membership=merged["membership"] * xr.DataArray(1 - known, dims="star"))
