"""
How a model is stated in PyMC: with flat densities or weak proper ones, with centred populations or not.

The weak densities are for prior predictive draws, :func:`pymc.compute_log_prior` and samplers, which a flat density
does not allow. They are wider than what spectra of stars need: with labels of unit variance the fluxes that they imply
are between about -1 and 3.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayescannon.numerics.typing import FloatArray

# standard deviations in normalised flux, for scaled labels: constant (its mean is 1), labels, products of labels
WEAK_CONSTANT, WEAK_LINEAR, WEAK_QUADRATIC = 0.3, 0.1, 0.05
# scale of a half-normal density of the scatters, and of the scales of a population of coefficients
WEAK_SCATTER, WEAK_TAU = 0.05, 0.02
# standard deviation of ln kappa
WEAK_LOG_KAPPA = 0.5


@dataclass(frozen=True)
class Form:
    """
    How random variables are declared.

    Attributes
    ----------
    proper : bool
        Weak proper densities in place of flat ones.
    centred : bool
        A population is declared as theta ~ Normal(mu, tau); else as theta = mu + tau z with z ~ Normal(0, 1), which
        NUTS samples better where the data say little on theta.
    boundary : bool
        Scatters are not transformed, so that s = 0 can be reached.
    """

    proper: bool = False
    centred: bool = True
    boundary: bool = False

    def unbounded(self, name: str, *, centre: float, width: float, dims: str | tuple[str, ...] | None = None) -> Any:
        """Declare a random variable ~ Flat, or Normal(centre, width) if proper."""
        import pymc as pm

        return pm.Normal(name, centre, width, dims=dims) if self.proper else pm.Flat(name, dims=dims)

    def positive(self, name: str, *, width: float, dims: str | None = None, **options: Any) -> Any:
        """Declare a random variable ~ HalfFlat, or HalfNormal(width) if proper."""
        import pymc as pm

        if self.proper:
            return pm.HalfNormal(name, width, dims=dims, **options)
        return pm.HalfFlat(name, dims=dims, **options)


# flat and centred
PLAIN = Form()


def weak_coefficients(n_label: int) -> tuple[FloatArray, FloatArray]:
    """
    Return means and standard deviations of weak Gaussians of the coefficients, shapes (T,).

    Examples
    --------
    >>> [values.tolist() for values in weak_coefficients(1)]
    [[1.0, 0.0, 0.0], [0.3, 0.1, 0.05]]
    """
    n_product = n_label * (n_label + 1) // 2
    scale = np.repeat([WEAK_CONSTANT, WEAK_LINEAR, WEAK_QUADRATIC], [1, n_label, n_product])
    mean = np.zeros(len(scale))
    mean[0] = 1.0
    return mean, scale
