"""The nuisances of labelled stars in their units, and which nuisances a star is labelled with."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.models.nuisances import LARGE, LINE_SPREAD, VELOCITY, Nuisances
from bayescannon.numerics.errors import BayesCannonWarning, InputTypeError
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.stars.optimum import LabelOptimum

# names in label estimates and in the catalogue
RV_RESIDUAL, SPREAD_RESIDUAL = "rv_residual", "line_spread"


@dataclass(frozen=True)
class StarNuisances:
    """
    The nuisances of N stars: posterior means and standard deviations, labels integrated out.

    Attributes
    ----------
    amplitudes, errors : float arrays of shape (N, M)
        In units of the priors' standard deviations; NaN for a star without a fit.
    nuisances : Nuisances
    """

    amplitudes: FloatArray
    errors: FloatArray
    nuisances: Nuisances

    @property
    def large(self) -> BoolArray:
        """Whether a nuisance is beyond three standard deviations of its prior, shape (N,)."""
        result: BoolArray = (np.abs(self.amplitudes) > LARGE).any(axis=1)
        return result

    def variables(self) -> dict[str, Any]:
        """Return the variables of label estimates: velocity [km/s], line spread [km^2/s^2], and their errors."""
        found: dict[str, Any] = {}
        for name, kind in ((RV_RESIDUAL, VELOCITY), (SPREAD_RESIDUAL, LINE_SPREAD)):
            if kind in self.nuisances.names:
                found[name] = ("star", self.nuisances.in_units(self.amplitudes, kind))
                found[f"{name}_error"] = ("star", self.nuisances.in_units(self.errors, kind))
        return found


def star_nuisances(likelihood: StarLikelihood, found: LabelOptimum) -> StarNuisances | None:
    """
    Return the nuisances of stars at their labels; None for a model without nuisances.

    Given the labels the amplitudes are Normal(map v(l), S); with the labels' covariance C and D = dv/dl their
    covariance is S + (map D) C (map D)^T.
    """
    if likelihood.settled is None or likelihood.hidden is None:
        return None
    nuisances = likelihood.model.options.nuisances
    own = slice(-len(nuisances.names), None)
    mapping = likelihood.hidden.map[:, own]
    mean = np.einsum("nmt,nt->nm", mapping, label_vector(found.scaled))
    slope = mapping @ label_vector_jacobian(found.scaled)
    inner = np.diagonal(likelihood.hidden.covariance[:, own, own], axis1=1, axis2=2)
    variance = inner + np.einsum("nmi,nij,nmj->nm", slope, found.covariance, slope)
    return StarNuisances(mean, np.sqrt(variance), nuisances)


def with_nuisances(model: TrainedModel, nuisances: Nuisances | None) -> TrainedModel:
    """
    Return a model that labels stars with these nuisances; its own unless given.

    Warns
    -----
    BayesCannonWarning
        The errors of the model's labels were calibrated with others.

    Raises
    ------
    InputTypeError
        Something else than nuisances.
    """
    given: Any = nuisances
    own = model.options.nuisances
    # an order of polynomials without a continuum is no nuisance
    if given is None or given == own or (isinstance(given, Nuisances) and not (given or own)):
        return model
    if not isinstance(given, Nuisances):
        raise InputTypeError(f"nuisances must be Nuisances(...), as Nuisances(velocity='5km/s'); got {given!r}")
    if model.calibration is not None or model.coverage is not None:
        warnings.warn(
            f"the model was qualified {_with(own)}, and stars are labelled {_with(given)}: calibrated errors and "
            "novelty are of the former. Train and qualify a model as stars are labelled for errors that belong to the "
            "labels",
            BayesCannonWarning,
            stacklevel=3,
        )
    return replace(model, options=replace(model.options, nuisances=given))


def _with(nuisances: Nuisances) -> str:
    return f"with nuisances ({nuisances.describe()})" if nuisances else "without nuisances"
