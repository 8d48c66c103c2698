"""What a trained model gives to the training on other stars of the same kind: where it starts, and what it holds."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference_fit import priors_of
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.labels import LabelScaler
from bayescannon.models.coefficient_priors import (
    FlatCoefficients,
    LaplaceCoefficients,
    NormalCoefficients,
    PooledCoefficients,
)
from bayescannon.models.noise_priors import (
    FixedNoise,
    FlatScatter,
    GlobalNoise,
    HalfNormalScatter,
    PixelNoise,
    StarNoise,
)
from bayescannon.models.outliers import NoOutliers
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.pixels.label_moments import vector_map
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.spectral_fit import SpectralFit, known_prior


def start_of(model: TrainedModel) -> SpectralFit:
    """Return the scatters, kappa and populations of a model, from which a fit with the same options starts."""
    return SpectralFit(model.fit, model.noise_scale, PixelPrior.flat(*model.theta.shape), model.populations)


def has_learned(options: TrainingOptions) -> bool:
    """Return whether a training learns by rounds: populations, noise scales, hidden components or latent labels."""
    plain = isinstance(options.coefficients, FlatCoefficients | NormalCoefficients | LaplaceCoefficients)
    plain &= isinstance(options.noise, FixedNoise) and isinstance(options.scatter, FlatScatter | HalfNormalScatter)
    return options.has_latent or not (plain and isinstance(options.outliers, NoOutliers))


def needs_memory(options: TrainingOptions) -> list[str]:
    """Return what of a training needs all reference spectra in memory, and cannot read them by blocks of pixels."""
    needs = {
        "hidden components or latent labels": options.has_latent,
        "nuisances of the reference stars": bool(options.nuisances),
        "noise scales of stars": isinstance(options.noise, StarNoise),
        "outliers": not isinstance(options.outliers, NoOutliers),
        "smooth coefficients": isinstance(options.coefficients, SmoothCoefficients),
    }
    return [what for what, needed in needs.items() if needed]


def can_hold(options: TrainingOptions) -> bool:
    """
    Return whether kappa and populations can be those of another model, while coefficients are fitted.

    They cannot where reference stars have parameters of their own (noise scales, nuisances, outliers), or coefficients
    a prior that is not Gaussian.
    """
    common = isinstance(options.noise, FixedNoise | GlobalNoise | PixelNoise) and not options.nuisances
    gaussian = isinstance(options.coefficients, FlatCoefficients | NormalCoefficients | PooledCoefficients)
    return common and gaussian and isinstance(options.outliers, NoOutliers)


def rescaled_theta(model: TrainedModel, scaler: LabelScaler) -> NDArray[np.float64]:
    """Return a model's coefficients for labels that are scaled by `scaler`, shape (P, T): the spectra are the same."""
    ratio = model.scaler.scale / scaler.scale
    change = vector_map(np.diag(ratio), (model.scaler.pivot - scaler.pivot) / scaler.scale)
    # theta . v is the same for the label vectors of both scalers, of which one is the other times `change`
    theta: NDArray[np.float64] = np.linalg.solve(change.T, model.theta.T).T
    return theta


def held_fit(model: TrainedModel, scaler: LabelScaler) -> SpectralFit:
    """Return a model's coefficients for labels that are scaled by `scaler`, with its kappa, populations and prior."""
    theta = rescaled_theta(model, scaler)
    prior = known_prior(
        priors_of(model.options, model.wavelength, model.label_names), model.populations, len(theta),
        len(model.label_names),
    )  # fmt: skip
    return SpectralFit(replace(model.fit, theta=theta), model.noise_scale, prior, model.populations)
