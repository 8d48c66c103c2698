r"""
Pairs whose stars have different velocities, against single stars: over the pixels, since lines no longer coincide.

The flux of a pixel p is (1 - w_p) m_1(x_p - delta_1) + w_p m_2(x_p - delta_2), with the share w_p at its wavelength;
:func:`bayescannon.models.binary_star.double_lined_model` states it. The velocity V of the mean light, the difference D
of the velocities and a change s of the variance of the lines are Normal: V and s are free for single stars too, so that
a wrong redshift or a fast rotation alone does not speak for a pair. Shifts are exact on a lattice of a quarter of a
pixel and of second order between its nodes. Starts are the best of a scan over D and q; from each the optimum is found
by Gauss-Newton steps, and the evidence is Laplace's approximation there.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.labels import LabelScaler
from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.models.label_vector import label_vector, label_vector_jacobian, n_terms
from bayescannon.models.main_sequence import (
    DIFFERENCE_WIDTH,
    LEAST_RATIO,
    MEAN_WIDTH,
    SPREAD_WIDTH,
    MainSequence,
)
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.log_spline import LogSpline
from bayescannon.numerics.threads import map_items
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.quartic import Quartic, chi2_derivatives

_C_KM_S = SPEED_OF_LIGHT / 1000
# unit of the spread of lines: half the variance, in ln lambda
_SPREAD_UNIT = SPREAD_WIDTH**2 / (2 * _C_KM_S**2)
# nodes of the lattice, in pixels
_NODE = 0.25
# the scan: differences of velocity [km/s] and ratios of masses; starts that are followed, and how far they are apart
_DIFFERENCES = np.arange(-480.0, 481.0, 60.0)
_RATIOS = (0.97, 0.85, 0.7)
_N_FOLLOWED, _APART = 3, 90.0
_MAX_ITERATIONS, _ENOUGH = 25, 1e-3
# steps do not lead beyond this many units of any coordinate
_FAR = 8.0
_STEP = 1e-4


@dataclass(frozen=True)
class DoubleLined:
    """
    N stars as pairs with two velocities, and as single stars.

    Attributes
    ----------
    log_single, log_pair : float arrays of shape (N,)
        ln of the evidences, but for the same constant.
    difference, difference_error : float arrays of shape (N,)
        Velocity of the second star less that of the first one [km/s], of the best pair.
    ratio, light_share : float arrays of shape (N,)
        q, and w at the wavelength of the sequence, of the best pair.
    first, second : float arrays of shape (N, K)
        Scaled labels of its stars.
    """

    log_single: FloatArray
    log_pair: FloatArray
    difference: FloatArray
    difference_error: FloatArray
    ratio: FloatArray
    light_share: FloatArray
    first: FloatArray
    second: FloatArray

    @property
    def log_ratio(self) -> FloatArray:
        """Log of the ratio of the evidences, shape (N,); positive speaks for a pair."""
        return self.log_pair - self.log_single

    @classmethod
    def empty(cls, n_star: int, n_label: int) -> "DoubleLined":
        """Return N stars without values, to be filled: NaN."""
        numbers = [np.full(n_star, np.nan) for _ in range(6)]
        return cls(*numbers, *(np.full((n_star, n_label), np.nan) for _ in range(2)))


@dataclass(frozen=True)
class PairSpectra:
    """
    What the spectra of pairs are made of.

    Attributes
    ----------
    spline : LogSpline
        Of theta.
    scatter : float array of shape (P,)
    sequence : MainSequence
    scaler : LabelScaler
    density : LabelDensity
        The prior of the labels of a star.
    least_ratio : float
        q is uniform from here to 1.
    """

    spline: LogSpline
    scatter: FloatArray
    sequence: MainSequence
    scaler: LabelScaler
    density: LabelDensity
    least_ratio: float = LEAST_RATIO
    _known: dict[int, tuple[FloatArray, FloatArray, FloatArray]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def step(self) -> float:
        """Distance of the nodes in ln lambda."""
        return _NODE * self.spline.step

    @property
    def n_label(self) -> int:
        """K."""
        return len(self.scaler.names)

    def node(self, velocity: float) -> tuple[int, float]:
        """Return the nearest node of a velocity [km/s], and what is left, in ln lambda."""
        step, delta = self.step, velocity / _C_KM_S
        nearest = round(delta / step)
        return nearest, delta - nearest * step

    def at(self, node: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return coefficients (P, T) shifted to a node, and their first two derivatives by ln lambda."""
        if node not in self._known:
            self._known[node] = self.spline.at(shift=node * self.step)
        return self._known[node]

    def spectra(self, vectors: FloatArray, velocity: float, spread: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """
        Return spectra of label vectors (T,) or (T, m) at a velocity [km/s], widened by a spread, shape (P,) or (P, m).

        Their derivatives by the velocity and by the spread follow.
        """
        node, off = self.node(velocity)
        values, slope, bend = (part @ vectors for part in self.at(node))
        return values - off * slope + (off**2 / 2 + spread) * bend, (off * bend - slope) / _C_KM_S, bend

    def ratio(self, eta: float) -> float:
        """Return q of its coordinate without bounds."""
        return float(self.least_ratio + (1 - self.least_ratio) / (1 + np.exp(-eta)))

    def light(self, scaled: FloatArray, eta: float, rho: float) -> tuple[FloatArray, float]:
        """Return the scaled labels of the second star, and ln r at the wavelength of the sequence."""
        other = self.sequence.companion(self.scaler.from_scaled(scaled), self.ratio(eta))
        return self.scaler.to_scaled(other.labels), float(other.log_light) + self.sequence.light_width * rho

    def colour(self, scaled: FloatArray, eta: float) -> FloatArray:
        """Return ln r in each pixel, less that at the wavelength of the sequence."""
        colour: FloatArray = self.sequence.colour(
            self.scaler.from_scaled(scaled), self.ratio(eta), self.spline.wavelength
        )
        return colour


def fit_double_lined(
    spectra: PairSpectra,
    flux: FloatArray,
    ivar: FloatArray,
    start: FloatArray,
    *,
    power: FloatArray | float = 1.0,
    workers: int | None = None,
) -> DoubleLined:
    """
    Compare N stars as pairs with two velocities with them as single stars: a quarter of a second or more per star.

    Parameters
    ----------
    spectra : PairSpectra
    flux, ivar : float arrays of shape (N, P)
    start : float array of shape (N, K)
        Scaled labels of the stars as single ones; a star with NaN has NaN results.
    power : float or float array of shape (N,)
        To which the likelihood is raised.
    workers : int or None

    Returns
    -------
    fit : DoubleLined
    """
    n_star = len(start)
    power = np.broadcast_to(np.asarray(power, dtype=np.float64), n_star)
    result = DoubleLined.empty(n_star, spectra.n_label)

    def one(n: int) -> None:
        weight = pixel_weights(spectra.scatter, ivar[n : n + 1])[0] * power[n]
        if np.isfinite(start[n]).all() and (weight > 0).sum() > spectra.n_label:
            _fit_star(_Star(spectra, flux[n], weight), start[n], result, n)

    map_items(one, range(n_star), workers=workers)
    return result


@dataclass(frozen=True)
class _Star:
    """One star's pixels, and the objective at a point: (x, V, s, rho, eta, D) of a pair, (x, V, s) of a single star."""

    parts: PairSpectra
    flux: FloatArray
    weight: FloatArray

    def model(self, point: FloatArray, *, slopes: bool = True) -> tuple[FloatArray, FloatArray]:
        """Return the flux (P,) and its derivatives (P, n), which are empty unless asked for."""
        own, k = self.parts, self.parts.n_label
        x, velocity, spread = point[:k], MEAN_WIDTH * point[k], _SPREAD_UNIT * point[k + 1]
        if len(point) == k + 2:
            vectors = np.column_stack([label_vector(x), label_vector_jacobian(x)]) if slopes else label_vector(x)
            flux, by_velocity, by_spread = own.spectra(vectors, velocity, spread)
            if not slopes:
                return flux, np.empty((len(flux), 0))
            columns = (flux[:, 1:], MEAN_WIDTH * by_velocity[:, :1], _SPREAD_UNIT * by_spread[:, :1])
            return flux[:, 0], np.concatenate(columns, axis=1)
        rho, eta, difference = point[k + 2], point[k + 3], DIFFERENCE_WIDTH * point[k + 4]
        second, log_light = own.light(x, eta, rho)
        colour, mean = own.colour(x, eta), 1 / (1 + np.exp(-log_light))
        share = 1 / (1 + np.exp(-(log_light + colour)))
        at = velocity - mean * difference, velocity + (1 - mean) * difference
        if not slopes:
            one, two = (
                own.spectra(label_vector(labels), v, spread)[0] for labels, v in zip((x, second), at, strict=True)
            )
            return one + share * (two - one), np.empty((len(one), 0))
        varied = (*range(k), k + 2, k + 3)
        ahead = [point + _STEP * (np.arange(len(point)) == m) for m in varied]
        lights = [own.light(one[:k], one[k + 3], one[k + 2]) for one in ahead]
        vectors = np.column_stack([label_vector(x), label_vector_jacobian(x)])
        ones, one_v, one_s = own.spectra(vectors, at[0], spread)
        vectors = np.column_stack([label_vector(second), *(label_vector(labels) for labels, _ in lights)])
        twos, two_v, two_s = own.spectra(vectors, at[1], spread)
        one, two = ones[:, 0], twos[:, 0]
        slope, slope_two = one_v[:, 0], two_v[:, 0]
        flux = one + share * (two - one)
        result = np.empty((len(flux), len(point)))
        result[:, k] = MEAN_WIDTH * (slope + share * (slope_two - slope))
        result[:, k + 1] = _SPREAD_UNIT * (one_s[:, 0] + share * (two_s[:, 0] - one_s[:, 0]))
        result[:, k + 4] = DIFFERENCE_WIDTH * (share * (1 - mean) * slope_two - (1 - share) * mean * slope)
        hot = own.sequence.names.index("teff")
        for place, (m, there, (_, other_light)) in enumerate(zip(varied, ahead, lights, strict=True)):
            other_colour = own.colour(there[:k], there[k + 3]) if m in (hot, k + 3) else colour
            other_share = 1 / (1 + np.exp(-(other_light + other_colour)))
            moved = (1 / (1 + np.exp(-other_light)) - mean) * difference
            first = one + (_STEP * ones[:, 1 + m] if m < k else 0.0) - moved * slope
            last = twos[:, 1 + place] - moved * slope_two
            result[:, m] = (first + other_share * (last - first) - flux) / _STEP
        return flux, result

    def prior(self, point: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return -2 ln of the priors, half its gradient and half its curvature; all but p(x) are normalised."""
        k = self.parts.n_label
        size = n_terms(k)
        nothing = Quartic(np.zeros((1, size, size)), np.zeros((1, size)), np.zeros(1), np.zeros(1, dtype=np.int64))
        labels = chi2_derivatives(nothing, point[None, :k], density=self.parts.density)
        gradient, curvature = point.copy(), np.eye(len(point))
        gradient[:k], curvature[:k, :k] = labels.gradient[0] / 2, labels.gauss_newton[0] / 2
        n_gaussian = 2 if len(point) == k + 2 else 4
        value = labels.chi2[0] + (point[k:] ** 2).sum() + n_gaussian * np.log(2 * np.pi)
        if len(point) > k + 2:
            # q is uniform: of eta the density is that of a logistic distribution
            eta = point[k + 3]
            s = 1 / (1 + np.exp(-eta))
            value += 2 * (np.logaddexp(0, eta) + np.logaddexp(0, -eta)) - eta**2
            gradient[k + 3], curvature[k + 3, k + 3] = 2 * s - 1, 2 * s * (1 - s)
        return float(value), gradient, curvature

    def objective(self, point: FloatArray) -> float:
        """Return chi2 - 2 ln of the priors."""
        flux, _ = self.model(point, slopes=False)
        return float((self.weight * (self.flux - flux) ** 2).sum()) + self.prior(point)[0]

    def descend(self, point: FloatArray) -> tuple[FloatArray, float, FloatArray]:
        """Return the optimum, its objective, and half the Gauss-Newton matrix there."""
        damping, value, hessian = 1e-3, np.inf, np.eye(len(point))
        value = self.objective(point)
        for _ in range(_MAX_ITERATIONS):
            flux, jacobian = self.model(point)
            weighted = jacobian * self.weight[:, None]
            _, slope, curvature = self.prior(point)
            hessian = weighted.T @ jacobian + curvature
            right = weighted.T @ (self.flux - flux) - slope
            gain = 0.0
            while damping < 1e6:
                step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian) + 1e-9), right)
                trial = self.bounded(point + step)
                new = self.objective(trial)
                if new <= value:
                    gain, point, value = value - new, trial, new
                    damping *= 0.1
                    break
                damping *= 10
            if gain < _ENOUGH:
                break
        return point, value, hessian

    def bounded(self, point: FloatArray) -> FloatArray:
        """Return a point that is nowhere absurd, whose labels are in the prior's box."""
        k, density = self.parts.n_label, self.parts.density
        labels = np.clip(point[:k], np.maximum(density.lower, -_FAR), np.minimum(density.upper, _FAR))
        return np.concatenate([labels, np.clip(point[k:], -_FAR, _FAR)])

    def scan(self, x: FloatArray, velocity: float) -> list[FloatArray]:
        """Return points from which pairs are searched, of lines as wide as in the training."""
        own, found = self.parts, []
        vector = label_vector(x)
        for q in _RATIOS:
            eta = float(np.log((q - own.least_ratio) / (1 - q)))
            second, log_light = own.light(x, eta, 0.0)
            share = 1 / (1 + np.exp(-(log_light + own.colour(x, eta))))
            mean, other = 1 / (1 + np.exp(-log_light)), label_vector(second)
            for difference in _DIFFERENCES:
                one = own.at(own.node(velocity - mean * difference)[0])[0] @ vector
                two = own.at(own.node(velocity + (1 - mean) * difference)[0])[0] @ other
                chi2 = float((self.weight * (self.flux - one - share * (two - one)) ** 2).sum())
                found.append((chi2, difference, eta))
        found.sort()
        kept: list[tuple[float, float]] = []
        for _, difference, eta in found:
            if len(kept) < _N_FOLLOWED and all(abs(difference - other) >= _APART for other, _ in kept):
                kept.append((difference, eta))
        start = [velocity / MEAN_WIDTH, 0.0, 0.0]
        return [np.array([*x, *start, eta, difference / DIFFERENCE_WIDTH]) for difference, eta in kept]


def _log_evidence(value: float, hessian: FloatArray) -> float:
    """Return ln of the integral of exp(-value / 2) by Laplace's approximation."""
    return float(-0.5 * value + 0.5 * len(hessian) * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(hessian)[1])


def _fit_star(star: _Star, x: NDArray[np.floating], result: DoubleLined, n: int) -> None:
    """Fill the results of one star."""
    k = star.parts.n_label
    single, value, hessian = star.descend(star.bounded(np.concatenate([x, np.zeros(2)])))
    result.log_single[n] = _log_evidence(value, hessian)
    ends = [star.descend(point) for point in star.scan(single[:k], MEAN_WIDTH * single[k])]
    point, _, hessian = min(ends, key=lambda one: one[1])
    logs = [_log_evidence(one[1], one[2]) for one in ends]
    places = np.array([one[0][k + 4] for one in ends]) * DIFFERENCE_WIDTH
    # starts that lead to the same optimum count once
    distinct = [i for i in range(len(ends)) if not (np.abs(places[:i] - places[i]) < 10.0).any()]
    result.log_pair[n] = np.logaddexp.reduce([logs[i] for i in distinct])
    covariance = np.linalg.inv(hessian)
    result.difference[n] = DIFFERENCE_WIDTH * point[k + 4]
    result.difference_error[n] = DIFFERENCE_WIDTH * np.sqrt(covariance[k + 4, k + 4])
    second, log_light = star.parts.light(point[:k], point[k + 3], point[k + 2])
    result.ratio[n], result.light_share[n] = star.parts.ratio(point[k + 3]), 1 / (1 + np.exp(-log_light))
    result.first[n], result.second[n] = point[:k], second
