"""The priors of the spectral model as one object."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.coefficient_priors import CoefficientPrior, FlatCoefficients
from bayescannon.models.noise_priors import FixedNoise, FlatScatter, NoisePrior, ScatterPrior
from bayescannon.models.outliers import NoOutliers, OutlierPrior


@dataclass(frozen=True)
class SpectralPriors:
    """
    Priors of the spectral model; by default those of the paper.

    Attributes
    ----------
    coefficients : prior object
        See :mod:`bayescannon.models.coefficient_priors`; by default flat.
    scatter, noise : prior objects
        See :mod:`bayescannon.models.noise_priors`; by default a flat prior, and kappa = 1.
    allowed : bool array of shape (pixel, T), optional
        False where a pixel does not depend on a term: the coefficient is 0 in a fit, and has no effect in the PyMC
        model.
    proper : bool
        Weak proper densities in place of flat ones, see :mod:`bayescannon.models.form`: for prior predictive draws and
        NUTS. The exact solvers take flat ones only.
    outliers : NoOutliers or MixtureOutliers
        Whether pixels can be outliers, see :mod:`bayescannon.models.outliers`; by default they cannot.

    Examples
    --------
    >>> import bayescannon as bc
    >>> priors = bc.SpectralPriors(coefficients=bc.PooledCoefficients(), noise=bc.GlobalNoise())
    >>> priors.scatter
    FlatScatter()
    """

    coefficients: CoefficientPrior = field(default_factory=FlatCoefficients)
    scatter: ScatterPrior = field(default_factory=FlatScatter)
    noise: NoisePrior = field(default_factory=FixedNoise)
    allowed: NDArray[np.bool_] | None = None
    proper: bool = False
    outliers: OutlierPrior = field(default_factory=NoOutliers)
