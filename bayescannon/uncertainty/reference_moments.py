r"""
Moments of the reference stars of a model with hidden components, and the joint covariance of theta and H.

Given the moments of w = (v(x), h), a pixel is a regression on T + R terms, as in the last step of training
(:mod:`bayescannon.pixels.latent_label_fit`).
"""

from dataclasses import replace

import numpy as np

from bayescannon.cannon.likelihood import coefficient_columns
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.numerics.packing import unpack_symmetric
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.fit import PixelFit
from bayescannon.pixels.hidden_step import infer_hidden
from bayescannon.pixels.latent_label_step import LatentLabels, infer_latent
from bayescannon.uncertainty.anchor import is_anchored, scaled_error_variance

_PIXELS = 64


def reference_moments(
    model: TrainedModel, reference: ReferenceSet, ivar: FloatArray, *, workers: int | None = None
) -> LatentLabels:
    """
    Return labels and hidden components of the reference stars given a model.

    Parameters
    ----------
    model : TrainedModel
        With hidden components or latent labels.
    reference : ReferenceSet
        The stars that the model was trained on, in the same order.
    ivar : float array of shape (star, pixel)
        From :func:`bayescannon.cannon.likelihood.used_ivar`.
    workers : int or None
        Threads; None takes every core.
    """
    observed = model.scaler.to_scaled(reference.labels)
    columns, scatter = coefficient_columns(model), model.scatter
    data = ReportedStars(observed, np.zeros_like(observed), reference.spectra.flux, ivar)
    if model.latent_labels is None or not is_anchored(model):
        return infer_hidden(columns, scatter, data, workers=workers)
    data = replace(data, variance=scaled_error_variance(model))
    population = model.latent_labels.population
    return infer_latent(columns, scatter, data, population, observed[:, None], single=True, workers=workers)


def joint_fit(
    fit: PixelFit, loadings: FloatArray, latent: LatentLabels, ivar: FloatArray, *, workers: int | None = None
) -> PixelFit:
    """
    Return a fit whose coefficients and covariances are those of theta and H together.

    With the normal equations N of (theta, H), the covariance C of theta is the inverse of the Schur complement of N_HH,
    so that only N_vH and N_HH are needed, and no prior.

    Parameters
    ----------
    fit : PixelFit
        Of P live pixels.
    loadings : float array of shape (P, R)
    latent : LatentLabels
        Of N reference stars.
    ivar : float array of shape (N, P)
    workers : int or None
        Threads; None takes every core.
    """
    size, n_hidden = fit.theta.shape[1], loadings.shape[1]
    if n_hidden == 0:
        return fit
    cross = np.ascontiguousarray(latent.products[:, :size, size:].reshape(len(ivar), -1))
    k, l = np.triu_indices(n_hidden)  # noqa: E741 - the indices of the paper
    own = np.ascontiguousarray(latent.products[:, size:, size:][:, k, l])
    covariance = np.empty((len(loadings), size + n_hidden, size + n_hidden))

    def one(part: slice) -> None:
        weight = pixel_weights(fit.scatter[part], ivar[:, part]).T
        across = (weight @ cross).reshape(-1, size, n_hidden)
        inner = np.linalg.inv(unpack_symmetric(weight @ own, n_hidden))
        slope = across @ inner
        of_theta = fit.covariance[part]
        out = covariance[part]
        out[:, :size, :size] = of_theta
        out[:, :size, size:] = -of_theta @ slope
        out[:, size:, :size] = out[:, :size, size:].transpose(0, 2, 1)
        out[:, size:, size:] = inner + slope.transpose(0, 2, 1) @ of_theta @ slope

    map_blocks(one, len(loadings), _PIXELS, workers)
    return replace(fit, theta=np.concatenate([fit.theta, loadings], axis=1), covariance=covariance)
