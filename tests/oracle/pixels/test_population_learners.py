"""Learners of populations: what the data alone say, scatters and noise scales that were put in."""

import numpy as np
import pytest
from prior_survey import survey

from bayescannon.models.coefficient_priors import NormalCoefficients
from bayescannon.models.noise_priors import GlobalNoise, PixelNoise, PooledScatter
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.population_learners import data_equations, scatter_population
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.spectral_fit import fit_spectral


@pytest.mark.parametrize("marginal", [False, True])
def test_the_noise_scale_is_recovered(marginal):
    vectors, flux, ivar, *_ = survey(n_star=200, n_pixel=700, reported=np.sqrt(3), spread=0.6, scatter=(0, 0.01))
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(noise=GlobalNoise()), marginal=marginal)
    # without integrating theta out, kappa^2 is low by the 10 terms of 190 live stars
    expected = (1 if marginal else 1 - 10 / 190) / 3
    assert result.kappa[0] ** 2 == pytest.approx(expected, rel=0.03)
    assert np.ptp(result.kappa) == 0


def test_pixel_noise_follows_a_population():
    vectors, flux, ivar, *_ = survey(n_star=300, n_pixel=150, spread=0.6, scatter=(0, 0.001))
    truth = np.exp(0.2 * np.random.default_rng(5).normal(size=150) - 0.3)
    result = fit_spectral(
        vectors, flux, ivar * truth**2, n_label=3, priors=SpectralPriors(noise=PixelNoise()), marginal=True
    )
    assert np.corrcoef(np.log(result.kappa), np.log(truth))[0, 1] > 0.9
    assert result.populations.kappa.centre == pytest.approx(-0.3, abs=0.05)
    assert result.populations.kappa.width == pytest.approx(0.2, abs=0.06)


def test_the_population_of_scatters_is_recovered():
    rng = np.random.default_rng(7)
    s = np.exp(rng.normal(-4.2, 0.5, 400))
    vectors, flux, ivar, *_ = survey(n_star=150, n_pixel=400, scatter=(0.0, 1e-9))
    flux = flux + s * rng.normal(size=flux.shape)
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(scatter=PooledScatter()), marginal=True)
    assert result.populations.scatter.centre == pytest.approx(-4.2, abs=0.1)
    assert result.populations.scatter.width == pytest.approx(0.5, abs=0.1)
    assert (result.fit.scatter > 0).all()
    held = scatter_population(np.zeros((19, 3)), centre=-4.0, width=0.5)
    assert held == (-4.0, 0.5)


def test_what_the_data_say_can_be_told_from_the_prior():
    vectors, flux, ivar, *_ = survey(n_pixel=6)
    ivar[:, 5] = 0
    allowed = np.ones((6, 10), dtype=bool)
    allowed[1, 7] = False
    mean, scale = NormalCoefficients(0.01, mean=0.003).parameters(6, 3)
    prior = PixelPrior(mean, np.where(allowed, 1 / scale**2, np.inf))
    fit = fit_pixels(vectors, flux, ivar, prior=prior)
    normal, right = data_equations(fit, prior)
    for p in range(5):
        weight = ivar[:, p] / (1 + fit.scatter[p] ** 2 * ivar[:, p])
        keep = allowed[p]
        expected = (vectors.T @ (weight[:, None] * vectors)) * np.outer(keep, keep)
        np.testing.assert_allclose(normal[p], expected, rtol=1e-6, atol=1e-6 * expected.max())
        np.testing.assert_allclose(right[p], vectors.T @ (weight * flux[:, p]) * keep, rtol=1e-6)
    assert fit.status[5] == PixelStatus.DEAD
    assert (normal[5] == 0).all()
