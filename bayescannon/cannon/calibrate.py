"""Calibrate a model's errors: fit the distribution of the errors of held-out reference stars."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.cannon.choices import N_STARTS, SEED
from bayescannon.cannon.damage import gap_reach
from bayescannon.cannon.held_out import HeldOut
from bayescannon.cannon.information import read_information
from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.rows import rows_of
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.damage_fit import DamagedCopies
from bayescannon.reliability.error_fit import MIN_STARS, CalibrationError, fit_calibration, too_few
from bayescannon.reliability.out_of_fold import OutOfFold

# Reference errors larger than this share of the scatter leave nothing to calibrate
_TOO_LARGE = 0.95


def calibrate(
    model: TrainedModel,
    reference: ReferenceSet,
    held_out: HeldOut,
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
    held_out : HeldOut
        Their labels by models that never saw them, from :func:`bayescannon.cannon.held_out.hold_out`. Without copies
        with fewer pixels (``damaged``) the errors of a spectrum with few live pixels are those of a complete one, or
        the formal ones where these are larger.
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
    estimates = held_out.estimates
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
    parts = [_out_of_fold(model, estimates, reference.labels, noise, reference.star_number)]
    if clipped is not None and len(clipped):
        dropped = label_spectra(model, clipped.spectra, n_starts=n_starts, seed=seed, workers=workers)
        clipped_noise, _ = _reference_errors(clipped, model.label_names, label_errors or {}, np.median(noise, axis=0))
        parts.append(_out_of_fold(model, dropped, clipped.labels, clipped_noise, clipped.star_number))
    stars = OutOfFold.join(parts)
    try:
        calibration = fit_calibration(
            stars, _damaged_copies(model, held_out.damaged, reference, noise), workers=workers
        )
    except CalibrationError as error:
        return without_calibration(model, str(error))
    known = 100 * calibration.scale_error
    level = f"level known to {known.min():.1f}-{known.max():.1f} %"
    if calibration.damage is not None:
        level += f", of damaged spectra from {calibration.damage.n_copies} copies"
    notes = [level, *notes, *_suspect(stars, model.label_names)]
    notes += [left_out] * bool(left_out)
    return replace(model, calibration=calibration, calibration_note="; ".join(notes))


def without_calibration(model: TrainedModel, reason: str) -> TrainedModel:
    """Return the model without a calibration, and with the reason in its note."""
    return replace(model, calibration=None, calibration_note=f"none: {reason}")


def _out_of_fold(
    model: TrainedModel, estimates: xr.Dataset, labels: FloatArray, noise: FloatArray, star: NDArray[np.int64]
) -> OutOfFold:
    """Put what is known of spectra into scaled labels, NaN where the fit did not converge."""
    scale = model.scaler.scale
    converged = (estimates["status"].to_numpy() == FitStatus.CONVERGED)[:, None]
    return OutOfFold(
        np.where(converged, model.scaler.to_scaled(estimates["labels"].to_numpy()), np.nan),
        formal_errors(estimates) / scale,
        model.scaler.to_scaled(labels),
        noise / scale,
        estimates["snr"].to_numpy(),
        star,
        read_information(estimates, model),
    )


def _damaged_copies(
    model: TrainedModel, damaged: xr.Dataset | None, reference: ReferenceSet, noise: FloatArray
) -> DamagedCopies | None:
    """Return the copies, with the reference labels of their stars."""
    if damaged is None:
        return None
    row = rows_of(reference.spectra.id, damaged["star"].to_numpy().astype(np.str_))
    if (row < 0).any():
        raise InputError("the damaged copies must be of the reference stars; one is of another star")
    stars = _out_of_fold(model, damaged, reference.labels[row], noise[row], reference.star_number[row])
    return DamagedCopies(stars, row, gap_reach(reference.spectra))


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
    scatter = np.nanquantile(np.abs(stars.scaled - stars.reference), 0.6827, axis=0)
    large = np.median(stars.noise, axis=0) > _TOO_LARGE * scatter
    return [
        f"the reference's errors of {name} are as large as the scatter; its calibrated error is too small if they are "
        "overstated"
        for name, bad in zip(names, large, strict=True)
        if bad
    ]
