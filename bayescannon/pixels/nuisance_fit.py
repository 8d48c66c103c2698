r"""
Reference spectra with each star's nuisances taken out, given its labels and the coefficients.

The spectra of reference stars have errors of velocity, line spread and continuum too
(:mod:`bayescannon.models.nuisances`); coefficients that are fitted to them as they are have lines as broad as the mean
of the shifted ones. Training maximises the posterior of coefficients, scatters and amplitudes a_n,

    sum_n [ sum_p ln Normal(f_np; F_p(l_n, a_n), sqrt(s_p^2 + kappa^2 sigma_np^2)) + ln Normal(a_n; 0, 1) ],

by turns: a_n given the coefficients, here; and then the coefficients and scatters, as without nuisances, from the flux
less F - m, with the derivatives of the spectra held. Its variance from the posterior of a_n, E S E^T, is added to that
of the noise.

To change all a_n by a function of the labels is, to first order, to change the coefficients: all stars may be narrower
than m, or m broader than all stars. The prior is largest where the a_n are uncorrelated with the label vectors, where
the steps by turns would arrive very slowly; so the regression of a_n on v(l_n) is subtracted in every step.
"""

from collections.abc import Callable

import numpy as np

from bayescannon.models.label_vector import label_vector
from bayescannon.models.nuisances import Nuisances
from bayescannon.models.pixel_weights import pixel_weights
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.spectral_fit import SpectralFit
from bayescannon.stars.nuisance import REST, NuisanceModel, linearise

_BLOCK = 64
# linearisations at the reference labels
_ROUNDS = 4
# fits by turns: a third changes the coefficients of the tests' stars by less than their errors
_TURNS = 2


def without_nuisances(
    result: SpectralFit,
    labels: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    wavelength: FloatArray,
    nuisances: Nuisances,
    workers: int | None = None,
) -> tuple[FloatArray, FloatArray]:
    """
    Take the nuisances of N reference stars out of their spectra.

    Parameters
    ----------
    result : SpectralFit
        The fit of the coefficients so far.
    labels : float array of shape (N, K)
        Scaled reference labels.
    flux, ivar : float arrays of shape (N, pixel)
    wavelength : float array of shape (pixel,)
    nuisances : Nuisances
        Without any, spectra are returned as they are.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    flux, ivar : float arrays of shape (N, pixel)
        The flux of the stars at rest, with the training's line spread and continuum; the inverse variance with what is
        not known of the nuisances.
    """
    if not nuisances:
        return flux, ivar
    scaled = result.star_ivar(ivar)
    model = NuisanceModel.of(wavelength, result.fit.theta, result.fit.scatter, nuisances)
    n_term = result.fit.theta.shape[1]

    vectors = label_vector(labels)
    n_term, n_more = vectors.shape[1], len(nuisances.names)
    amplitudes = np.zeros((len(flux), n_more))
    covariance = np.zeros((len(flux), n_more, n_more))

    def find(part: slice) -> None:
        weight: FloatArray = pixel_weights(result.fit.scatter, scaled[part] / result.kappa**2).astype(model.dtype)
        if result.factors is not None:
            weight *= result.factors[part]
        own: FloatArray = flux[part].astype(model.dtype)
        at, found, spread = labels[part], amplitudes[part], covariance[part]
        for _ in range(_ROUNDS):
            for spectra, stars in model.groups(model.nearest(found)):
                # the labels are known, so that products of the coefficients have no effect
                none = np.zeros((len(stars), n_term, n_term))
                products = spectra.curvature(none, weight[stars], at[stars])
                whole = linearise(spectra, products, own[stars], weight[stars], at[stars], found[stars])
                spread[stars] = np.linalg.inv(products[:, n_term:, n_term:] + np.eye(n_more))
                # the quartic uses the label vector without its constant
                right = whole.b[:, n_term:] - np.einsum(
                    "nat,nt->na", products[:, n_term:, 1:n_term], vectors[part][stars, 1:]
                )
                found[stars] = np.einsum("nab,nb->na", spread[stars], right)

    map_blocks(find, len(flux), _BLOCK, workers)
    amplitudes -= vectors @ np.linalg.lstsq(vectors, amplitudes, rcond=None)[0]

    def clean(part: slice) -> tuple[FloatArray, FloatArray]:
        added = model.added(model.nearest(amplitudes[part]), labels[part], amplitudes[part])
        directions = model.at(REST).directions(labels[part])
        extra = np.einsum("mnp,nmk,knp->np", directions, covariance[part], directions, optimize=True)
        noise = scaled[part] / result.kappa**2
        return np.where(noise > 0, flux[part] - added, flux[part]), ivar[part] / (1 + noise * extra)

    parts = map_blocks(clean, len(flux), _BLOCK, workers)
    cleaned, known = (np.concatenate(values) for values in zip(*parts, strict=True))
    return cleaned, known


def fit_by_turns(
    fitted: Callable[[FloatArray, FloatArray, SpectralFit | None], SpectralFit],
    labels: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    wavelength: FloatArray,
    nuisances: Nuisances,
    start: SpectralFit | None = None,
    workers: int | None = None,
) -> SpectralFit:
    """
    Fit coefficients and nuisances of reference stars by turns; without nuisances, the coefficients once.

    Parameters
    ----------
    fitted : callable
        Fits the coefficients to flux and inverse variance, from a fit nearby or None.
    labels, flux, ivar, wavelength, nuisances, workers
        As in :func:`without_nuisances`.
    start : SpectralFit, optional
        A fit nearby, in which nuisances were taken out.
    """
    if not nuisances:
        return fitted(flux, ivar, start)
    result = fitted(flux, ivar, None) if start is None else start
    for _ in range(_TURNS):
        clean = without_nuisances(
            result, labels, flux, ivar, wavelength=wavelength, nuisances=nuisances, workers=workers
        )
        result = fitted(*clean, result)
    return result
