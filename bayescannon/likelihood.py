"""The exact likelihoods of stars under a trained model: its noise scale, its coefficients, its hidden components."""

import numpy as np

from bayescannon.hidden import integrate_hidden
from bayescannon.label_vector import FloatArray
from bayescannon.quartic import Quartic, compress
from bayescannon.spectra import Spectra, require_same_grid
from bayescannon.trained_model import TrainedModel


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
    if model.loadings is None:
        return compress(model.theta, model.scatter, spectra.flux, noise, workers=workers)
    coefficients = np.concatenate([model.theta, model.loadings], axis=1)
    whole = compress(coefficients, model.scatter, spectra.flux, noise, workers=workers)
    return integrate_hidden(whole, model.loadings.shape[1])[0]
