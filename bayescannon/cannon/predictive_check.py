"""Posterior predictive checks of every pixel: observed statistics of the residuals against replicated ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayescannon.cannon.choices import SEED
from bayescannon.cannon.likelihood import scaled_ivar
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.models.label_vector import label_vector
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.numerics.whole_numbers import whole_number

# of the standardised residuals of one pixel over the stars
_STATISTICS: dict[str, Callable[..., Any]] = {"mean": np.nanmean, "std": np.nanstd, "min": np.nanmin, "max": np.nanmax}
# of the replications, about 2 sigma on each side
_BAND = (0.025, 0.975)


@dataclass(frozen=True)
class PixelCheck:
    """
    Statistics of the residuals of each pixel, in units of the model's standard deviation, over the stars.

    Attributes
    ----------
    wavelength : float array of shape (pixel,)
    names : tuple of S str
        ``mean``, ``std``, ``min``, ``max``.
    observed : float array of shape (S, pixel)
        NaN in pixels that no star has, or that the model lacks.
    low, high : float arrays of shape (S, pixel)
        The central 95 % of the replications.
    p_value : float array of shape (S, pixel)
        Two-sided: twice the smaller share of replications beyond the observed value, at least 2 / (draws + 1).
    """

    wavelength: FloatArray
    names: tuple[str, ...]
    observed: FloatArray
    low: FloatArray
    high: FloatArray
    p_value: FloatArray


def check_pixels(model: TrainedModel, reference: ReferenceSet, *, n_draws: int = 200, seed: int = SEED) -> PixelCheck:
    """
    Compare the residuals of stars at their reported labels with replications under the model.

    Replications are drawn at the trained coefficients and scatters (empirical Bayes: their own errors, small with many
    stars, are not drawn), with hidden components drawn anew.

    Parameters
    ----------
    model : TrainedModel
    reference : ReferenceSet
        N stars with the model's labels: held out, or those of the training, whose residuals are a little too small.
    n_draws : int
        Replications, at least 20.
    seed : int

    Returns
    -------
    check : PixelCheck

    Raises
    ------
    InputError
        Fewer than two stars.
    GridError
        The spectra are on another grid than the model.
    """
    n_draws = whole_number(n_draws, "n_draws", least=20)
    reference = reference.with_labels(model.label_names)
    if len(reference) < 2:
        raise InputError(f"a check of pixels needs at least 2 stars; got {len(reference)}")
    weight = pixel_weights(model.scatter, scaled_ivar(model, reference.spectra))
    live = weight > 0
    variance = np.where(live, 1 / np.where(live, weight, 1.0), np.nan)
    loadings = np.zeros((weight.shape[1], 0)) if model.loadings is None else model.loadings
    total = np.sqrt(variance + (loadings**2).sum(axis=1))
    expected = label_vector(model.scaler.to_scaled(reference.labels)) @ model.theta.T
    some = live.any(axis=0)
    rng = np.random.default_rng(seed)
    shape = (len(_STATISTICS), weight.shape[1])
    observed = np.full(shape, np.nan)
    drawn = np.full((n_draws, *shape), np.nan)
    observed[:, some] = _statistics(np.where(live, (reference.spectra.flux - expected) / total, np.nan)[:, some])
    for draw in range(n_draws):
        noise = np.sqrt(variance) * rng.standard_normal(weight.shape)
        noise += rng.standard_normal((len(weight), loadings.shape[1])) @ loadings.T
        drawn[draw][:, some] = _statistics((noise / total)[:, some])
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    low[:, some], high[:, some] = np.quantile(drawn[:, :, some], _BAND, axis=0)
    beyond = np.minimum((drawn >= observed).sum(axis=0), (drawn <= observed).sum(axis=0))
    p_value = np.where(some, np.minimum(2 * (beyond + 1) / (n_draws + 1), 1.0), np.nan)
    return PixelCheck(model.wavelength, tuple(_STATISTICS), observed, low, high, p_value)


def _statistics(residual: FloatArray) -> FloatArray:
    """Return the statistics over the stars, shape (S, pixel); NaN is no datum."""
    return np.stack([statistic(residual, axis=0) for statistic in _STATISTICS.values()])
