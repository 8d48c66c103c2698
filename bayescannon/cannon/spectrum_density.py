r"""
The density of stars' spectra given their reported labels, under a trained model: how well it predicts new spectra.

The pixels' noise is integrated exactly, hidden components and nuisances too (these in the linear approximation in
which stars are labelled):

    -2 ln p(f | l) = chi2(l) + ln|I + H^T W H| - sum_p ln(w_p / 2 pi).

Where the model was trained on labels with errors, the density is given the reported labels o and not the true ones:
p(f | o) is the integral of p(f | l) over p(l | o), which is Gaussian (the learned population times the errors), by
Laplace's approximation. A noise scale of each star is integrated over its population in the same way.
"""

from dataclasses import replace

import numpy as np

from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.numerics.typing import BoolArray, FloatArray
from bayescannon.stars.quartic import Quartic, chi2_derivatives, minimise

# the smallest variance of a scaled label: an exact one
_EXACT = 1e-8
# Newton steps for a star's noise scale
_ROUNDS = 7


def spectrum_log_density(
    model: TrainedModel, reference: ReferenceSet, pixels: BoolArray, *, workers: int | None = None
) -> FloatArray:
    """
    Return ln p(f | reported labels) of each spectrum.

    Parameters
    ----------
    model : TrainedModel
    reference : ReferenceSet
        N spectra that the model was not trained on, with the model's labels in its order; with errors if the model was
        trained with label errors.
    pixels : bool array of shape (pixel,)
        Pixels that count; they must be live in the model. The same for all models that are compared.
    workers : int or None

    Returns
    -------
    log_density : float array of shape (N,)
    """
    if model.star_noise_width:
        return _over_star_noise(model, reference, pixels, workers)
    spectra = replace(reference.spectra, ivar=np.where(pixels, reference.spectra.ivar, 0.0))
    likelihood = StarLikelihood.of(model, spectra, workers=workers)
    constant = likelihood.log_normalisation
    scaled = model.scaler.to_scaled(reference.labels)
    if model.latent_labels is None:
        return constant - 0.5 * chi2_derivatives(likelihood.quartic, scaled).chi2
    share = 1.0 if model.latent_labels.error_scale is None else model.latent_labels.error_scale
    variance = np.maximum((share * reference.errors / model.scaler.scale) ** 2, _EXACT)
    population = model.latent_labels.population
    return constant + _over_labels(likelihood.quartic, scaled, variance, (population.mean, population.covariance))


def _over_star_noise(
    model: TrainedModel, reference: ReferenceSet, pixels: BoolArray, workers: int | None
) -> FloatArray:
    """Return ln of the integral of p(f | o) over each star's ln kappa, by Laplace at its maximum."""
    width, ivar = model.star_noise_width, reference.spectra.ivar
    common = replace(model, populations=replace(model.populations, star_kappa=None))

    def density(offset: FloatArray) -> FloatArray:
        spectra = replace(reference.spectra, ivar=ivar * np.exp(-2 * offset)[:, None])
        own = spectrum_log_density(common, replace(reference, spectra=spectra), pixels, workers=workers)
        result: FloatArray = own - 0.5 * (offset / width) ** 2 - np.log(width)
        return result

    step = 1 / np.sqrt(1 / width**2 + ((ivar > 0) & pixels).sum(axis=1))
    offset = np.zeros(len(ivar))
    for turn in range(_ROUNDS):
        below, at, above = density(offset - step), density(offset), density(offset + step)
        curvature = np.maximum((2 * at - below - above) / step**2, 1 / width**2)
        if turn < _ROUNDS - 1:
            offset = offset + np.clip((above - below) / (2 * step) / curvature, -0.3, 0.3)
    volume: FloatArray = at - 0.5 * np.log(curvature)
    return volume


def _over_labels(
    quartic: Quartic, reported: FloatArray, variance: FloatArray, population: tuple[FloatArray, FloatArray]
) -> FloatArray:
    """Return ln of the integral of exp(-chi2 / 2) over the true labels given the reported ones, by Laplace."""
    mean, covariance = population
    n_label = len(mean)
    precision = np.linalg.inv(covariance) + np.eye(n_label) / variance[:, None, :]
    right = np.linalg.solve(covariance, mean) + reported / variance
    centre = np.linalg.solve(precision, right[..., None])[..., 0]
    # a Gaussian in the labels is part of a quartic: its linear terms are the labels
    linear = slice(1, 1 + n_label)
    a, b = quartic.a.copy(), quartic.b.copy()
    a[:, linear, linear] += precision
    b[:, linear] += right
    both = Quartic(a, b, quartic.c + np.einsum("ni,ni->n", centre, right), quartic.n_live)
    best = minimise(both, centre[:, None, :]).labels[:, 0]
    at = chi2_derivatives(both, best)
    volume = np.linalg.slogdet(precision)[1] - np.linalg.slogdet(at.hessian / 2)[1]
    result: FloatArray = -0.5 * at.chi2 + 0.5 * volume
    return result
