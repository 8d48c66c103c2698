"""
Bootstrap: the spread of labels from models that are trained on resampled reference stars.

The reference stars are resampled with replacement; a star that is drawn m times counts m times in the sums of training
(Ho et al. 2017, section 4, with 20 models), with all of its spectra. Pivots and scales of the labels and the spectra to
be labelled are the same for all models, so the spread is the error from training only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon import __version__
from bayescannon.cannon.choices import LEARN, N_BOOTSTRAP, SEED
from bayescannon.cannon.labelling import draw_starts, label_spectra
from bayescannon.cannon.latent_training import fit_latent
from bayescannon.cannon.likelihood import star_quartic
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.reference_fit import fit_reference
from bayescannon.cannon.start import start_of
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import training_stars
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.errors import InputError
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.nuisance_fit import without_nuisances
from bayescannon.pixels.solver import Solver
from bayescannon.stars.optimum import find_labels

# relative tolerance of s^2: Newton's method converges quadratically, so the error is far below the bootstrap's spread
_TOLERANCE = 1e-4
# reference stars whose labels are starts, in addition to the star's labels by the model: a second optimum of similar
# chi2 then contributes to the spread
_STARTS = 3


class BootstrapError(InputError):
    """Fewer than two bootstraps, which have no spread."""


def draw_multiplicities(n_star: int, n_bootstrap: int, *, seed: int) -> NDArray[np.int64]:
    """
    Draw the multiplicity of each of `n_star` stars in each bootstrap, shape (bootstrap, star).

    A row depends only on the seed and on its number, not on `n_bootstrap`.
    """
    streams = np.random.SeedSequence(seed).spawn(n_bootstrap)
    even = np.full(n_star, 1 / n_star)
    return np.array([np.random.default_rng(stream).multinomial(n_star, even) for stream in streams])


def retrain(
    model: TrainedModel, reference: ReferenceSet, multiplicity: NDArray[np.int64], *, workers: int | None = None
) -> TrainedModel:
    """
    Train a model again, with each reference spectrum counted `multiplicity` times.

    Parameters
    ----------
    model : TrainedModel
        Its scatters, kappa and populations are the starting values; its scaler and its options are kept.
    reference : ReferenceSet
        The stars that the model was trained on, in the same order.
    multiplicity : array of shape (spectrum,)
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    model : TrainedModel
    """
    options = model.settled_options
    vectors = label_vector(model.scaler.to_scaled(reference.labels))
    result = fit_reference(
        LabelMoments.known(vectors, multiplicity=np.asarray(multiplicity, dtype=np.float64)),
        reference.spectra.flux,
        reference.spectra.ivar,
        options,
        wavelength=model.wavelength,
        label_names=model.label_names,
        start=start_of(model),
        solver=Solver(tolerance=_TOLERANCE, workers=workers),
    )
    again = replace(model, fit=result.fit, kappa=result.kappa, populations=result.populations)
    if not options.has_latent:
        return again
    rows = np.repeat(np.arange(len(reference)), multiplicity)
    flux, ivar = without_nuisances(
        result,
        model.scaler.to_scaled(reference.labels),
        reference.spectra.flux,
        reference.spectra.ivar,
        wavelength=model.wavelength,
        nuisances=options.nuisances,
        workers=workers,
    )
    if result.star_scale is not None:
        # the fit left out the stars that do not count
        scale = np.ones(len(reference))
        scale[multiplicity > 0] = result.star_scale
        ivar = ivar / scale[:, None] ** 2
    errors = np.zeros_like(reference.labels)
    if options.label_errors is not None and model.reference_errors is not None:
        errors = model.reference_errors
    stars = ReportedStars(
        model.scaler.to_scaled(reference.labels[rows]), (errors[rows] / model.scaler.scale) ** 2, flux[rows], ivar[rows]
    )
    if result.factors is not None:
        result = replace(result, factors=result.factors[rows])
    # loadings start from the residuals again, as in training: those of the model would draw each bootstrap towards it,
    # because the rounds end before they converge, and would save a tenth of the time
    latent = fit_latent(
        stars, model.scaler, result, n_hidden=options.components or 0, fitted_errors=options.label_errors == LEARN,
        workers=workers,
    )  # fmt: skip
    return replace(again, fit=latent.pixels, loadings=latent.loadings, latent_labels=latent.learned)


@dataclass(frozen=True)
class Replicate:
    """
    One bootstrap of a model: a task.

    Attributes
    ----------
    model : TrainedModel
    number : int
        Of the bootstrap, from 0 on.
    seed : int
    """

    model: TrainedModel
    number: int
    seed: int


def train_replicate(replicate: Replicate, reference: ReferenceSet, workers: int | None = None) -> TrainedModel:
    """Train the model of one bootstrap; `reference` is the set of the model, as `training_stars` returns it."""
    drawn = draw_multiplicities(reference.n_stars, replicate.number + 1, seed=replicate.seed)[replicate.number]
    return retrain(replicate.model, reference, drawn[reference.star_number], workers=workers)


def bootstrap_labels(
    model: TrainedModel,
    reference: ReferenceSet,
    spectra: Spectra,
    *,
    n_bootstrap: int = N_BOOTSTRAP,
    models: Sequence[TrainedModel] | None = None,
    estimates: xr.Dataset | None = None,
    seed: int = SEED,
    workers: int | None = None,
) -> xr.Dataset:
    """
    Label stars with models trained on resampled reference stars.

    Parameters
    ----------
    model : TrainedModel
        Populations and noise scales that it fitted are fitted again in each bootstrap.
    reference : ReferenceSet
        The set that the model was trained on; other stars are left out.
    spectra : Spectra
        N stars on the model's grid, for instance some of a survey.
    n_bootstrap : int
        B, at least 2.
    models : sequence of TrainedModel, optional
        Of the bootstraps, if they were trained already (:func:`train_replicate`).
    estimates : xarray.Dataset, optional
        Result of :func:`bayescannon.cannon.labelling.label_spectra` for the same model and stars, if available.
    seed : int
        Seed of resampling and starts. The result does not depend on the number of workers, and the first bootstraps do
        not depend on `n_bootstrap`.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    draws : xarray.Dataset
        ``labels`` (bootstrap, star, stellar_label) in the labels' units, NaN where a bootstrap could not label the
        star, and ``n_failed`` (star), the number of bootstraps that could not.

    Raises
    ------
    BootstrapError
        B is less than 2.
    ReferenceSetError
        The reference set is not the model's.
    GridError
        The spectra are on another grid.
    """
    if n_bootstrap < 2:
        raise BootstrapError(f"n_bootstrap must be at least 2, to have a spread; got {n_bootstrap}")
    reference = training_stars(model, reference)
    if estimates is None:
        estimates = label_spectra(model, spectra, seed=seed, workers=workers)
    own = model.scaler.to_scaled(estimates["labels"].to_numpy())
    others = draw_starts(model, _STARTS, seed=seed)
    starts = np.empty((len(spectra), 1 + _STARTS, own.shape[1]))
    starts[:, 0] = np.where(np.isfinite(own), own, 0.0)
    starts[:, 1:] = others
    labels = np.empty((n_bootstrap, *own.shape))
    for draw in range(n_bootstrap):
        replicate = Replicate(model, draw, seed)
        other = train_replicate(replicate, reference, workers) if models is None else models[draw]
        found = find_labels(star_quartic(other, spectra, workers=workers), starts, workers=workers)
        labels[draw] = np.where(found.converged[:, None], model.scaler.from_scaled(found.scaled), np.nan)
    return xr.Dataset(
        {
            "labels": (("bootstrap", "star", "stellar_label"), labels),
            "n_failed": ("star", np.isnan(labels[:, :, 0]).sum(axis=0)),
        },
        coords={
            "bootstrap": np.arange(n_bootstrap),
            "star": spectra.id,
            "stellar_label": list(model.label_names),
        },
        attrs={"version": __version__, "model_hash": model.hash, "n_bootstrap": n_bootstrap, "seed": seed},
    )
