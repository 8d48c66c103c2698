"""Noise scales of stars against the PyMC model, and recovery of a population that was put in."""

import numpy as np
import pytensor.tensor as pt
import pytest
from prior_survey import TERMS, survey

from bayescannon.models.noise_priors import GlobalNoise, StarNoise
from bayescannon.models.spectral import spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.spectral_fit import fit_spectral
from bayescannon.pixels.star_noise import normal_population


def with_scales(width, *, n_star=150, n_pixel=300, seed=4):
    """A survey whose reported errors are wrong by exp(-0.4 + u_n), u_n ~ Normal(0, width)."""
    vectors, flux, ivar, *_ = survey(n_star=n_star, n_pixel=n_pixel, spread=0.4, scatter=(0.002, 0.008))
    truth = np.exp(-0.4 + width * np.random.default_rng(seed).normal(size=n_star))
    return vectors, flux, ivar * truth[:, None] ** 2, truth


def log_determinants(vectors, ivar, result, offsets):
    """Half the summed log determinants of the normal equations of all pixels, at other ln kappa of the stars."""
    scaled = ivar / (np.exp(2 * offsets)[:, None])
    weight = scaled / (1 + result.fit.scatter**2 * scaled)
    normal = np.einsum("np,ni,nj->pij", weight, vectors, vectors)
    return 0.5 * np.linalg.slogdet(normal)[1].sum()


def test_the_scales_are_the_maximum_of_the_pymc_model_with_the_coefficients_integrated_out():
    vectors, flux, ivar, _ = with_scales(0.3, n_star=60, n_pixel=20)
    priors = SpectralPriors(noise=StarNoise(-0.4, 0.2))
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=priors)
    assert result.populations.converged
    model = spectral_model(vectors, flux, ivar, terms=TERMS, boundary=True, priors=priors)
    u = np.log(result.kappa[0]) + np.log(result.star_scale)
    point = {"theta": result.fit.theta, "scatter": result.fit.scatter, "log_kappa": u}
    value = model.rvs_to_values[model["log_kappa"]]
    gradient = model.compile_fn(pt.grad(model.logp(jacobian=False), value), mode="FAST_COMPILE")(point)
    step = 1e-5
    for star in range(0, 60, 7):
        moved = [u + sign * step * (np.arange(60) == star) for sign in (1, -1)]
        slope = np.subtract(*(log_determinants(vectors, ivar, result, one) for one in moved)) / (2 * step)
        # u_n is settled to about 0.01 in rounds; the curvature is the prior's and at most twice the number of fluxes
        assert abs(gradient[star] - slope) < 0.01 * (2 * 20 + 0.2**-2)


def test_a_population_is_recovered():
    vectors, flux, ivar, truth = with_scales(0.25)
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(noise=StarNoise()))
    assert result.populations.converged
    learned = result.populations.star_kappa
    assert learned.centre == pytest.approx(np.log(truth).mean(), abs=0.02)
    assert learned.width == pytest.approx(np.log(truth).std(), rel=0.05)
    found = np.log(result.kappa[0] * result.star_scale)
    live = (ivar > 0).sum(axis=1)
    assert (found - np.log(truth)).std() < 1.6 / np.sqrt(2 * live.mean())
    np.testing.assert_array_equal(result.star_ivar(ivar), ivar / result.star_scale[:, None] ** 2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_width_is_nearly_0_where_the_data_want_none(seed):
    vectors, flux, ivar, *_ = survey(n_star=150, n_pixel=300, spread=0.4, scatter=(0.002, 0.008), seed=seed)
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(noise=StarNoise()))
    assert result.populations.star_kappa.width < 0.02
    assert np.abs(np.log(result.star_scale)).max() < 0.03
    common = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(noise=GlobalNoise()), marginal=True)
    assert result.populations.star_kappa.centre == pytest.approx(np.log(common.kappa[0]), abs=2e-3)


def test_a_start_nearby_and_a_fixed_population_are_taken():
    vectors, flux, ivar, _ = with_scales(0.25)
    priors = SpectralPriors(noise=StarNoise())
    cold = fit_spectral(vectors, flux, ivar, n_label=3, priors=priors)
    warm = fit_spectral(vectors, flux, ivar, n_label=3, priors=priors, start=cold)
    assert len(warm.populations.trace) < len(cold.populations.trace)
    np.testing.assert_allclose(np.log(warm.star_scale), np.log(cold.star_scale), atol=0.05)
    fixed = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(noise=StarNoise(-0.3, 0.1)))
    assert fixed.populations.star_kappa.width == 0.1
    np.testing.assert_allclose(fixed.kappa, np.exp(-0.3))
    assert np.log(fixed.star_scale).std() < np.log(cold.star_scale).std()


def test_a_star_without_live_pixels_and_stars_that_count_twice():
    vectors, flux, ivar, _ = with_scales(0.25, n_star=100)
    ivar[5] = 0
    priors = SpectralPriors(noise=StarNoise())
    once = fit_spectral(
        np.tile(vectors, (2, 1)), np.tile(flux, (2, 1)), np.tile(ivar, (2, 1)), n_label=3, priors=priors
    )
    assert once.star_scale[5] == pytest.approx(1, abs=0.05)
    twice = LabelMoments.known(vectors, multiplicity=np.full(100, 2.0))
    twice = fit_spectral(twice, flux, ivar, n_label=3, priors=priors)
    np.testing.assert_allclose(np.log(twice.star_scale), np.log(once.star_scale[:100]), atol=2e-3)
    assert twice.populations.star_kappa.width == pytest.approx(once.populations.star_kappa.width, rel=0.01)


def test_the_width_of_a_population_is_0_where_the_errors_explain_the_spread():
    rng = np.random.default_rng(1)
    values = rng.normal(size=500)
    assert normal_population(values, np.full(500, 1.3), np.ones(500))[1] == 0
    centre, width = normal_population(3 + np.hypot(2, 1) * values, np.ones(500), np.ones(500))
    assert centre == pytest.approx(3, abs=0.4)
    assert width == pytest.approx(np.sqrt(np.var(np.hypot(2, 1) * values) - 1), rel=0.01)
    assert normal_population(values, np.ones(500), np.ones(500), width=0.5)[1] == 0.5
