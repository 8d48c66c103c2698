r"""
The priors of pixels as the arrays that the exact solver takes; :mod:`bayescannon.models` states them in PyMC.

Coefficients have independent Gaussian priors (precision 0 is flat; inf holds a coefficient at 0, a censored term), the
scatter has a density with known derivatives.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray


class ScatterDensity(Enum):
    """Families of priors on the scatter s of a pixel."""

    FLAT = "flat"
    HALF_NORMAL = "half-normal"  # s >= 0, first parameter: its scale
    LOG_NORMAL = "log-normal"  # ln s is normal, parameters: its mean and standard deviation


@dataclass(frozen=True)
class PixelPrior:
    """
    Priors of P pixels with T terms.

    Attributes
    ----------
    mean, precision : float arrays of shape (P, T)
        Mean and inverse variance of each coefficient; precision 0 is flat, inf holds the coefficient at 0.
    scatter : ScatterDensity
    scatter_parameters : (float, float)
        See :class:`ScatterDensity`.
    """

    mean: FloatArray
    precision: FloatArray
    scatter: ScatterDensity = ScatterDensity.FLAT
    scatter_parameters: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def flat(cls, n_pixel: int, n_term: int) -> "PixelPrior":
        """Return the flat prior of the paper."""
        return cls(np.zeros((n_pixel, n_term)), np.zeros((n_pixel, n_term)))

    @property
    def censored(self) -> NDArray[np.bool_]:
        """Whether a coefficient is held at 0, shape (P, T)."""
        return np.isinf(self.precision)

    @property
    def reaches_zero(self) -> bool:
        """Whether s = 0 has a finite density, so that an optimum can lie there."""
        return self.scatter is not ScatterDensity.LOG_NORMAL

    def select(self, index: NDArray[np.intp] | slice) -> "PixelPrior":
        """Return the prior of some of the pixels."""
        return PixelPrior(self.mean[index], self.precision[index], self.scatter, self.scatter_parameters)

    def scatter_gradient(self, s2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Differentiate -2 ln p(s) by s^2, once and twice; each of shape (P,).

        The log-normal prior is taken as a density of ln s.
        """
        first, second = np.zeros_like(s2), np.zeros_like(s2)
        if self.scatter is ScatterDensity.HALF_NORMAL:
            first += 1 / self.scatter_parameters[0] ** 2
        elif self.scatter is ScatterDensity.LOG_NORMAL:
            centre, width = self.scatter_parameters
            offset = 0.5 * np.log(s2) - centre
            first += offset / (width**2 * s2)
            second += (0.5 - offset) / (width**2 * s2**2)
        return first, second

    def minus_log_density(self, theta: FloatArray, s2: FloatArray) -> FloatArray:
        """Return -ln p(theta, s) of each pixel without the constants; shape (P,)."""
        free = ~self.censored
        squares = np.where(free, self.precision, 0.0) * (theta - self.mean) ** 2
        total = 0.5 * np.where(free, squares, 0.0).sum(axis=1)
        if self.scatter is ScatterDensity.HALF_NORMAL:
            total += 0.5 * s2 / self.scatter_parameters[0] ** 2
        elif self.scatter is ScatterDensity.LOG_NORMAL:
            centre, width = self.scatter_parameters
            total += 0.5 * ((0.5 * np.log(s2) - centre) / width) ** 2
        return total
