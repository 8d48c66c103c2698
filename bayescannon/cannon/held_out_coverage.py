"""How many held-out stars lie within the intervals of a model's calibrated errors."""

from dataclasses import dataclass

import numpy as np

from bayescannon.cannon.labelling import formal_errors
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.error_distribution import ONE_SIGMA

LEVELS = (ONE_SIGMA, 0.95)


@dataclass(frozen=True)
class HeldOutCoverage:
    """
    Shares of held-out stars within intervals of the calibrated errors.

    Attributes
    ----------
    label_names : tuple of str
    level : tuple of float
        Probabilities of the intervals.
    share : float array of shape (L, K)
        Of the spectra, by interval and label.
    n_spectra : int
        Spectra that have labels and errors.
    """

    label_names: tuple[str, ...]
    level: tuple[float, ...]
    share: FloatArray
    n_spectra: int


def held_out_coverage(model: TrainedModel, level: tuple[float, ...] = LEVELS) -> HeldOutCoverage | None:
    """
    Count the held-out reference stars whose reference label is in the central interval of the calibrated errors.

    The intervals are those of (inferred - reference): they hold the errors of the reference labels too. The errors were
    calibrated on the same stars, so that the shares test the form of the distribution more than its width.

    Parameters
    ----------
    model : TrainedModel
    level : tuple of float
        Probabilities of the intervals.

    Returns
    -------
    coverage : HeldOutCoverage or None
        None without calibration or held-out labels in the model.
    """
    if model.calibration is None or model.held_out is None:
        return None
    estimates = model.held_out.estimates
    rows = rows_of(model.reference_id, estimates["star"].to_numpy().astype(np.str_))
    known = (rows >= 0) & (estimates["status"].to_numpy() == FitStatus.CONVERGED)
    estimates, rows = estimates.isel(star=known), rows[known]
    scale, snr = model.scaler.scale, estimates["snr"].to_numpy()
    scaled, formal = model.scaler.to_scaled(estimates["labels"].to_numpy()), formal_errors(estimates) / scale
    off = scaled - model.scaler.to_scaled(model.reference_labels[rows])
    noise = np.zeros_like(off) if model.reference_errors is None else model.reference_errors[rows] / scale
    # a reference label without an error counts as without error, as in the calibration
    pit = model.calibration.predict(scaled, formal, snr).pit(off, np.where(np.isfinite(noise), noise, 0.0))
    usable = np.isfinite(pit).all(axis=1)
    away = np.abs(pit[usable] - 0.5)
    shares = [(away <= one / 2).mean(axis=0) if usable.any() else np.full(off.shape[1], np.nan) for one in level]
    return HeldOutCoverage(model.label_names, level, np.array(shares), int(usable.sum()))
