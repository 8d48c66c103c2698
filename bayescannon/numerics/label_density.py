r"""
The prior density of the labels as the arrays that exact solvers take; :mod:`bayescannon.models` states it in PyMC.

In scaled labels, inside a box and up to a constant,

    ln p(l) = ln q(l)                         or, saturating,    ln p(l) = -ln(1 + q_cut / q(l)),
    q(l) = sum_m exp(g_m - (l - mu_m)^T P_m (l - mu_m) / 2),

A flat density has no components. The saturating form is flat where q is well above q_cut and proportional to q where q
is well below it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True)
class LabelDensity:
    """
    A density of K scaled labels.

    Attributes
    ----------
    lower, upper : float arrays of shape (K,)
        The box; infinite where a label is not bounded.
    log_weight : float array of shape (M,)
        g_m, with the normalisation of each component where the density is normalised.
    mean : float array of shape (M, K)
        mu_m.
    precision : float array of shape (M, K, K)
        P_m; rows of zeros for labels that a component does not depend on.
    log_cut : float or None
        ln q_cut of the saturating form.
    """

    lower: FloatArray
    upper: FloatArray
    log_weight: FloatArray
    mean: FloatArray
    precision: FloatArray
    log_cut: float | None = None

    def __post_init__(self) -> None:
        n_label, n_component = len(self.lower), len(self.log_weight)
        if self.upper.shape != (n_label,) or not (self.lower < self.upper).all():
            raise InputError(f"a box needs lower < upper for each label; got {self.lower} and {self.upper}")
        if self.mean.shape != (n_component, n_label) or self.precision.shape != (n_component, n_label, n_label):
            raise InputError(
                f"{n_component} components of {n_label} labels need means of shape {(n_component, n_label)}; got "
                f"{self.mean.shape} and precisions of shape {self.precision.shape}"
            )

    @classmethod
    def box(cls, lower: FloatArray, upper: FloatArray) -> "LabelDensity":
        """Return a density that is constant between `lower` and `upper`, both of shape (K,)."""
        n_label = len(lower)
        return cls(lower, upper, np.zeros(0), np.zeros((0, n_label)), np.zeros((0, n_label, n_label)))

    @classmethod
    def flat(cls, n_label: int) -> "LabelDensity":
        """Return the density that is constant everywhere."""
        return cls.box(np.full(n_label, -np.inf), np.full(n_label, np.inf))

    @classmethod
    def components(
        cls, log_weight: FloatArray, mean: FloatArray, precision: FloatArray, *, log_cut: float | None = None
    ) -> "LabelDensity":
        """Return a density that is not bounded; parameters as the attributes."""
        wall = np.full(mean.shape[1], np.inf)
        return cls(-wall, wall, log_weight, mean, precision, log_cut)

    @property
    def is_flat(self) -> bool:
        """Whether the density is constant everywhere."""
        return len(self.log_weight) == 0 and bool(np.isinf(self.lower).all() and np.isinf(self.upper).all())

    @property
    def arrays(self) -> tuple[Any, ...]:
        """The density as the tuple of numbers and arrays that compiled kernels take."""
        contiguous = (np.ascontiguousarray(x, dtype=np.float64) for x in (self.log_weight, self.mean, self.precision))
        walls = (np.array(self.lower, dtype=np.float64), np.array(self.upper, dtype=np.float64))
        return (*walls, *contiguous, 0.0 if self.log_cut is None else self.log_cut, self.log_cut is not None)

    def log_density(self, scaled: FloatArray) -> NDArray[np.float64]:
        """Return ln p, up to a constant, at scaled labels of shape (N, K); -inf outside the box."""
        result = np.empty(len(scaled))
        log_densities(self.arrays, np.ascontiguousarray(np.transpose(scaled), dtype=np.float64), result)
        return result


@compiled(nogil=True, error_model="numpy")
def add_density(density, x, with_hessian, gradient, gauss, hessian, work):  # type: ignore[no-untyped-def]
    """
    Return -2 ln p at x inside the box; add the derivatives of -ln p to those of chi2 / 2.

    `gauss` gets the part of the curvature that is never negative. `work` is scratch space: two arrays of shape (K,) and
    two of shape (K, K).
    """
    _, _, log_weight, mean, precision, log_cut, saturates = density
    n_component, k = mean.shape
    if n_component == 0:
        return 0.0
    slope, own, curvature, outer = work
    largest = -np.inf
    for m in range(n_component):
        largest = max(largest, _exponent(log_weight, mean, precision, x, m))
    total = 0.0
    slope[:] = 0.0
    curvature[:] = 0.0
    outer[:] = 0.0
    for m in range(n_component):
        share = np.exp(_exponent(log_weight, mean, precision, x, m) - largest)
        if share < 1e-300:
            continue
        total += share
        if with_hessian:
            for p in range(k):
                own[p] = 0.0
                for q in range(k):
                    own[p] += precision[m, p, q] * (x[q] - mean[m, q])
                slope[p] += share * own[p]
            for p in range(k):
                for q in range(k):
                    curvature[p, q] += share * precision[m, p, q]
                    outer[p, q] += share * own[p] * own[q]
    log_q = largest + np.log(total)
    # -ln p = softplus(ln q_cut - ln q) saturates; its derivative by -ln q is the sigmoid
    rate, bend, minus_log = 1.0, 0.0, -log_q
    if saturates:
        minus_log = _softplus(log_cut - log_q)
        rate = np.exp(log_cut - log_q - minus_log)
        bend = rate * (1.0 - rate)
    if with_hessian:
        for p in range(k):
            gradient[p] += rate * slope[p] / total
            for q in range(k):
                square = slope[p] * slope[q] / total**2
                gauss[p, q] += rate * curvature[p, q] / total + bend * square
                hessian[p, q] += rate * ((curvature[p, q] - outer[p, q]) / total + square) + bend * square
    return 2.0 * minus_log


@compiled(nogil=True, error_model="numpy")
def log_densities(density, x, result):  # type: ignore[no-untyped-def]
    """Fill result (N,) with ln p at x of shape (K, N), up to a constant; -inf outside the box."""
    lower, upper, log_weight, mean, precision, log_cut, saturates = density
    n_component, k = mean.shape
    for n in range(x.shape[1]):
        inside = True
        for p in range(k):
            inside = inside and lower[p] <= x[p, n] <= upper[p]
        if not inside:
            result[n] = -np.inf
            continue
        if n_component == 0:
            result[n] = 0.0
            continue
        largest = -np.inf
        total = 0.0
        for m in range(n_component):
            e = _exponent(log_weight, mean, precision, x[:, n], m)
            if e > largest:
                total = total * np.exp(largest - e) + 1.0
                largest = e
            else:
                total += np.exp(e - largest)
        log_q = largest + np.log(total)
        result[n] = -_softplus(log_cut - log_q) if saturates else log_q


@compiled(nogil=True, error_model="numpy")
def _exponent(log_weight, mean, precision, x, m):  # type: ignore[no-untyped-def]
    """Return g_m - (x - mu_m)^T P_m (x - mu_m) / 2."""
    k = mean.shape[1]
    square = 0.0
    for p in range(k):
        across = 0.5 * precision[m, p, p] * (x[p] - mean[m, p])
        for q in range(p):
            across += precision[m, p, q] * (x[q] - mean[m, q])
        square += (x[p] - mean[m, p]) * across
    return log_weight[m] - square


@compiled(nogil=True, error_model="numpy")
def _softplus(t):  # type: ignore[no-untyped-def]
    """Return ln(1 + e^t)."""
    return max(t, 0.0) + np.log1p(np.exp(-abs(t)))
