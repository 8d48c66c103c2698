r"""
The distribution of M reference scores with a smooth tail: p-values below 1 / (M + 1), and limits for a rate of alarms.

Ranks alone say nothing below :math:`1/(M + 1)`, and what they say near it is set by one or two scores. Here the body is
that of the ranks, linear between them, and the largest scores are described by a generalised Pareto distribution of
their excesses x over a threshold u (Pickands 1975, Ann. Statist. 3, 119),

.. math::
    P(S > u + x) = \frac{k + 1}{M + 1} (1 + \xi x / \sigma)^{-1/\xi},

for k scores above u. Three things make it usable with tens or hundreds of scores. The shape has a Gaussian prior, and
p-values are averaged over the posterior of shape and scale, since a fitted tail taken as true is too short. The largest
few excesses are censored: it counts that they are above the others, not by how much, so that a few absurd scores do not
set a limit. No p-value is below a thousandth of the smallest one of ranks, or below 1e-7; a tail is not extrapolated
for ever.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.intervals import CENTRAL_68
from bayescannon.numerics.pareto import tail_length
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import FloatArray

# prior of the shape: 0 is an exponential tail, that of a Gaussian is at -0.2 to 0 where it can be seen, of Student's t5
# at 0.2, of a log-normal at 0.2 to 0.4
_PRIOR_SHAPE, _PRIOR_SHAPE_WIDTH = 0.05, 0.3
# this share of the scores may be outliers, and at least so many; of the tail at most a quarter
_CENSORED_SHARE, _CENSORED_LEAST, _CENSORED_MOST = 0.01, 2, 0.25
# a tail is of at least so many scores, if that is not more than half of all; with fewer there is none
_TAIL_WANTED, _TAIL_NEEDED = 10, 5
# how far below the smallest p-value of ranks the tail may be extrapolated
_EXTRAPOLATED, _SMALLEST = 1e-3, 1e-7
# knots of the body: p-values between them are linear
_KNOTS = 101
# grid of the posterior: points on each axis, half its width in standard deviations, how often it is laid anew
_GRID, _HALF_WIDTH, _PASSES = 41, 5.0, 3
_SHAPES, _LOG_SCALES = (-0.7, 1.0), (-3.0, 3.0)
# draws for the interval of a limit, of a fixed seed
_DRAWS = 2000
_NODES, _NODE_WEIGHTS = hermegauss(7)


class Limit(NamedTuple):
    """A score that is exceeded at a wanted rate, and the interval that holds the true one with a probability."""

    value: float
    low: float
    high: float


def log_survival(excess: ArrayLike, shape: ArrayLike, scale: ArrayLike) -> NDArray[np.float64]:
    """
    Return log P(X > x) of generalised Pareto distributions; -inf beyond the end of a short tail.

    Parameters
    ----------
    excess, shape, scale : array_like
        x >= 0, xi and sigma > 0; they are broadcast.
    """
    z, xi = np.asarray(excess, dtype=float) / scale, np.asarray(shape, dtype=float)
    straight = np.abs(xi) < 1e-8
    with np.errstate(divide="ignore"):
        bent = -np.log1p(np.maximum(xi * z, -1.0)) / np.where(straight, 1.0, xi)
    result: NDArray[np.float64] = np.where(straight, -z, bent)
    return result


@dataclass(frozen=True, eq=False)
class TailDistribution:
    """
    Reference scores, summarised in a few numbers; a large score is unusual.

    Attributes
    ----------
    n_reference, n_tail : int
        M, and k of them above the threshold; 0 where the scores have no tail that can be fitted: p-values are those of
        ranks then.
    threshold : float
        u; the largest score where there is no tail.
    body, body_p : float arrays of shape (knot,)
        Ascending scores up to the threshold, and the p-value of each.
    shape, log_scale : float
        Posterior mean of xi and log sigma.
    shape_error, log_scale_error, correlation : float
        Standard deviations of their posterior, and its correlation.

    Examples
    --------
    >>> import numpy as np
    >>> reference = np.random.default_rng(1).normal(size=169)
    >>> tail = TailDistribution.fit(reference)
    >>> p = tail.p_value([0.0, 2.0, 4.0])
    >>> bool(p[1] < 0.1), bool(p[2] < 1 / 170), round(tail.smallest_by_rank, 4)
    (True, True, 0.0059)
    >>> limit = tail.limit(0.01)
    >>> bool(limit.low < limit.value < limit.high)
    True
    """

    n_reference: int
    n_tail: int
    threshold: float
    body: FloatArray
    body_p: FloatArray
    shape: float = np.nan
    log_scale: float = np.nan
    shape_error: float = np.nan
    log_scale_error: float = np.nan
    correlation: float = np.nan

    @classmethod
    def fit(cls, scores: ArrayLike) -> "TailDistribution":
        """
        Fit the distribution to M scores; those that are not finite are left out.

        Raises
        ------
        InputError
            None of the scores is finite.
        """
        ordered = np.asarray(scores, dtype=float).ravel()
        ordered = np.sort(ordered[np.isfinite(ordered)])
        n = len(ordered)
        if n == 0:
            raise InputError("a distribution of scores needs at least one that is finite; got none")
        n_tail = max(tail_length(n), min(_TAIL_WANTED, n // 2))
        threshold = ordered[n - n_tail - 1]
        excess = ordered[ordered > threshold] - threshold
        if len(excess) < _TAIL_NEEDED:
            return cls(n, 0, float(ordered[-1]), *_knots(ordered, n))
        mean, covariance = _posterior(excess, _n_censored(n, len(excess)))
        error = np.sqrt(np.diag(covariance))
        return cls(
            n, len(excess), float(threshold), *_knots(ordered[ordered <= threshold], n),
            shape=float(mean[0]), log_scale=float(mean[1]), shape_error=float(error[0]),
            log_scale_error=float(error[1]), correlation=float(covariance[0, 1] / (error[0] * error[1])),
        )  # fmt: skip

    @property
    def smallest_by_rank(self) -> float:
        """1 / (M + 1): p-values below it are extrapolated."""
        return 1 / (self.n_reference + 1)

    @property
    def smallest(self) -> float:
        """The smallest p-value that is given."""
        return max(self.smallest_by_rank * _EXTRAPOLATED, _SMALLEST) if self.n_tail else self.smallest_by_rank

    @property
    def tail_share(self) -> float:
        """(k + 1) / (M + 1), the probability of a score above the threshold."""
        return (self.n_tail + 1) / (self.n_reference + 1)

    def p_value(self, scores: ArrayLike) -> NDArray[np.float64]:
        """
        Return the probability that a star like the reference has such a score or a larger one.

        Averaged over references, at most a share alpha of stars like them has p <= alpha: exactly at the ranks of the
        body; in the tail as far as it is a generalised Pareto distribution, see the tests for how far that is.

        Parameters
        ----------
        scores : array_like of shape (N,)
            NaN stays NaN.

        Returns
        -------
        p_value : float array of shape (N,)
            From `smallest` to 1.
        """
        values = np.asarray(scores, dtype=float)
        p = np.interp(values, self.body, self.body_p, left=1.0, right=self.smallest_by_rank)
        above = values > self.threshold
        if self.n_tail:
            p[above] = self.tail_share * self._survival(values[above] - self.threshold)
        return np.where(np.isnan(values), np.nan, np.maximum(p, self.smallest))

    def limit(self, rate: float, *, level: float = CENTRAL_68[1] - CENTRAL_68[0]) -> Limit:
        """
        Return the score whose p-value is `rate`, and an interval for the true one of the reference's population.

        The width of the interval comes from how few scores there are: from the share above the threshold, and from the
        posterior of the tail. It does not hold errors of the scores themselves.

        Parameters
        ----------
        rate : float
            Wanted rate of false alarms, from `smallest` to 1.
        level : float
            Probability of the interval.

        Raises
        ------
        InputError
            The rate is smaller than any p-value.
        """
        rate, level = (real_number(one, name, above=0, below=1) for one, name in ((rate, "rate"), (level, "level")))
        if rate < self.smallest:
            raise InputError(
                f"{self.n_reference} reference scores give no p-values below {self.smallest:.2g}, so that there is no "
                f"limit for a rate of {rate:g}; ask for a larger one, or give more scores"
            )
        drawn = np.quantile(self._drawn_limits(rate), [(1 - level) / 2, (1 + level) / 2])
        return Limit(self._limit(rate), float(drawn[0]), float(drawn[1]))

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, for JSON."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, numbers: dict[str, Any]) -> "TailDistribution":
        """Undo :meth:`to_dict`."""
        arrays = {name: np.asarray(numbers[name]) for name in ("body", "body_p")}
        return cls(**(numbers | arrays))

    @cached_property
    def _components(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Shapes, scales and weights of the tails that stand for the posterior."""
        first, second = (axis.ravel() for axis in np.meshgrid(_NODES, _NODES, indexing="ij"))
        weight = np.outer(_NODE_WEIGHTS, _NODE_WEIGHTS).ravel()
        shape, scale = self._tails(first, second)
        return shape, scale, weight / weight.sum()

    def _tails(self, first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return shapes and scales of the posterior from two independent standard Gaussian variables."""
        mixed = self.correlation * first + np.sqrt(1 - self.correlation**2) * second
        return self.shape + self.shape_error * first, np.exp(self.log_scale + self.log_scale_error * mixed)

    def _survival(self, excess: FloatArray) -> NDArray[np.float64]:
        """Return P(X > x | X > 0), averaged over the posterior."""
        shape, scale, weight = self._components
        # not a product of matrices, so that a score's p-value does not depend on the others
        result: NDArray[np.float64] = np.sum(
            np.exp(log_survival(excess[..., None], shape, scale)) * weight, axis=-1, dtype=np.float64
        )
        return result

    def _limit(self, rate: float) -> float:
        """Return the score whose p-value is a rate."""
        if not self.n_tail or rate >= self.tail_share:
            return float(np.interp(rate, self.body_p[::-1], self.body[::-1]))
        from scipy.optimize import brentq

        def off(excess: float) -> float:
            return float(np.log(self.tail_share * self._survival(np.asarray(excess)) / rate))

        upper = np.exp(self.log_scale)
        while off(upper) > 0:
            upper *= 2
        return self.threshold + float(brentq(off, 0.0, upper))

    def _drawn_limits(self, rate: float) -> NDArray[np.float64]:
        """Return draws of the score that the true distribution exceeds at a rate."""
        rng = np.random.default_rng(0)
        body = slice(None, None, -1)
        if not self.n_tail or rate >= self.tail_share:
            # how many of M scores exceed the limit is binomial
            n = self.n_reference + 1
            wanted = rng.beta(rate * n, (1 - rate) * n, size=_DRAWS)
        else:
            share = rng.beta(self.n_tail + 1, self.n_reference - self.n_tail, size=_DRAWS)
            wanted = rate * self.tail_share / share
        limits = np.interp(wanted, self.body_p[body], self.body[body])
        if self.n_tail:
            shape, scale = self._tails(*rng.standard_normal((2, _DRAWS)))
            depth = np.log(np.maximum(self.tail_share / wanted, 1.0))
            straight = np.abs(shape) < 1e-8
            excess = np.where(straight, depth, np.expm1(shape * depth) / np.where(straight, 1.0, shape))
            limits = np.where(wanted < self.tail_share, self.threshold + scale * excess, limits)
        return limits


def _plain(value: Any) -> Any:
    """Return an array as a list."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _n_censored(n_reference: int, n_tail: int) -> int:
    """Return how many of the largest excesses are censored."""
    return min(max(_CENSORED_LEAST, int(np.ceil(_CENSORED_SHARE * n_reference))), int(_CENSORED_MOST * n_tail))


def _knots(ordered: FloatArray, n_reference: int) -> tuple[FloatArray, FloatArray]:
    """Return scores of the body and their p-values, from ascending scores; of equal scores the largest p-value."""
    values, first = np.unique(ordered, return_index=True)
    p = (n_reference - first) / (n_reference + 1)
    if len(values) > _KNOTS:
        kept = np.unique(np.round(np.linspace(0, len(values) - 1, _KNOTS)).astype(int))
        values, p = values[kept], p[kept]
    return values, p


def _posterior(excess: FloatArray, n_censored: int) -> tuple[FloatArray, FloatArray]:
    """Return mean (2,) and covariance (2, 2) of xi and log sigma from ascending excesses, the largest censored."""
    seen = excess[: len(excess) - n_censored]
    unit = np.log(np.median(seen))
    shapes = np.linspace(*_SHAPES, _GRID)
    log_scales = unit + np.linspace(*_LOG_SCALES, 2 * _GRID)
    mean, covariance = np.zeros(2), np.eye(2)
    for _ in range(_PASSES):
        grid = np.stack(np.meshgrid(shapes, log_scales, indexing="ij"))
        weight = np.exp(_log_posterior(grid, seen, n_censored))
        weight /= weight.sum()
        mean = (weight * grid).sum(axis=(1, 2))
        off = grid - mean[:, None, None]
        covariance = np.einsum("ij,aij,bij->ab", weight, off, off)
        # a posterior that is narrower than the cells of the grid is somewhere in them
        width = np.sqrt(np.diag(covariance)) + np.array([shapes[1] - shapes[0], log_scales[1] - log_scales[0]])
        reach = _HALF_WIDTH * np.linspace(-1, 1, _GRID)
        shapes, log_scales = mean[0] + reach * width[0], mean[1] + reach * width[1]
    return mean, covariance


def _log_posterior(grid: FloatArray, seen: FloatArray, n_censored: int) -> NDArray[np.float64]:
    """Return the log posterior on a grid of xi and log sigma, less its maximum."""
    shape, log_scale = grid
    scale = np.exp(log_scale)
    total = -len(seen) * log_scale - 0.5 * ((shape - _PRIOR_SHAPE) / _PRIOR_SHAPE_WIDTH) ** 2
    # a scale for which the largest score that is seen is beyond the end of the tail is impossible
    possible = 1 + shape * seen[-1] / scale > 0
    survival = np.zeros_like(shape)
    for one in seen:
        survival = log_survival(one, shape, scale)
        total += (1 + shape) * np.where(possible, survival, 0.0)
    total += n_censored * np.where(possible, survival, 0.0)
    total = np.where(possible, total, -np.inf)
    result: NDArray[np.float64] = total - total.max()
    return result
