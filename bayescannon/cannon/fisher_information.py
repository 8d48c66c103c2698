"""The information on each label in a star's pixels under a trained model: by wavelength, by feature and against S/N."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.cannon.choices import INFORMATION_BLOCK, INFORMATION_SNR
from bayescannon.cannon.coverage_flag import outside_coverage
from bayescannon.cannon.information_result import (
    BlockInformation,
    ExpectedErrors,
    FeatureInformation,
    LabelInformation,
)
from bayescannon.cannon.model_file import as_model
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.convert import numbers
from bayescannon.data.grid import pieces
from bayescannon.data.labels import LabelError
from bayescannon.data.spectral_features import features_within
from bayescannon.io.inputs import as_spectra
from bayescannon.models.label_vector import label_vector_jacobian
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.errors import BayesCannonWarning, InputError
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.nuisance import REST
from bayescannon.stars.pixel_information import (
    PixelInformation,
    information_lost,
    information_matrix,
    label_variance,
    pixel_information,
)

# S/N at which errors are expected
SNR_GRID = (10.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0, 150.0, 200.0, 300.0)


def label_information(
    model: TrainedModel | str | Path,
    at: Mapping[str, float] | ArrayLike | None = None,
    *,
    snr: float = INFORMATION_SNR,
    ivar: ArrayLike | None = None,
    block: float = INFORMATION_BLOCK,
) -> LabelInformation:
    r"""
    Evaluate the information on each label in each pixel, and the errors that are expected.

    With the derivatives J of the model's flux by the labels, the pixels' weights
    :math:`w = 1/(s^2 + \kappa^2 \sigma^2)` and the loadings H of hidden components and nuisances, the information is
    :math:`J^T (W^{-1} + H H^T)^{-1} J`, the inverse of the formal covariance of a star with these labels. See
    :mod:`bayescannon.stars.pixel_information`. It is local, and about noise alone; what the model does not
    describe is in the calibrated errors only.

    Parameters
    ----------
    model : TrainedModel, or path of its file
    at : mapping of label to value, or array of shape (K,), optional
        The star's labels, in their units; the median of the reference stars for labels that are not given.
    snr : float
        Its S/N as surveys report it: kappa is applied to it.
    ivar : array of shape (P,), optional
        Reported inverse variances of its normalised flux, 0 in dead pixels, at this S/N: of one star, or
        :func:`~bayescannon.cannon.fisher_information.typical_ivar`. snr^2 in every pixel unless given.
    block : float
        Width of the blocks of wavelengths [Angstrom].

    Returns
    -------
    information : LabelInformation

    Raises
    ------
    LabelError
        `at` has a label that the model does not have, or a value that is not finite.
    InputError
        Arrays of other shapes, a negative inverse variance, or a width or S/N that is not positive.

    Warns
    -----
    BayesCannonWarning
        `at` is outside the range of the reference stars.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 0, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "fe_h"), format="allstar-dr12")
    >>> information = bc.label_information(bc.train(reference), {"fe_h": -0.3}, snr=50)
    >>> information.marginal.shape
    (3626, 2)
    >>> bool((information.error >= information.error_known).all())
    True
    """
    model = as_model(model)
    snr, block = real_number(snr, "snr", above=0), real_number(block, "block", above=0)
    labels = _labels_at(model, at)
    profile = _profile(model, ivar, snr)
    scale, scaled = model.scaler.scale, model.scaler.to_scaled(labels)
    live = np.isfinite(model.scatter)
    slopes = np.where(live[:, None], model.theta, 0.0) @ label_vector_jacobian(scaled)
    directions = _directions(model, scaled)
    weight = pixel_weights(model.scatter, snr**2 * profile / model.noise_scale**2)
    found = pixel_information(slopes, directions, weight)
    return LabelInformation(
        wavelength=model.wavelength,
        labels=model.labels,
        at=labels,
        snr=snr,
        known=found.known / scale**2,
        marginal=found.marginal / scale**2,
        prior=found.prior / scale**2,
        blocks=_blocks(model.wavelength, slopes, directions, weight, block),
        features=_features(model.wavelength, slopes, directions, weight, found),
        expected=_expected(model, scaled, slopes, directions, profile),
    )


def typical_ivar(spectra: Any, snr: float = INFORMATION_SNR) -> NDArray[np.float64]:
    """
    Return the inverse variances of a typical star of this S/N, shape (P,): the median of ivar / snr^2, times snr^2.

    Parameters
    ----------
    spectra : Spectra, or path of a store
        Stars without S/N are left out.
    snr : float

    Raises
    ------
    InputError
        No star has an S/N.

    Examples
    --------
    >>> import bayescannon as bc
    >>> spectra = bc.prepare_spectra(list(bc.simulate_survey(20, 0, seed=1).spectra()))
    >>> typical_ivar(spectra, 50).shape
    (3626,)
    """
    spectra = as_spectra(spectra)
    own = np.asarray(spectra.columns.get("snr", np.full(len(spectra), np.nan)), dtype=float)
    known = np.isfinite(own) & (own > 0)
    if not known.any():
        raise InputError(
            f"none of the {len(own)} spectra has an S/N, so that their noise cannot be brought to S/N {snr:g}; give "
            "inverse variances of such a star (label_information(ivar=)), or take the same noise in all pixels (no "
            "--store)"
        )
    relative = np.asarray(spectra.ivar[known], dtype=float) / own[known, None] ** 2
    typical: NDArray[np.float64] = np.median(relative, axis=0) * real_number(snr, "snr", above=0) ** 2
    return typical


def _labels_at(model: TrainedModel, at: Mapping[str, float] | ArrayLike | None) -> NDArray[np.float64]:
    """Return the star's labels, in the labels' units."""
    values = model.scaler.pivot.astype(float).copy()
    if isinstance(at, Mapping):
        for name, value in at.items():
            if name not in model.label_names:
                raise LabelError(f"the model has the labels {', '.join(model.label_names)}; got a value of {name!r}")
            values[model.label_names.index(name)] = real_number(value, name)
    elif at is not None:
        given = np.asarray(numbers(at, "at")[0], dtype=float)
        if given.shape != values.shape or not np.isfinite(given).all():
            raise LabelError(
                f"at must have a finite value for each of {', '.join(model.label_names)}; got shape {given.shape}"
            )
        values = given
    if outside_coverage(model, values[None])[1][0]:
        text = ", ".join(f"{name}={value:g}" for name, value in zip(model.label_names, values, strict=True))
        warnings.warn(
            f"{text} is outside the coverage of the reference stars: the model is extrapolated there",
            BayesCannonWarning,
            stacklevel=3,
        )
    return values


def _profile(model: TrainedModel, ivar: ArrayLike | None, snr: float) -> NDArray[np.float64]:
    """Return inverse variances for an S/N of 1."""
    if ivar is None:
        return np.ones(len(model.wavelength))
    values = np.asarray(numbers(ivar, "ivar")[0], dtype=float)
    if values.shape != model.wavelength.shape:
        raise InputError(f"ivar must have one value per pixel, shape {model.wavelength.shape}; got {values.shape}")
    if not (np.isfinite(values) & (values >= 0)).all():
        raise InputError("ivar must be finite and not negative, 0 in dead pixels")
    return values / snr**2


def _directions(model: TrainedModel, scaled: FloatArray) -> NDArray[np.float64]:
    """Return how hidden components and nuisances change the spectrum of a star, shape (P, R + M)."""
    parts = [np.zeros((len(model.wavelength), 0))]
    if model.loadings is not None:
        parts.append(np.asarray(model.loadings, dtype=float))
    if model.nuisance_model is not None:
        parts.append(model.nuisance_model.at(REST).directions(scaled[None])[:, 0].T.astype(float))
    directions = np.concatenate(parts, axis=1)
    return np.where(np.isfinite(model.scatter)[:, None], directions, 0.0)


def _blocks(
    wavelength: FloatArray, slopes: FloatArray, directions: FloatArray, weight: FloatArray, width: float
) -> tuple[BlockInformation, ...]:
    """Return what is lost without each block of this width; a block does not reach over a gap of the grid."""
    number = np.zeros(len(wavelength), dtype=int)
    start = 0
    for piece in pieces(wavelength):
        number[piece] = start + ((wavelength[piece] - wavelength[piece][0]) / width).astype(int)
        start = int(number[piece].max()) + 1
    members = number == np.unique(number)[:, None]
    lost = information_lost(slopes, directions, weight, members)
    return tuple(
        BlockInformation(float(wavelength[own].min()), float(wavelength[own].max()), row)
        for own, row in zip(members, lost, strict=True)
    )


def _features(
    wavelength: FloatArray, slopes: FloatArray, directions: FloatArray, weight: FloatArray, found: PixelInformation
) -> tuple[FeatureInformation, ...]:
    """Return the information in each feature that has live pixels."""
    features = features_within(wavelength[weight > 0])
    if not features:
        return ()
    members = np.array([feature.covers(wavelength) & (weight > 0) for feature in features])
    lost = information_lost(slopes, directions, weight, members)
    # where the pixels do not determine a label, none of them has a share of it
    share = members.astype(float) @ found.marginal * np.where(np.isfinite(found.variance), found.variance, 0.0)
    return tuple(
        FeatureInformation(feature.name, str(feature.kind), int(own.sum()), part, row)
        for feature, own, part, row in zip(features, members, share, lost, strict=True)
    )


def _expected(
    model: TrainedModel, scaled: FloatArray, slopes: FloatArray, directions: FloatArray, profile: FloatArray
) -> ExpectedErrors:
    """Return the errors on the grid of S/N."""
    snr, n_label = np.array(SNR_GRID), slopes.shape[1]
    whole = np.empty((2, len(snr), n_label))
    for row, value in enumerate(snr):
        weight = pixel_weights(model.scatter, value**2 * profile / model.noise_scale**2)
        for place, beside in enumerate((directions, directions[:, :0])):
            matrix = information_matrix(slopes, beside, weight)
            whole[place, row] = np.sqrt(label_variance(matrix[None], n_label)[0])
    calibrated = None
    if model.calibration is not None:
        predicted = model.calibration.predict(np.tile(scaled, (len(snr), 1)), whole[0], snr)
        calibrated = predicted.interval() * model.scaler.scale
    formal, known = whole * model.scaler.scale
    return ExpectedErrors(snr, formal, known, calibrated)
