"""Training: a reference set in, a trained model out, with the paper's 4-sigma clip of wrong labels."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.flags import FitStatus
from bayescannon.infer import label_spectra
from bayescannon.label_errors import LabelErrorFit, fit_label_errors
from bayescannon.label_population import LabelErrorsError
from bayescannon.label_vector import label_vector
from bayescannon.labels import LabelScaler
from bayescannon.pixel_fit import PixelFit, fit_pixels
from bayescannon.pixel_prior import PixelPrior
from bayescannon.reference import ReferenceSet, ReferenceSetError, tally_text
from bayescannon.reference_errors import take_errors
from bayescannon.spectral_fit import SpectralFit, fit_spectral
from bayescannon.trained_model import TrainedModel
from bayescannon.training_options import TrainingOptions
from bayescannon.version import __version__

CLIP_SIGMA = 4.0
# Far more rounds than any clip needed; every round is a row of the tally
_MAX_CLIP_ROUNDS = 20
_CLIP_SOURCE = "Ho et al. 2017, section 3"


def train(
    reference: ReferenceSet, *, options: TrainingOptions | None = None, workers: int | None = None
) -> TrainedModel:
    """
    Fit the spectral model (Ho et al. 2017, eq. 3-6) to a reference set: its maximum a posteriori.

    Parameters
    ----------
    reference : ReferenceSet
    options : TrainingOptions, optional
        Priors, noise, censored pixels and label errors; the paper's unless given. With label errors the populations
        and the noise scale are those learned from the reported labels, and the model has hidden components.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    model : TrainedModel

    Raises
    ------
    ReferenceSetError
        Fewer stars than twice the number of terms and hidden components, or no pixel that can be fitted.
    LabelError
        A label is constant over the stars.
    LabelErrorsError
        Label errors are asked for that the reference set lacks, or they are as large as the spread of the labels.
    PriorError
        A prior without an exact solver.
    """
    options = options or TrainingOptions()
    n_hidden = 0
    if options.label_errors is not None:
        reference, n_hidden = take_errors(reference, options.label_errors), options.n_hidden
    reference.require_enough(n_hidden=n_hidden)
    scaler = LabelScaler.fit(reference.labels, reference.label_names)
    spectra = reference.spectra
    vectors = label_vector(scaler.to_scaled(reference.labels))
    if options.paper_grid:
        fit = fit_pixels(vectors, spectra.flux, spectra.ivar, scatter="grid", workers=workers)
        result = SpectralFit(fit, np.ones(len(spectra.wavelength)), PixelPrior.flat(*fit.theta.shape))
    else:
        result = fit_spectral(
            vectors,
            spectra.flux,
            spectra.ivar,
            n_label=len(scaler.names),
            coefficients=options.coefficients,
            scatter=options.scatter,
            noise=options.noise,
            marginal=options.marginal,
            allowed=options.allowed(spectra.wavelength, scaler.names),
            workers=workers,
        )
    _require_live(result.fit, reference)
    fit, loadings, learned, ended = result.fit, None, result.hyperparameters, {}
    if options.label_errors is not None:
        latent = _fit_latent(reference, scaler, result, n_hidden=n_hidden, workers=workers)
        fit, loadings = latent.pixels, latent.loadings if n_hidden else None
        _require_live(fit, reference)
        learned = {**learned, **_learned_of(latent)}
        ended = {"label_errors_status": latent.status.name, "label_errors_failed": latent.n_failed}
    return TrainedModel(
        spectra.wavelength,
        scaler,
        fit,
        spectra.id,
        reference.labels,
        kappa=result.kappa,
        hyperparameters=learned,
        loadings=loadings,
        reference_errors=reference.errors,
        attrs={
            **ended,
            "version": __version__,
            "training": options.to_json(),
            "priors": options.describe(),
            "trace": json.dumps(result.trace),
            "converged": int(result.converged),
            "preset": str(spectra.attrs.get("preset", "")),
            "preset_settings": str(spectra.attrs.get("preset_settings", "")),
            "data_release": str(spectra.attrs.get("data_release", "")),
            "tally": json.dumps([asdict(row) for row in reference.tally]),
        },
    )


def _require_live(fit: PixelFit, reference: ReferenceSet) -> None:
    if not fit.live.any():
        raise ReferenceSetError(
            f"none of the {len(fit.scatter)} pixels has enough live reference stars to be fitted; look at the "
            "inverse variances of the spectra\n" + tally_text(reference.tally)
        )


def _fit_latent(
    reference: ReferenceSet, scaler: LabelScaler, reported: SpectralFit, *, n_hidden: int, workers: int | None
) -> LabelErrorFit:
    """Train on latent labels, from the fit to the reported ones on."""
    try:
        return fit_label_errors(
            scaler.to_scaled(reference.labels),
            (reference.errors / scaler.scale) ** 2,
            reference.spectra.flux,
            reference.spectra.ivar,
            n_hidden=n_hidden,
            kappa=reported.kappa,
            prior=reported.prior,
            start=reported.fit,
            workers=workers,
        )
    except LabelErrorsError as error:
        numbered = ", ".join(f"{k} is {name}" for k, name in enumerate(scaler.names))
        raise LabelErrorsError(f"{error} (label number {numbered})") from error


def _learned_of(latent: LabelErrorFit) -> dict[str, NDArray[np.float64]]:
    """Name what was learned of the latent labels, for :class:`TrainedModel`."""
    learned: dict[str, Any] = {
        "label_mean": latent.population.mean,
        "label_covariance": latent.population.covariance,
        "label_error_trace": latent.trace,
    }
    if latent.calibration is not None and latent.systematic is not None:
        learned["calibration_matrix"] = latent.calibration.matrix
        learned["calibration_offset"] = latent.calibration.offset
        learned["systematic_covariance"] = latent.systematic
    return learned


def train_clipped(
    reference: ReferenceSet,
    *,
    n_sigma: float = CLIP_SIGMA,
    max_rounds: int | None = None,
    options: TrainingOptions | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> tuple[TrainedModel, ReferenceSet]:
    """
    Train, label the reference stars, drop those with a label off by more than `n_sigma` scatters; repeat.

    A star whose fit fails is dropped too. Ho et al. (2017) do one round; here the rounds go on until no star is
    dropped, or for `max_rounds`.

    Parameters
    ----------
    reference : ReferenceSet
    n_sigma : float
        In units of the standard deviation of (inferred - reference) of each label.
    max_rounds : int or None
        0 never clips; None goes on until the set is stable.
    options, workers
        As in :func:`train`.
    seed : int
        Decides the starts, as in :func:`bayescannon.infer.label_spectra`.

    Returns
    -------
    model : TrainedModel
    kept : ReferenceSet
        The stars that the model was trained on, with the rounds in the tally, and the errors that it was trained with.
    """
    limit = _MAX_CLIP_ROUNDS if max_rounds is None else max_rounds
    if limit < 0 or not n_sigma > 0:
        raise ValueError(f"clipping needs n_sigma > 0 and rounds >= 0; got {n_sigma} and {limit}")
    if options is not None and options.label_errors is not None:
        reference = take_errors(reference, options.label_errors)
    model = train(reference, options=options, workers=workers)
    for clip_round in range(1, limit + 1):
        n_starts = min(7, len(reference))
        estimates = label_spectra(model, reference.spectra, n_starts=n_starts, seed=seed, workers=workers)
        fitted = estimates["status"].to_numpy() == FitStatus.CONVERGED
        if not fitted.any():
            raise ReferenceSetError(
                f"none of the {len(reference)} reference stars could be labelled with the model trained on them; "
                "look at the spectra, and train with max_rounds=0 to see the model\n" + tally_text(reference.tally)
            )
        off = estimates["labels"].to_numpy() - reference.labels
        spread = off[fitted].std(axis=0)
        dropped = ~fitted | ~(np.abs(off) <= n_sigma * spread).all(axis=1)
        if not dropped.any():
            break
        step = f"clip round {clip_round}: a label off by more than {n_sigma:g} scatters"
        reference = reference.drop(dropped, step, _CLIP_SOURCE)
        model = train(reference, options=options, workers=workers)
    return model, reference
