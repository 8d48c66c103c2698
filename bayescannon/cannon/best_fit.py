"""The spectra of stars as the best fits of a trained model give them, and what is left of the observed ones."""

from dataclasses import dataclass

import numpy as np

from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.models.label_vector import label_vector
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.tiles import join_tiles, map_tiles, star_product
from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True, eq=False)
class BestFit:
    """
    Model spectra of N stars.

    Attributes
    ----------
    flux : float32 array of shape (N, pixel)
        theta . v(l) at the star's labels (Ho et al. 2017, eq. 4), and `components`; 0 in pixels that the model has no
        fit of, and of stars without labels.
    ivar : float32 array of shape (N, pixel)
        Of the residual: 1 / (kappa^2 sigma^2 + s^2), the weight of the pixel in the star's chi2; 0 is dead.
    residual : float32 array of shape (N, pixel)
        Observed flux less `flux`; 0 where `ivar` is 0.
    components : float32 array of shape (N, pixel)
        What hidden components and nuisances, at their means given the labels, add; nuisances add nothing where `ivar`
        is 0.
    """

    flux: FloatArray
    ivar: FloatArray
    residual: FloatArray
    components: FloatArray


def best_fit(likelihood: StarLikelihood, labels: FloatArray, *, workers: int | None = None) -> BestFit:
    """
    Return the model spectra of stars at labels.

    Parameters
    ----------
    likelihood : StarLikelihood
        Of N stars.
    labels : float array of shape (N, K)
        In their units; NaN for stars that have none.
    workers : int or None
        Threads; None takes every core.

    Examples
    --------
    >>> import bayescannon as bc
    >>> survey = bc.simulate_survey(80, 20, seed=1)
    >>> spectra = bc.prepare_spectra(list(survey.spectra()))
    >>> reference = bc.build_reference(spectra, survey.apogee, ("teff", "logg"), format="allstar-dr12")
    >>> model = bc.train(reference)
    >>> labels = bc.label_spectra(model, spectra)["labels"].to_numpy()
    >>> fit = best_fit(StarLikelihood.of(model, spectra), labels)
    >>> bool(np.allclose(fit.flux, model.predict(labels), atol=1e-5))
    True
    """
    scaled = likelihood.model.scaler.to_scaled(labels)
    parts = map_tiles(lambda part: _of_tile(likelihood.select(part), scaled[part]), len(scaled), workers)
    if not parts:
        empty = np.zeros((0, len(likelihood.model.wavelength)), dtype=np.float32)
        return BestFit(empty, empty, empty, empty)
    found: BestFit = join_tiles(parts)
    return found


def _of_tile(stars: StarLikelihood, scaled: FloatArray) -> BestFit:
    model = stars.model
    columns, n_term = model.pixel_columns.columns, model.theta.shape[1]
    known = np.isfinite(scaled).all(axis=1)
    at = np.where(known[:, None], scaled, 0.0)
    means = stars.hidden_means(at)[:, : columns.shape[1] - n_term]
    added = stars.spectra.flux - stars.clean_flux(at).astype(np.float64)
    if means.shape[1]:
        added = added + star_product(means, columns[:, n_term:].T)
    weight = pixel_weights(model.scatter, stars.ivar)
    live = np.isfinite(model.scatter) & known[:, None]
    components = np.where(live, added, 0).astype(np.float32)
    flux = np.where(live, star_product(label_vector(at), columns[:, :n_term].T) + added, 0).astype(np.float32)
    ivar = np.where(live, weight, 0).astype(np.float32)
    residual = np.where(ivar > 0, stars.spectra.flux - flux, 0).astype(np.float32)
    return BestFit(flux, ivar, residual, components)
