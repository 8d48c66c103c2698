"""
A first fit of the spectral model, from which hidden components and latent labels start.

Kappa and the populations of coefficients and scatters describe the whole survey, so that a sample of some hundred
pixels and some thousand stars gives them nearly as well as all. Every pixel is then fitted once with them, its activity
is found with mu and tau of the sample, and its coefficients are solved again with that prior, from the same sums over
the stars.
"""

from dataclasses import replace

import numpy as np

from bayescannon.models.coefficient_priors import FlatCoefficients, PooledCoefficients, shrunk_terms
from bayescannon.models.noise_priors import FixedNoise, GlobalNoise
from bayescannon.models.outliers import NoOutliers
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.coefficient_population import eliminate_flat, fit_activity
from bayescannon.pixels.fit import PixelFit, fit_pixels
from bayescannon.pixels.joint_rounds import solved
from bayescannon.pixels.population_learners import ALL_PIXELS, KappaLearner, data_equations, pooled_prior, sample_of
from bayescannon.pixels.solver import Solver
from bayescannon.pixels.spectral_fit import SpectralFit, first_prior, fit_spectral

# of s^2, in the sample and in all pixels
_SAMPLE_TOLERANCE, _TOLERANCE = 1e-3, 0.1
# stars that the sample of pixels is fitted to
_SAMPLE_STARS = 2500


def draft_spectral(
    moments: LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    n_label: int,
    priors: SpectralPriors,
    marginal: bool = False,
    solver: Solver | None = None,
) -> SpectralFit | None:
    """
    Fit the spectral model roughly, with kappa and populations from a sample of the pixels.

    Parameters
    ----------
    moments, flux, ivar, n_label, priors, marginal, solver
        As in :func:`bayescannon.pixels.spectral_fit.fit_spectral`.

    Returns
    -------
    result : SpectralFit or None
        A start for that function, or for hidden components. None where a sample does not do: few pixels, noise scales
        of pixels or stars, outliers, or coefficients with a prior of each pixel.
    """
    solver = solver or Solver()
    coefficients, noise, n_pixel = priors.coefficients, priors.noise, flux.shape[1]
    some = sample_of(n_pixel)
    known = isinstance(coefficients, FlatCoefficients | PooledCoefficients)
    known &= isinstance(noise, FixedNoise | GlobalNoise) and isinstance(priors.outliers, NoOutliers)
    if some == ALL_PIXELS or not known:
        return None
    allowed = None if priors.allowed is None else priors.allowed[some]
    stars = slice(None, None, max(len(flux) // _SAMPLE_STARS, 1))
    sample = fit_spectral(
        moments.select(stars), flux[stars, some], ivar[stars, some], n_label=n_label, marginal=marginal,
        priors=replace(priors, allowed=allowed), solver=replace(solver, scatter="near", tolerance=_SAMPLE_TOLERANCE),
    )  # fmt: skip
    prior = first_prior(priors, n_pixel, n_label)
    prior = replace(prior, scatter=sample.prior.scatter, scatter_parameters=sample.prior.scatter_parameters)
    kappa = np.full(n_pixel, sample.kappa[0])
    shrunk = shrunk_terms(n_label, getattr(coefficients, "terms", "quadratic"))
    populations, population = sample.populations, sample.populations.coefficients
    if population is not None:
        population = replace(population, activity=np.ones(n_pixel))
        prior = pooled_prior(prior, population, shrunk)
    fit = fit_pixels(
        moments, flux, ivar, prior=prior, kappa=kappa, marginal=marginal, start=_between(sample.fit, some, n_pixel),
        solver=replace(solver, scatter="near", tolerance=_TOLERANCE, single=True),
    )  # fmt: skip
    if isinstance(noise, GlobalNoise):
        kappa = kappa * np.exp(KappaLearner.first_move(fit, prior))
    if population is not None and isinstance(coefficients, PooledCoefficients):
        live = fit.live
        equations = data_equations(fit, prior)
        reduced = eliminate_flat(equations[0][live], equations[1][live], shrunk)
        activity = np.ones(n_pixel)
        found = fit_activity(*reduced, population, activity_spread=coefficients.activity_spread)
        activity[live] = found.activity
        population = replace(population, activity=activity)
        prior = pooled_prior(prior, population, shrunk)
        fit = solved(fit, *equations, prior)
        populations = replace(populations, coefficients=population)
    return SpectralFit(fit, kappa, prior, populations)


def _between(sample: PixelFit, some: slice, n_pixel: int) -> FloatArray | None:
    """Return the scatters of all pixels by linear interpolation in those of the sample."""
    live = sample.live
    return np.interp(np.arange(n_pixel), np.arange(n_pixel)[some][live], sample.scatter[live]) if live.any() else None
