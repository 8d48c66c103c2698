"""Labels of stars from their spectra: seven starts on the exact quartic, best optimum, formal errors."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon import __version__
from bayescannon.cannon.likelihood import star_quartic
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.data.spectra import IDENTITY_COLUMNS, STAR_COLUMNS, Spectra
from bayescannon.models.label_priors import FlatLabels, LabelPrior
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.quartic import Quartic, chi2_derivatives, minimise

# A row with a larger reduced chi2 is flagged (Ho et al. 2017, section 5)
HIGH_REDUCED_CHI2 = 10.0
LOW_SNR = 10.0
# Starts agree when their optima are within this many formal errors of the best
_AGREEMENT = 0.01
# Another optimum matters if it is a formal error away and its chi2 is within this of the best (3 sigma)
_RIVAL_CHI2 = 9.0
_RIVAL_DISTANCE = 1.0
_MIN_RCOND = 1e-12
# A prior dominates a label whose variance it lowers below this share of that of the spectrum alone
_LEAST_SHARE_OF_DATA = 0.5


def draw_starts(model: TrainedModel, n_starts: int, *, seed: int) -> FloatArray:
    """
    Draw the labels of reference stars to start from (the released code draws seven, once for all stars).

    Returns
    -------
    starts : float array of shape (n_starts, K)
        Scaled labels; the first n of a longer draw with the same seed are the same.

    Raises
    ------
    ValueError
        `n_starts` is not between 1 and the number of reference stars.
    """
    n_reference = len(model.reference_labels)
    if not 1 <= n_starts <= n_reference:
        raise InputError(f"starts must be from 1 to the {n_reference} reference stars; got {n_starts}")
    order = np.random.default_rng(seed).permutation(n_reference)
    return model.scaler.to_scaled(model.reference_labels[order[:n_starts]])


def label_spectra(
    model: TrainedModel,
    spectra: Spectra,
    *,
    prior: LabelPrior | None = None,
    n_starts: int = 7,
    seed: int = 0,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Find the labels of stars by least squares (Ho et al. 2017, section 4), exactly, from several starts.

    With a prior, the labels are those of the maximum of the posterior, and the formal covariance has its curvature.

    Parameters
    ----------
    model : TrainedModel
    spectra : Spectra
        N stars on the model's grid.
    prior : prior object, optional
        See :mod:`bayescannon.models.label_priors`; flat, as in the paper, unless given.
    n_starts : int
        Reference stars whose labels are tried as starts; the paper takes seven.
    seed : int
        Decides which; the same seed gives the same labels.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    estimates : xarray.Dataset
        Dims star, stellar_label, stellar_label_2. ``labels`` and ``formal_covariance`` (J^T W J)^-1 in the labels'
        units (NaN where there is no fit), ``chi2``, ``reduced_chi2`` (live pixels - K degrees of freedom),
        ``live_pixels``, ``agreeing_starts``, ``status`` (:class:`~bayescannon.data.flags.FitStatus`), ``flags``
        (:class:`~bayescannon.data.flags.ResultFlag`), and ra, dec, redshift, snr and the star's names
        (:data:`~bayescannon.data.spectra.IDENTITY_COLUMNS`) as the survey gave them. A calibrated
        model adds ``calibrated_error``: the true label is that near with a probability of 68.3 %.

    Raises
    ------
    GridError
        The spectra are on another grid.
    LabelError
        The prior is of a label that the model does not have.
    """
    prior = prior or FlatLabels()
    density = prior.density(model.scaler)
    starts = draw_starts(model, n_starts, seed=seed)
    quartic = star_quartic(model, spectra, workers=workers)
    found = find_labels(quartic, starts, density=density, workers=workers)
    if not density.is_flat:
        found["prior_dominated"] = _prior_dominates(found, find_labels(quartic, starts, workers=workers))
    return _assemble(model, spectra, found, prior=prior, n_starts=n_starts, seed=seed)


