r"""
The odds of a hypothesis from a score: what a score of stars with and without companions says, whatever it was made of.

Of stars of two kinds, with as many of each, the log of the ratio of the densities of a score t is taken as a straight
line, a + b t, and fitted by logistic regression. Where a model misses something of spectra, its evidences are far too
sure; the odds of scores of real spectra are not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

_FEWEST = 20
# Newton steps; precision of the priors of a and b around 0, as if of a quarter of a star
_ROUNDS, _RIDGE = 50, 0.25


@dataclass(frozen=True)
class ScoreOdds:
    """
    Log odds of a score.

    Attributes
    ----------
    intercept, slope : float
        a and b; the slope is not negative.
    low, high : float
        Range of the scores of the fit; beyond it the odds are those at its ends.
    """

    intercept: float
    slope: float
    low: float
    high: float

    @classmethod
    def fit(cls, without: FloatArray, having: FloatArray) -> "ScoreOdds":
        """
        Fit to scores of stars without and with what the hypothesis says; those that are not finite are left out.

        Raises
        ------
        InputError
            Fewer than 20 of either are finite.
        """
        kinds = [np.asarray(one)[np.isfinite(one)] for one in (without, having)]
        if min(map(len, kinds)) < _FEWEST:
            raise InputError(
                f"odds of scores need {_FEWEST} stars of each kind; got {len(kinds[0])} and {len(kinds[1])}"
            )
        t = np.concatenate(kinds)
        y = np.repeat([0.0, 1.0], [len(one) for one in kinds])
        # both kinds count as much, and together as many stars as there are of the fewer
        count = min(map(len, kinds))
        weight = np.where(y > 0, count / len(kinds[1]), count / len(kinds[0]))
        x = np.column_stack([np.ones_like(t), t])
        beta = np.zeros(2)
        for _ in range(_ROUNDS):
            p = 0.5 * (1 + np.tanh(0.5 * (x @ beta)))
            gradient = x.T @ (weight * (y - p)) - _RIDGE * beta
            hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + _RIDGE * np.eye(2)
            beta = beta + np.linalg.solve(hessian, gradient)
        if beta[1] < 0:
            beta = np.zeros(2)
        return cls(float(beta[0]), float(beta[1]), float(t.min()), float(t.max()))

    def log_odds(self, score: FloatArray) -> NDArray[np.float64]:
        """Return the log of the ratio of the densities at scores (N,); NaN stays NaN."""
        return np.asarray(self.intercept + self.slope * np.clip(score, self.low, self.high))

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, for JSON."""
        return {name: getattr(self, name) for name in ("intercept", "slope", "low", "high")}


def largest_log_odds(p_value: FloatArray) -> NDArray[np.float64]:
    """
    Return the largest log odds that a p-value (N,) can stand for; NaN stays NaN.

    -ln(-e p ln p) for p < 1 / e and 0 above (Sellke, Bayarri & Berger 2001, American Statistician 55, 62).
    """
    p = np.clip(np.asarray(p_value, dtype=float), 1e-300, np.exp(-1))
    return np.asarray(-np.log(-np.e * p * np.log(p)))
