"""The exact likelihoods of stars under a trained model: its noise scale, its coefficients, its hidden components."""

import numpy as np

from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.spectra import Spectra, require_same_grid
from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.hidden import integrate_hidden
from bayescannon.stars.quartic import Quartic, compress


def scaled_ivar(model: TrainedModel, spectra: Spectra) -> FloatArray:
    """
    Return 1 / (kappa^2 sigma^2), shape (star, pixel): the reported noise on the model's scale.

    Raises
    ------
    GridError
        The spectra are on another grid than the model.
    """
    require_same_grid(spectra.wavelength, model.wavelength, got_from="the spectra", want_from="the model")
    kappa = model.noise_scale
    return spectra.ivar if (kappa == 1).all() else spectra.ivar / kappa**2


def without_hidden(
    model: TrainedModel, spectra: Spectra, scaled: FloatArray, *, workers: int | None = None
) -> FloatArray:
    """
    Return the flux less the most probable hidden components at scaled labels (star, K): shape (star, pixel).

    Raises
    ------
    GridError
        The spectra are on another grid than the model.
    """
    if model.loadings is None:
        return spectra.flux
    whole = _whole_quartic(model, spectra, scaled_ivar(model, spectra), workers=workers)
    _, hidden, _ = integrate_hidden(whole, model.loadings.shape[1])
    vectors = label_vector(np.nan_to_num(scaled))
    return spectra.flux - np.einsum("nht,nt->nh", hidden.map, vectors) @ model.loadings.T


def _whole_quartic(model: TrainedModel, spectra: Spectra, noise: FloatArray, *, workers: int | None) -> Quartic:
    """Compress to the quartics of label vector and hidden components."""
    loadings = np.zeros((len(model.theta), 0)) if model.loadings is None else model.loadings
    coefficients = np.concatenate([model.theta, loadings], axis=1)
    return compress(coefficients, model.scatter, spectra.flux, noise, workers=workers)


def star_quartic(
    model: TrainedModel, spectra: Spectra, *, ivar: FloatArray | None = None, workers: int | None = None
) -> Quartic:
    """
    Compress the spectra of N stars to the quartics of their scaled labels, hidden components integrated out.

    Parameters
    ----------
    model : TrainedModel
    spectra : Spectra
        N stars on the model's grid.
    ivar : float array of shape (star, pixel), optional
        Inverse variance without the scatter; :func:`scaled_ivar` unless given.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    quartic : Quartic

    Raises
    ------
    GridError
        The spectra are on another grid than the model.
    """
    noise = scaled_ivar(model, spectra) if ivar is None else ivar
    whole = _whole_quartic(model, spectra, noise, workers=workers)
    return whole if model.loadings is None else integrate_hidden(whole, model.loadings.shape[1])[0]