def find_labels(
    quartic: Quartic, starts: FloatArray, *, density: LabelDensity | None = None, workers: int | None = None
) -> dict[str, NDArray[Any]]:
    """
    Find the best optimum of every star, in scaled labels.

    Parameters
    ----------
    quartic : Quartic
        Of N stars.
    starts : float array of shape (start, K) or (star, start, K)
        Scaled labels, the same for all stars or each star's own.
    density : LabelDensity, optional
        Prior of the labels; flat unless given.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    found : dict
        ``scaled`` (N, K), ``covariance`` (N, K, K), the formal one, ``chi2``, ``agreeing_starts``, ``live_pixels``
        and ``status`` (N,); NaN where there is no fit.
    """
    n_label = starts.shape[-1]
    optima = minimise(quartic, starts, density=density, workers=workers)
    stars = np.arange(len(quartic))
    best = optima.chi2.argmin(axis=1)
    scaled, converged = optima.labels[stars, best], optima.converged[stars, best]
    gauss = chi2_derivatives(quartic, scaled, density=density).gauss_newton / 2
    apart = optima.labels - scaled[:, None, :]
    distance = np.einsum("nsi,nij,nsj->ns", apart, gauss, apart)

    rival = optima.converged & (distance > _RIVAL_DISTANCE**2)
    rival &= optima.chi2 - optima.chi2[stars, best][:, None] < _RIVAL_CHI2

    # a quartic that something was taken out of may have no minimum: negative curvature, labels without bounds
    sound = np.isfinite(gauss).all(axis=(1, 2)) & (np.diagonal(gauss, axis1=1, axis2=2) > 0).all(axis=1)
    gauss[~sound] = 0.0
    diagonal = np.sqrt(np.maximum(np.diagonal(gauss, axis1=1, axis2=2), np.finfo(float).tiny))
    unit = gauss / (diagonal[:, :, None] * diagonal[:, None, :])
    eigenvalues = np.linalg.eigvalsh(unit)
    definite = eigenvalues[:, 0] > _MIN_RCOND * np.maximum(eigenvalues[:, -1], 1e-300)
    covariance = np.full_like(gauss, np.nan)
    inverse = np.linalg.inv(unit[definite])
    covariance[definite] = inverse / (diagonal[definite, :, None] * diagonal[definite, None, :])

    status = np.where(converged, FitStatus.CONVERGED, FitStatus.NOT_CONVERGED)
    status = np.where(definite, status, FitStatus.SINGULAR)
    few = quartic.n_live <= n_label
    status = np.where(few, FitStatus.FEW_PIXELS, status)
    chi2 = chi2_derivatives(quartic, scaled).chi2
    scaled[few], covariance[few], chi2[few] = np.nan, np.nan, np.nan
    return {
        "scaled": scaled,
        "covariance": covariance,
        "chi2": chi2,
        "agreeing_starts": np.where(few, 0, (distance < _AGREEMENT**2).sum(axis=1)),
        "rivals": rival.any(axis=1) & ~few,
        "live_pixels": quartic.n_live,
        "status": status.astype(np.int16),
    }


