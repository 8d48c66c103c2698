r"""
A prior of the labels as the numbers that exact solvers work with; :mod:`bayescannon.models` has its PyMC statement.

In scaled labels, inside a box and up to a constant,

    ln p(l) = ln q(l)                         or, saturating,    ln p(l) = -ln(1 + q_cut / q(l)),
    q(l) = sum_m exp(g_m - (l - mu_m)^T P_m (l - mu_m) / 2),

with no component at all for a flat density. The saturating form is flat where q is well above q_cut and follows q
where it is well below.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.density_kernels import log_densities
from bayescannon.label_vector import FloatArray


@dataclass(frozen=True)
class LabelDensity:
    """
    A density of K scaled labels.

    Attributes
    ----------
    lower, upper : float arrays of shape (K,)
        The box; infinite where there is no wall.
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
            raise ValueError(f"a box needs lower < upper for each label; got {self.lower} and {self.upper}")
        if self.mean.shape != (n_component, n_label) or self.precision.shape != (n_component, n_label, n_label):
            raise ValueError(
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
        """Return a density without walls; parameters as the attributes."""
        wall = np.full(mean.shape[1], np.inf)
        return cls(-wall, wall, log_weight, mean, precision, log_cut)

    @property
    def is_flat(self) -> bool:
        """Whether it is constant everywhere."""
        return len(self.log_weight) == 0 and bool(np.isinf(self.lower).all() and np.isinf(self.upper).all())

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What the compiled kernels take."""
        contiguous = (np.ascontiguousarray(x, dtype=np.float64) for x in (self.log_weight, self.mean, self.precision))
        walls = (np.array(self.lower, dtype=np.float64), np.array(self.upper, dtype=np.float64))
        return (*walls, *contiguous, 0.0 if self.log_cut is None else self.log_cut, self.log_cut is not None)

    def log_density(self, scaled: FloatArray) -> NDArray[np.float64]:
        """Return ln p, up to a constant, at scaled labels of shape (N, K); -inf outside the box."""
        result = np.empty(len(scaled))
        log_densities(self.arrays, np.ascontiguousarray(np.transpose(scaled), dtype=np.float64), result)
        return result
