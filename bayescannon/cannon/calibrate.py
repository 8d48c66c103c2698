"""Calibrate a model's errors: fit the distribution of the errors of held-out reference stars."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from bayescannon.cannon.choices import N_STARTS, SEED
from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.error_fit import MIN_STARS, CalibrationError, OutOfFold, fit_calibration, too_few

# Reference errors larger than this share of the scatter leave nothing to calibrate
_TOO_LARGE = 0.95


def calibrate(
    model: TrainedModel,
    reference: ReferenceSet,
    estimates: xr.Dataset,
    *,
    clipped: ReferenceSet | None = None,
    label_errors: Mapping[str, float] | None = None,
    n_starts: int = N_STARTS,
    seed: int = SEED,
    workers: int | None = None,
) -> TrainedModel:
    """
    Attach the distribution of the labels' errors to a model.

    Parameters
    ----------
    model : TrainedModel
    reference : ReferenceSet
        The stars that it was trained on.
    estimates : xarray.Dataset
        Their labels by models that never saw them, from :func:`bayescannon.cannon.held_out.hold_out`.
    clipped : ReferenceSet, optional
        The spectra that the clip removed. The model never saw them, and the worst errors of right labels are among
        them: without them the tails are cut where the clip cut. Those of stars that the model was trained on, by
        other spectra, are left out.
    label_errors : mapping of str to float, optional
        Standard deviations of the reference labels' errors, in the labels' units, instead of those of `reference`.
        A label without either counts as without error, so that its calibrated error includes the reference's.
    n_starts, seed, workers
        Of labelling the clipped stars.

    Returns
    -------
    model : TrainedModel
        With a calibration; without one if there are too few stars. ``calibration_note`` says why there is none, or how
        well it is known and what was taken for the errors of the reference labels.

    Raises
    ------
    ValueError
        An error is given for a label that the model does not have, or one that is not positive or zero; or estimates
        of other stars.
    """
    noise, notes = _reference_errors(reference, model.label_names, label_errors or {})
    left_out = ""
    if clipped is not None:
        known_star = np.isin(clipped.star, reference.star)
        if known_star.any():
            left_out = f"{int(known_star.sum())} clipped spectra left out, whose stars the model was trained on"
        clipped = clipped.select(~known_star)
    n_stars = reference.n_stars + (0 if clipped is None else clipped.n_stars)
    if n_stars < MIN_STARS:
        return without_calibration(model, too_few(n_stars))
    if estimates["star"].to_numpy().tolist() != reference.spectra.id.tolist():
        raise InputError("the out-of-fold estimates must be of the reference stars, in their order")
    parts = [_out_of_fold(model, estimates, reference, noise)]
    if clipped is not None and len(clipped):
        dropped = label_spectra(model, clipped.spectra, n_starts=n_starts, seed=seed, workers=workers)
        clipped_noise, _ = _reference_errors(clipped, model.label_names, label_errors or {}, np.median(noise, axis=0))
        parts.append(_out_of_fold(model, dropped, clipped, clipped_noise))
    stars = OutOfFold.join(parts)
    try:
        calibration = fit_calibration(stars, workers=workers)
    except CalibrationError as error:
        return without_calibration(model, str(error))
    known = 100 * calibration.scale_error
    notes = [f"level known to {known.min():.1f}-{known.max():.1f} %", *notes, *_suspect(stars, model.label_names)]
    notes += [left_out] * bool(left_out)
    return replace(model, calibration=calibration, calibration_note="; ".join(notes))


def without_calibration(model: TrainedModel, reason: str) -> TrainedModel:
    """Return the model without a calibration, and with the reason in its note."""
    return replace(model, calibration=None, calibration_note=f"none: {reason}")


def _out_of_fold(model: TrainedModel, estimates: xr.Dataset, reference: ReferenceSet, noise: FloatArray) -> OutOfFold:
    """Put what is known of converged spectra into scaled labels."""
    scale = model.scaler.scale
    stars = OutOfFold(
        model.scaler.to_scaled(estimates["labels"].to_numpy()),
        formal_errors(estimates) / scale,
        model.scaler.to_scaled(reference.labels),
        noise / scale,
        estimates["snr"].to_numpy(),
        reference.star_number,
    )
    return stars.select(estimates["status"].to_numpy() == FitStatus.CONVERGED)


def _reference_errors(
    reference: ReferenceSet, names: tuple[str, ...], given: Mapping[str, float], fallback: FloatArray | None = None
) -> tuple[FloatArray, list[str]]:
    """Return the errors of the reference labels, shape (N, K), and what had to be assumed."""
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InputError(f"an error is given for {unknown[0]!r}; the model's labels are {', '.join(names)}")
    noise, notes = reference.errors.copy(), []
    for k, name in enumerate(names):
        column = noise[:, k]
        if name in given:
            if not given[name] >= 0:
                raise InputError(f"the error of {name} must not be negative; got {given[name]}")
            column[:] = given[name]
            continue
        missing = ~(np.isfinite(column) & (column >= 0))
        if missing.all():
            column[:] = 0.0 if fallback is None else fallback[k]
            notes.append(f"the reference's errors of {name} are unknown and count as none")
        else:
            column[missing] = np.median(column[~missing])
    return noise, notes


def _suspect(stars: OutOfFold, names: tuple[str, ...]) -> list[str]:
    """Name the labels whose reference errors explain all of the scatter: they are probably overstated."""
    scatter = np.quantile(np.abs(stars.scaled - stars.reference), 0.6827, axis=0)
    large = np.median(stars.noise, axis=0) > _TOO_LARGE * scatter
    return [
        f"the reference's errors of {name} are as large as the scatter; its calibrated error is too small if they are "
        "overstated"
        for name, bad in zip(names, large, strict=True)
        if bad
    ]