def _prior_dominates(found: Mapping[str, NDArray[Any]], alone: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Say where a prior moves a label by more than its formal error, or halves its variance, or gives it one."""
    variance = np.diagonal(alone["covariance"], axis1=1, axis2=2)
    with np.errstate(invalid="ignore"):
        moved = (found["scaled"] - alone["scaled"]) ** 2 > variance
        halved = np.diagonal(found["covariance"], axis1=1, axis2=2) < _LEAST_SHARE_OF_DATA * variance
    given = np.isnan(variance) & ~np.isnan(found["scaled"])
    dominated: NDArray[np.bool_] = (moved | halved | given).any(axis=1)
    return dominated


def _assemble(
    model: TrainedModel,
    spectra: Spectra,
    found: Mapping[str, NDArray[Any]],
    *,
    prior: LabelPrior,
    n_starts: int,
    seed: int,
) -> xr.Dataset:
    """Put the solution into the labels' units, flag it, and name its dims."""
    labels = model.scaler.from_scaled(found["scaled"])
    covariance = model.scaler.covariance_from_scaled(found["covariance"])
    n_star, n_label = labels.shape
    degrees = found["live_pixels"] - n_label
    reduced = found["chi2"] / np.where(degrees > 0, degrees, 1)
    columns = {name: spectra.columns.get(name, np.full(n_star, np.nan)) for name in STAR_COLUMNS}
    low, high = model.reference_labels.min(axis=0), model.reference_labels.max(axis=0)
    conditions = {
        ResultFlag.HIGH_CHI2: reduced > HIGH_REDUCED_CHI2,
        ResultFlag.NOT_CONVERGED: found["status"] != FitStatus.CONVERGED,
        ResultFlag.FEW_PIXELS: found["live_pixels"] < len(model.wavelength) / 2,
        ResultFlag.MULTIMODAL: found["rivals"] | (found["agreeing_starts"] < n_starts / 2),
        ResultFlag.OUTSIDE_COVERAGE: ((labels < low) | (labels > high)).any(axis=1),
        ResultFlag.LOW_SNR: columns["snr"] < LOW_SNR,
        ResultFlag.PRIOR_DOMINATED: found.get("prior_dominated", np.zeros(n_star, dtype=bool)),
    }
    flags = sum((np.where(mask, int(flag), 0) for flag, mask in conditions.items()), np.zeros(n_star, dtype=np.int32))
    pair = ("star", "stellar_label", "stellar_label_2")
    return xr.Dataset(
        {
            "labels": (("star", "stellar_label"), labels),
            "formal_covariance": (pair, covariance),
            **_calibrated(model, found, columns["snr"]),
            "chi2": ("star", found["chi2"]),
            "reduced_chi2": ("star", reduced),
            "live_pixels": ("star", found["live_pixels"]),
            "agreeing_starts": ("star", found["agreeing_starts"]),
            "status": ("star", found["status"]),
            "flags": ("star", flags.astype(np.int32)),
            **{name: ("star", values) for name, values in columns.items()},
            **{name: ("star", spectra.columns[name]) for name in IDENTITY_COLUMNS if name in spectra.columns},
        },
        coords={
            "star": spectra.id,
            "stellar_label": list(model.label_names),
            "stellar_label_2": list(model.label_names),
        },
        attrs={
            "version": __version__,
            "model_hash": model.hash,
            "n_starts": n_starts,
            "seed": seed,
            "data_release": str(spectra.attrs.get("data_release", "")),
            "model_release": model.provenance.data_release,
            "preset": str(spectra.attrs.get("preset", "")),
            "reference": f"{len(model.reference_id)} reference stars",
            "priors": model.options.describe(),
            "prior": prior.describe(),
            "errors": "formal" if model.calibration is None else model.calibration.describe(),
            "kappa": f"{np.median(model.noise_scale):.4f}",
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    )


def _calibrated(
    model: TrainedModel, found: Mapping[str, NDArray[Any]], snr: FloatArray
) -> dict[str, tuple[tuple[str, str], FloatArray]]:
    """Return the calibrated errors as a variable; nothing of a model without calibration."""
    if model.calibration is None:
        return {}
    variance = np.diagonal(found["covariance"], axis1=1, axis2=2)
    formal = np.sqrt(np.where(variance > 0, variance, np.nan))
    predicted = model.calibration.predict(found["scaled"], formal, snr)
    return {"calibrated_error": (("star", "stellar_label"), predicted.interval() * model.scaler.scale)}


def formal_errors(estimates: xr.Dataset) -> NDArray[np.float64]:
    """Return the formal errors, shape (star, K), in the labels' units: roots of the covariances' diagonals."""
    covariance = estimates["formal_covariance"].to_numpy()
    return np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
