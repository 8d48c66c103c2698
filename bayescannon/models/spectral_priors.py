"""What is believed of the spectral model before any spectrum is seen, as one object."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.coefficient_priors import CoefficientPrior, FlatCoefficients
from bayescannon.models.noise_priors import FixedNoise, FlatScatter, NoisePrior, ScatterPrior


@dataclass(frozen=True)
class SpectralPriors:
    """
    Priors of the spectral model; the paper's unless given.

    Attributes
    ----------
    coefficients : prior object
        See :mod:`bayescannon.models.coefficient_priors`; flat unless given.
    scatter, noise : prior objects
        See :mod:`bayescannon.models.noise_priors`; flat, and kappa = 1, unless given.
    allowed : bool array of shape (pixel, T), optional
        False where a pixel may not depend on a term: its coefficient is 0, or has no effect.
    """

    coefficients: CoefficientPrior = field(default_factory=FlatCoefficients)
    scatter: ScatterPrior = field(default_factory=FlatScatter)
    noise: NoisePrior = field(default_factory=FixedNoise)
    allowed: NDArray[np.bool_] | None = None
