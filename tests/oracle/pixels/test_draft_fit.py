"""The first fit from samples of pixels against the fit of all."""

import numpy as np
import pytest

from bayescannon.models.coefficient_priors import NormalCoefficients, PooledCoefficients
from bayescannon.models.label_vector import label_vector
from bayescannon.models.noise_priors import FixedNoise, GlobalNoise, PixelNoise, PooledScatter
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.draft_fit import draft_spectral
from bayescannon.pixels.spectral_fit import fit_spectral


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(8)
    n_star, n_pixel = 200, 1200
    vectors = label_vector(rng.normal(size=(n_star, 2)).clip(-2.5, 2.5))
    theta = np.exp(rng.normal(0, 0.5, size=(n_pixel, 1))) * 0.004 * rng.normal(size=(n_pixel, 6)) + np.eye(1, 6)
    scatter = np.exp(rng.normal(-5, 0.5, n_pixel))
    sigma = 0.01 * np.exp(rng.normal(0, 0.6, size=(n_star, n_pixel)))
    flux = vectors @ theta.T + np.hypot(scatter, 0.6 * sigma) * rng.normal(size=sigma.shape)
    ivar = sigma**-2.0
    ivar[:, 3] = 0
    return LabelMoments.known(vectors), flux, ivar


@pytest.mark.parametrize("scatter", ["flat", "pooled"])
def test_it_is_near_the_fit_of_all_pixels(survey, scatter):
    moments, flux, ivar = survey
    pooled = {} if scatter == "flat" else {"scatter": PooledScatter()}
    priors = SpectralPriors(PooledCoefficients(), noise=GlobalNoise(), **pooled)
    rough = draft_spectral(moments, flux, ivar, n_label=2, priors=priors)
    whole = fit_spectral(moments, flux, ivar, n_label=2, priors=priors)
    assert rough.fit.status.tolist() == whole.fit.status.tolist()
    live = whole.fit.live
    np.testing.assert_allclose(rough.kappa, whole.kappa, rtol=0.02)
    mine, theirs = rough.populations.coefficients, whole.populations.coefficients
    np.testing.assert_allclose(mine.tau, theirs.tau, rtol=0.1)
    assert np.std(np.log(mine.activity / theirs.activity)[live]) < 0.1
    error = np.sqrt(np.diagonal(whole.fit.covariance, axis1=1, axis2=2))[live]
    assert np.sqrt((((rough.fit.theta - whole.fit.theta)[live] / error) ** 2).mean()) < 0.1
    np.testing.assert_allclose(rough.fit.scatter[live], whole.fit.scatter[live], atol=1e-3)
    again = fit_spectral(moments, flux, ivar, n_label=2, priors=priors, start=rough)
    np.testing.assert_allclose(again.kappa, whole.kappa, rtol=2e-3)


@pytest.mark.parametrize(
    "priors",
    [
        SpectralPriors(noise=PixelNoise()),
        SpectralPriors(NormalCoefficients(0.01)),
    ],
)
def test_where_a_sample_says_nothing_there_is_none(survey, priors):
    moments, flux, ivar = survey
    assert draft_spectral(moments, flux, ivar, n_label=2, priors=priors) is None


def test_few_pixels_have_no_sample(survey):
    moments, flux, ivar = survey
    priors = SpectralPriors(noise=FixedNoise(0.6))
    assert draft_spectral(moments, flux[:, :800], ivar[:, :800], n_label=2, priors=priors) is None
