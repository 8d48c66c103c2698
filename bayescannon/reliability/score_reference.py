r"""
p-values of scores whose distribution changes with the signal-to-noise ratio, against held-out reference stars.

What a model misses of a spectrum counts for more, the less noise there is. Around knots in log S/N, the median and the
robust width of the score of the nearest reference stars are taken; the score of a star is standardised with what lies
between them, and arcsinh of it, which makes heavy tails light, is compared with the reference stars' by a distribution
with a smooth tail (:mod:`bayescannon.numerics.tail_distribution`).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.tail_distribution import TailDistribution
from bayescannon.numerics.typing import FloatArray

# where in the distribution of log S/N the knots are; the share of the stars around each, and the fewest
_KNOTS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_SHARE, _FEWEST = 0.15, 25
_LEAST_WIDTH = 1e-9
FEWEST_STARS = 20


@dataclass(frozen=True, eq=False)
class ScoreReference:
    """
    The scores of M held-out reference stars.

    Attributes
    ----------
    log_snr : float array of shape (knot,)
    centre, width : float arrays of shape (knot,)
        Median and robust standard deviation of the score.
    tail : TailDistribution
        Of the standardised scores.
    """

    log_snr: FloatArray
    centre: FloatArray
    width: FloatArray
    tail: TailDistribution

    @classmethod
    def fit(cls, score: FloatArray, log_snr: FloatArray) -> "ScoreReference":
        """
        Fit to scores (M,) of stars with log signal-to-noise ratios (M,); those that are not finite are left out.

        Raises
        ------
        InputError
            Fewer than 20 scores are finite.
        """
        usable = np.isfinite(score) & np.isfinite(log_snr)
        if usable.sum() < FEWEST_STARS:
            raise InputError(f"a distribution of scores needs {FEWEST_STARS} reference stars; got {int(usable.sum())}")
        y, x = score[usable], log_snr[usable]
        wanted = np.quantile(x, _KNOTS)
        n_near = min(max(int(_SHARE * len(x)), _FEWEST), len(x))
        near = [np.argsort(np.abs(x - knot))[:n_near] for knot in wanted]
        knots = np.array([np.median(x[rows]) for rows in near])
        centre = np.array([np.median(y[rows]) for rows in near])
        width = np.array([1.4826 * np.median(np.abs(y[rows] - c)) for rows, c in zip(near, centre, strict=True)])
        draft = cls(knots, centre, np.maximum(width, _LEAST_WIDTH), TailDistribution.fit(y))
        return replace(draft, tail=TailDistribution.fit(draft.standardised(score, log_snr)))

    def standardised(self, score: FloatArray, log_snr: FloatArray) -> NDArray[np.float64]:
        """Return arcsinh of scores (N,) without their trends with log S/N (N,); NaN stays NaN."""
        centre, width = (np.interp(log_snr, self.log_snr, values) for values in (self.centre, self.width))
        return np.asarray(np.arcsinh((score - centre) / width))

    def p_value(self, score: FloatArray, log_snr: FloatArray) -> NDArray[np.float64]:
        """Return the probability that a star like the reference has such a score or a larger one, shape (N,)."""
        return self.tail.p_value(self.standardised(score, log_snr))

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, for JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("log_snr", "centre", "width")}
        return {**arrays, "tail": self.tail.to_dict()}

    @classmethod
    def from_dict(cls, numbers: dict[str, Any]) -> "ScoreReference":
        """Undo :meth:`to_dict`."""
        arrays = {name: np.asarray(numbers[name]) for name in ("log_snr", "centre", "width")}
        return cls(**arrays, tail=TailDistribution.from_dict(numbers["tail"]))
