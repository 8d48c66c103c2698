"""The exact likelihoods of stars under a trained model: its noise scale, its coefficients, its hidden components."""

import warnings
from dataclasses import dataclass

import numpy as np

from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.spectra import Spectra, require_same_grid
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.numerics.errors import BayesCannonWarning
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.spectrum_scores import Residuals, block_residuals
from bayescannon.stars.hidden import HiddenPosterior, integrate_hidden
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


@dataclass(frozen=True)
class StarLikelihood:
    """
    The likelihoods of N stars: their pixels compressed once, for optimum, posterior and residuals.

    Attributes
    ----------
    model : TrainedModel
    spectra : Spectra
        Of the N stars.
    ivar : float array of shape (N, pixel)
        From :func:`scaled_ivar`.
    whole : Quartic
        Of label vector and hidden components together.
    quartic : Quartic
        Of the scaled labels alone, the hidden components integrated out.
    hidden : HiddenPosterior or None
        The hidden components given the labels; None where the model has none.
    """

    model: TrainedModel
    spectra: Spectra
    ivar: FloatArray
    whole: Quartic
    quartic: Quartic
    hidden: HiddenPosterior | None

    @classmethod
    def of(cls, model: TrainedModel, spectra: Spectra, *, workers: int | None = None) -> "StarLikelihood":
        """
        Compress the spectra of N stars on the model's grid.

        Warns
        -----
        BayesCannonWarning
            The spectra are of another release, or were prepared otherwise, than those of the training.

        Raises
        ------
        GridError
            The spectra are on another grid than the model.
        """
        mismatch = model.preparation_mismatch(spectra.attrs)
        if mismatch:
            warnings.warn(mismatch, BayesCannonWarning, stacklevel=2)
        ivar = scaled_ivar(model, spectra)
        whole = compress(_coefficients(model), model.scatter, spectra.flux, ivar, workers=workers)
        if model.loadings is None:
            return cls(model, spectra, ivar, whole, whole, None)
        quartic, hidden, _ = integrate_hidden(whole, model.loadings.shape[1])
        return cls(model, spectra, ivar, whole, quartic, hidden)

    def __len__(self) -> int:
        return len(self.quartic)

    @property
    def snr(self) -> FloatArray:
        """Signal-to-noise ratios, shape (N,); NaN where the survey gave none."""
        return self.spectra.columns.get("snr", np.full(len(self), np.nan))


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
        The spectra are on another grid.
    """
    noise = scaled_ivar(model, spectra) if ivar is None else ivar
    whole = compress(_coefficients(model), model.scatter, spectra.flux, noise, workers=workers)
    return whole if model.loadings is None else integrate_hidden(whole, model.loadings.shape[1])[0]


def star_residuals(likelihood: StarLikelihood, scaled: FloatArray, *, workers: int | None = None) -> Residuals:
    """
    Return the block averages of each star's residual at scaled labels (N, K), hidden components taken out.

    See :func:`bayescannon.reliability.spectrum_scores.block_residuals`.
    """
    model, hidden = likelihood.model, likelihood.hidden
    known = np.isfinite(scaled).all(axis=1)
    at = np.where(known[:, None], scaled, 0.0)
    vectors, slopes = label_vector(at), label_vector_jacobian(at)
    if hidden is not None:
        n_hidden = hidden.covariance.shape[1]
        vectors = np.concatenate([vectors, np.einsum("nht,nt->nh", hidden.map, vectors)], axis=1)
        slopes = np.concatenate([slopes, np.zeros((len(slopes), n_hidden, slopes.shape[2]))], axis=1)
    live = np.isfinite(model.scatter)
    coefficients = np.where(live[:, None], _coefficients(model), 0.0)
    vectors[~known] = np.nan
    ivar = np.where(live, likelihood.ivar, 0.0)
    flux = likelihood.spectra.flux
    return block_residuals(coefficients, flux, ivar, likelihood.whole, vectors, slopes, workers=workers)


def _coefficients(model: TrainedModel) -> FloatArray:
    """Return theta and the loadings of the hidden components side by side, shape (pixel, T + R)."""
    return model.theta if model.loadings is None else np.concatenate([model.theta, model.loadings], axis=1)
