r"""
A normal distribution with a share of outliers that are Cauchy-distributed: density, weights of points, and fit.

In units of the normal's standard deviation, the density of a residual z is

    p(z) = (1 - e) N(z; 0, 1) + e C(z; 0, b),      C(z; 0, b) = 1 / (pi b (1 + z^2 / b^2)),

with the share e and the scale b. A Cauchy distribution is a normal one with an unknown precision, so that

    -d ln p / dz = u(z) z,      u = (1 - pi) + pi 2 / (b^2 + z^2),      pi = e C / p,

where pi is the probability that the point is an outlier, and u the mean precision given z (Lange, Little & Taylor 1989,
J. Am. Stat. Assoc. 84, 881, eq. 2): u is 1 where no outlier is near and falls as 2 / z^2 far off, so that a point far
off has no influence, however far.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.typing import FloatArray

# at least this share is expected, also by what was learned of data without outliers: later data may have them
LEAST_SHARE, MOST_SHARE = 1e-5, 0.2
# narrower outliers would be tails of the noise, wider ones than any seen add nothing
LEAST_SCALE, MOST_SCALE = 5.0, 200.0
# where nothing was learned yet
FIRST_SHARE, FIRST_SCALE = 1e-3, 10.0
# a point whose weight is below this share is counted as an outlier
OUTLYING = 0.5
# bins of |z|: of equal width up to the first end, where the normal matters, and of equal ratio up to the second
_FINE, _FAR = 10.0, 1e6
_N_FINE, _N_FAR = 1000, 1000
N_BINS = _N_FINE + _N_FAR
_FAR_STEP = math.log(_FAR / _FINE) / _N_FAR
_LOG_FIRST = 0.5 * math.log(2 / math.pi)
# weights that differ by less from those of points at 0 are not worth a change
_NEGLIGIBLE = 0.01


@dataclass(frozen=True)
class OutlierShare:
    """
    How many points are outliers, and how wide they scatter.

    Attributes
    ----------
    share : float
        e, the share of points that are outliers.
    scale : float
        b, the scale of their Cauchy distribution in standard deviations of the others.

    Examples
    --------
    >>> few = OutlierShare(share=0.001, scale=10.0)
    >>> few.weights(np.array([0.0, 3.0, 5.0, 100.0])).round(3).tolist()
    [1.0, 0.994, 0.07, 0.0]
    """

    share: float = FIRST_SHARE
    scale: float = FIRST_SCALE

    def weights(self, z: FloatArray) -> NDArray[np.float64]:
        """Return u of residuals z, in their shape."""
        found: NDArray[np.float64] = _weights(np.square(z, dtype=np.float64).ravel(), self.share, self.scale)
        return found.reshape(np.shape(z))

    def minus_log_density(self, z: FloatArray) -> NDArray[np.float64]:
        """Return -ln p - ln(2 pi) / 2 of residuals z, in their shape."""
        found: NDArray[np.float64] = _minus_logs(np.square(z, dtype=np.float64).ravel(), self.share, self.scale)
        return found.reshape(np.shape(z))

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw residuals z."""
        normal = rng.standard_normal(shape)
        drawn: NDArray[np.float64] = np.where(
            rng.random(shape) < self.share, self.scale * rng.standard_cauchy(shape), normal
        )
        return drawn

    @property
    def suspect(self) -> float:
        """Return |z| from which on weights differ from that of a point at 0 by more than 0.01."""
        z = np.linspace(0.0, 10.0, 2001)
        weights = self.weights(z)
        return float(z[np.argmax(weights < weights[0] - _NEGLIGIBLE)])

    @property
    def information(self) -> float:
        r"""
        Return the expected information of a point on its mean, over the expected weight: E[(u z)^2] / E[u], at most 1.

        The difference is what is lost because it is not known which points are outliers (Louis 1982, J. R. Stat. Soc. B
        44, 226, eq. 3.2', on average over z).
        """
        x = np.linspace(0.0, math.log1p(100 * self.scale), 20001)
        z = np.expm1(x)
        density = np.exp(-self.minus_log_density(z)) * (1 + z)
        weights = self.weights(z)
        return float(np.trapezoid(density * (weights * z) ** 2, x) / np.trapezoid(density * weights, x))


