"""The information on labels in the pixels of stars, compared with held-out stars."""

from dataclasses import replace

import numpy as np
import xarray as xr

from bayescannon.cannon.damage import gap_reach
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.lost_pixels import gap_measures
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.reliability.damage_errors import InformationLeft
from bayescannon.stars.information import errors_of, typical_information
from bayescannon.stars.quartic import chi2_derivatives

# variables of estimates that hold the measures of gaps
GAP_MEASURES = ("dead_share", "one_sided")


def information_left(likelihood: StarLikelihood, *, workers: int | None = 1) -> InformationLeft:
    """Return the information in the pixels of N stars at the labels of the model's reference stars."""
    model = likelihood.model
    typical = errors_of(typical_information(likelihood.quartic, model.scaler.to_scaled(model.reference_labels)))
    damage = None if model.calibration is None else model.calibration.damage
    reach = gap_reach(likelihood.spectra) if damage is None else damage.reach
    live = likelihood.quartic.n_live / len(model.wavelength)
    return InformationLeft(typical, gap_measures(likelihood.ivar, model.wavelength, reach, workers=workers), live)


def with_prior(
    left: InformationLeft, likelihood: StarLikelihood, scaled: FloatArray, density: LabelDensity
) -> InformationLeft:
    """Return the information in pixels and prior: the curvature of the prior at the labels is added."""
    stars = np.isfinite(scaled).all(axis=1)
    quartic = likelihood.quartic.select(stars)
    both, alone = (chi2_derivatives(quartic, scaled[stars], density=one).gauss_newton for one in (density, None))
    model = likelihood.model
    pixels = typical_information(quartic, model.scaler.to_scaled(model.reference_labels))
    typical = left.typical.copy()
    typical[stars] = errors_of(pixels + (both - alone) / 2)
    return replace(left, typical=typical)


def read_information(estimates: xr.Dataset, model: TrainedModel) -> InformationLeft | None:
    """Return the information in estimates, in units of a model's scaled labels; None of those of an older version."""
    if "typical_error" not in estimates:
        return None
    typical = estimates["typical_error"].to_numpy() / model.scaler.scale
    gaps = np.column_stack([estimates[name].to_numpy() for name in GAP_MEASURES])
    return InformationLeft(typical, gaps, estimates["live_pixels"].to_numpy() / len(model.wavelength))


def too_little(model: TrainedModel, left: InformationLeft) -> BoolArray:
    """Return which stars have less information on a label than any that the errors are calibrated on."""
    if model.calibration is None or model.calibration.damage is None:
        return np.zeros(len(left.gaps), dtype=bool)
    return model.calibration.damage.too_little(left)
