"""
Select the stars of one population by membership: how many are kept, and how many others come along.

A star is selected if its probability of the population is at least a limit. The limit of a wanted rate of false alarms,
the share of the population's own stars that are lost, comes from held-out reference stars, with its tail smoothed: 135
stars have no rank for one in a hundred (:mod:`bayescannon.numerics.tail_distribution`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import FALSE_ALARMS
from bayescannon.cannon.populations.held_out_membership import HeldOutMembership
from bayescannon.cannon.populations.survey_model import SurveyModel
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.tail_distribution import TailDistribution
from bayescannon.numerics.typing import BoolArray, FloatArray

# probabilities nearer to 0 and 1 are not told apart
_CLIP = 1e-6
_LEAST_STARS = 20


@dataclass(frozen=True)
class SelectionLimit:
    """
    The limit on a population's membership.

    Attributes
    ----------
    population : str
    false_alarms : float
        The wanted share of the population's own stars that are lost.
    value, low, high : float
        The probability from which stars are selected, and its 68.3 % interval from the number of held-out stars.
    n_members : int
        How many held-out stars of the population there are.
    kept : mapping of str to (int, int)
        Of the held-out stars of each population, how many the limit keeps, and how many there are.
    """

    population: str
    false_alarms: float
    value: float
    low: float
    high: float
    n_members: int
    kept: Mapping[str, tuple[int, int]]

    def describe(self) -> str:
        """Say the limit, its interval, and what it keeps of held-out stars."""
        share = f"{100 * self.false_alarms:g} %"
        found = ", ".join(f"{name} {kept} of {count}" for name, (kept, count) in self.kept.items())
        few = "" if self.false_alarms * self.n_members >= 1 else (
            f"; {share} of {self.n_members} stars is less than one, so that the limit is of their smoothed tail"
        )  # fmt: skip
        return (
            f"p_{self.population} >= {self._text(self.value)} ({self._text(self.low)} to {self._text(self.high)}) for "
            f"a loss of {share} of {self.population}, from {self.n_members} held-out stars{few}; of held-out stars it "
            f"keeps {found}"
        )

    @staticmethod
    def _text(probability: float) -> str:
        """Write a probability with the digits that tell it from 0 and 1."""
        return f"{probability:.3g}" if probability < 0.9 else f"1-{1 - probability:.2g}"

    def select(self, estimates: xr.Dataset) -> BoolArray:
        """
        Return which stars are selected, shape (N,).

        Membership is that among the populations: p_none, which held-out stars have no part of, is taken out.

        Parameters
        ----------
        estimates : xarray.Dataset
            Of a survey model, with ``membership``.
        """
        p = estimates["membership"].sel(population_name=self.population).to_numpy()
        if "p_none" in estimates:
            p = p / np.maximum(1 - np.nan_to_num(estimates["p_none"].to_numpy(), nan=0.0), 1e-9)
        return _selected(p, self.value)


@dataclass(frozen=True)
class SelectionCurve:
    """
    Completeness and contamination of a selection at limits on membership, from held-out stars.

    Attributes
    ----------
    population : str
    limit : float array of shape (L,)
        Ascending.
    completeness : float array of shape (L,)
        Share of the population's stars that are selected.
    contamination : mapping of str to float array of shape (L,)
        Share of every other population's stars that are selected too.
    counts : mapping of str to int
        Held-out stars of each population.
    """

    population: str
    limit: FloatArray
    completeness: FloatArray
    contamination: Mapping[str, FloatArray]
    counts: Mapping[str, int]

    def purity(self, proportions: Mapping[str, float]) -> NDArray[np.float64]:
        """
        Return the share of the selected stars that are of the population, shape (L,).

        Parameters
        ----------
        proportions : mapping of str to float
            Of the populations in the survey, as ``{"giant": 1, "dwarf": 4}``; those that are not named are not there.
        """
        unknown = sorted(set(proportions) - set(self.counts))
        if unknown or not proportions.get(self.population, 0) > 0:
            raise InputError(
                f"proportions must be of {', '.join(self.counts)}, and that of {self.population} above 0; got "
                f"{dict(proportions)}"
            )
        own = proportions[self.population] * self.completeness
        others = sum((proportions.get(name, 0.0) * share for name, share in self.contamination.items()),
                     np.zeros_like(self.limit))  # fmt: skip
        with np.errstate(invalid="ignore", divide="ignore"):
            result: NDArray[np.float64] = own / (own + others)
        return result


def selection_limit(survey: SurveyModel, population: str, *, false_alarms: float = FALSE_ALARMS) -> SelectionLimit:
    """
    Return the limit on membership at which a share of the population's own stars is lost.

    Parameters
    ----------
    survey : SurveyModel
        Qualified: with held-out membership.
    population : str
        Its name, or the plural of it.
    false_alarms : float
        The share.

    Raises
    ------
    InputError
        Another population's name, no held-out membership, or fewer than 20 held-out stars of the population.
    """
    held_out, number = _held_out(survey, population)
    scores = log_odds(_one_of_each(held_out, number))
    limit = TailDistribution.fit(-scores).limit(false_alarms)
    value, low, high = (float(1 / (1 + np.exp(x))) for x in (limit.value, limit.high, limit.low))
    p, known = held_out.membership[:, number], np.isfinite(held_out.membership).all(axis=1)
    kept = {
        name: (int(_selected(p[members & known], value).sum()), int((members & known).sum()))
        for name, members in zip(held_out.names, held_out.members.T, strict=True)
    }
    return SelectionLimit(survey.names[number], false_alarms, value, low, high, len(scores), kept)


def selection_curve(survey: SurveyModel, population: str, *, n_limit: int = 101) -> SelectionCurve:
    """
    Return completeness and contamination of a population's selection, of held-out stars.

    Parameters
    ----------
    survey : SurveyModel
        Qualified.
    population : str
    n_limit : int
        Limits, evenly spaced in log odds.

    Raises
    ------
    InputError
        As :func:`selection_limit`.
    """
    held_out, number = _held_out(survey, population)
    members, known = held_out.members, np.isfinite(held_out.membership).all(axis=1)
    p = held_out.membership[:, number]
    edge = float(log_odds(np.array([1.0]))[0])
    limit = 1 / (1 + np.exp(-np.linspace(-edge, edge, n_limit)))

    def kept(of: BoolArray) -> NDArray[np.float64]:
        mine = np.sort(p[of & known])
        if not len(mine):
            return np.full(n_limit, np.nan)
        return 1 - np.searchsorted(mine, limit, side="left") / len(mine)

    contamination = {name: kept(members[:, m]) for m, name in enumerate(held_out.names) if m != number}
    counts = {name: int((members[:, m] & known).sum()) for m, name in enumerate(held_out.names)}
    return SelectionCurve(survey.names[number], limit, kept(members[:, number]), contamination, counts)


def _selected(probability: FloatArray, limit: float) -> BoolArray:
    """Return which probabilities are at least the limit, in log odds, where those near 1 are told apart."""
    odds = log_odds(np.nan_to_num(probability))
    chosen: BoolArray = np.isfinite(probability) & (odds >= log_odds(np.array([limit])) - 1e-6)
    return chosen


def log_odds(probability: FloatArray) -> NDArray[np.float64]:
    """Return ln(p / (1 - p)), with p kept off 0 and 1 by 10^-6."""
    p = np.clip(probability, _CLIP, 1 - _CLIP)
    result: NDArray[np.float64] = np.log(p) - np.log1p(-p)
    return result


def _held_out(survey: SurveyModel, population: str) -> tuple[HeldOutMembership, int]:
    number = survey.number_of(population)
    if survey.held_out is None:
        raise InputError(
            "no membership of held-out stars is known for this model; train with folds, or qualify it with its "
            "reference set"
        )
    count = len(_one_of_each(survey.held_out, number))
    if count < _LEAST_STARS:
        raise InputError(
            f"a limit on p_{survey.names[number]} needs at least {_LEAST_STARS} held-out stars of it; there are {count}"
            ". Choose a limit on the column yourself"
        )
    return survey.held_out, number


def _one_of_each(held_out: HeldOutMembership, number: int) -> FloatArray:
    """Return the membership of the population's stars, of several spectra of a star that of the first."""
    p = held_out.membership[:, number]
    use = held_out.members[:, number] & np.isfinite(p)
    star = held_out.labels.star
    if star is None:
        return p[use]
    _, first = np.unique(star[use], return_index=True)
    return p[use][np.sort(first)]