def fit_outliers(counts: FloatArray, first: OutlierShare, *, learn_share: bool, learn_scale: bool) -> OutlierShare:
    """
    Fit share and scale to residuals by maximum likelihood, within the bounds of this module.

    Parameters
    ----------
    counts : float array of shape (N_BINS,)
        Number of residuals in each bin of :func:`residual_bin`.
    first : OutlierShare
        Where the search starts, and the values of what is not learned.
    learn_share, learn_scale : bool

    Returns
    -------
    found : OutlierShare
    """
    some = np.flatnonzero(counts > 0)
    if len(some) == 0 or not (learn_share or learn_scale):
        return first
    z, number = bin_centres()[some], counts[some]
    total = number.sum()

    def at(x: FloatArray) -> OutlierShare:
        return OutlierShare(float(np.exp(x[0])), float(np.exp(x[1])))

    def objective(x: FloatArray) -> float:
        return float(number @ at(x).minus_log_density(z) / total)

    def gradient(x: FloatArray) -> FloatArray:
        given = at(x)
        chance = _chances(z**2, given.share, given.scale)
        by_share = (chance - given.share) / (1 - given.share)
        by_scale = chance * (z**2 - given.scale**2) / (z**2 + given.scale**2)
        return -np.array([number @ by_share, number @ by_scale]) / total

    bounds = [
        (math.log(LEAST_SHARE), math.log(MOST_SHARE)) if learn_share else (math.log(first.share),) * 2,
        (math.log(LEAST_SCALE), math.log(MOST_SCALE)) if learn_scale else (math.log(first.scale),) * 2,
    ]
    start = np.log([first.share, first.scale])
    found = minimize(
        objective, start, jac=gradient, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-10}
    )
    return at(found.x)


def bin_centres() -> NDArray[np.float64]:
    """Return |z| of the bins, shape (N_BINS,)."""
    fine = (np.arange(_N_FINE) + 0.5) * (_FINE / _N_FINE)
    return np.concatenate([fine, _FINE * np.exp((np.arange(_N_FAR) + 0.5) * _FAR_STEP)])


@compiled(nogil=True, inline="always")
def residual_bin(z):  # type: ignore[no-untyped-def]
    """Return the number of the bin of |z| >= 0."""
    if z < _FINE:
        return int(z * (_N_FINE / _FINE))
    return min(_N_FINE + int(math.log(z / _FINE) / _FAR_STEP), N_BINS - 1)


@compiled(nogil=True, inline="always")
def log_ratio(z2, share, scale):  # type: ignore[no-untyped-def]
    """Return ln(pi / (1 - pi)) of a residual with square z2, without its term z2 / 2."""
    return math.log(share / ((1 - share) * scale)) + _LOG_FIRST - math.log1p(z2 / scale**2)


@compiled(nogil=True, inline="always")
def outlier_weight(z2, share, scale):  # type: ignore[no-untyped-def]
    """Return u of a residual with square z2."""
    chance = 1 / (1 + math.exp(-log_ratio(z2, share, scale) - 0.5 * z2))
    return (1 - chance) + chance * 2 / (scale**2 + z2)


@compiled(nogil=True, inline="always")
def minus_log(z2, share, scale):  # type: ignore[no-untyped-def]
    """Return -ln p - ln(2 pi) / 2 of a residual with square z2."""
    ratio = log_ratio(z2, share, scale)
    odds = ratio + 0.5 * z2
    # the larger part is taken out of the sum
    larger = -ratio if odds > 0 else 0.5 * z2
    return larger - math.log1p(-share) - math.log1p(math.exp(-abs(odds)))


@compiled(nogil=True)
def _weights(z2, share, scale):  # type: ignore[no-untyped-def]
    out = np.empty(len(z2))
    for i in range(len(z2)):
        out[i] = outlier_weight(z2[i], share, scale)
    return out


@compiled(nogil=True)
def _chances(z2, share, scale):  # type: ignore[no-untyped-def]
    out = np.empty(len(z2))
    for i in range(len(z2)):
        out[i] = 1 / (1 + math.exp(-log_ratio(z2[i], share, scale) - 0.5 * z2[i]))
    return out


@compiled(nogil=True)
def _minus_logs(z2, share, scale):  # type: ignore[no-untyped-def]
    out = np.empty(len(z2))
    for i in range(len(z2)):
        out[i] = minus_log(z2[i], share, scale)
    return out
