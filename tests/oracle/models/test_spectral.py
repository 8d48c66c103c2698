"""The spectral model against the paper's likelihood written out star by star and pixel by pixel."""

import numpy as np
import pytest
from prior_survey import TERMS, survey
from scipy import stats

from bayescannon.models.coefficient_priors import FLAT_SCALE
from bayescannon.models.noise_priors import FixedNoise, GlobalNoise
from bayescannon.models.spectral import flux_deviation, reported_sigma, spectral_model
from bayescannon.models.spectral_priors import SpectralPriors


def slow_logp(vectors, flux, ivar, theta, s, kappa):
    total = 0.0
    for n, p in zip(*np.nonzero(ivar), strict=True):
        deviation = np.sqrt(s[p] ** 2 + kappa**2 / ivar[n, p])
        total += stats.norm.logpdf(flux[n, p], theta[p] @ vectors[n], deviation)
    return total


@pytest.mark.parametrize("kappa", [1.0, 0.6])
def test_logp_is_the_sum_over_live_data(kappa):
    vectors, flux, ivar, theta, s = survey(n_star=30, n_pixel=4)
    flux = np.where(ivar > 0, flux, np.nan)
    priors = SpectralPriors(noise=FixedNoise(kappa))
    model = spectral_model(vectors, flux, ivar, terms=TERMS, priors=priors, boundary=True)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    assert model.named_vars_to_dims["flux"] == ("star", "pixel")
    dead = (ivar == 0).sum() * stats.norm.logpdf(0, 0, FLAT_SCALE)
    for scatter in (s, np.zeros(4)):
        expected = slow_logp(vectors, flux, ivar, theta, scatter, kappa)
        assert logp({"theta": theta, "scatter": scatter}) - dead == pytest.approx(expected, rel=1e-9)


def test_a_dead_datum_adds_the_same_constant_at_any_kappa():
    vectors, flux, ivar, theta, s = survey(n_star=30, n_pixel=4)
    ivar[:] = 0
    model = spectral_model(vectors, flux, ivar, terms=TERMS, priors=SpectralPriors(noise=GlobalNoise()), boundary=True)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    values = [logp({"theta": theta, "scatter": s, "kappa_log__": k}) for k in (-2.0, 0.0, 2.0)]
    np.testing.assert_allclose(values, values[0], rtol=1e-14)


def test_a_coefficient_that_is_not_allowed_has_no_effect():
    vectors, flux, ivar, theta, s = survey(n_star=30, n_pixel=4)
    allowed = np.ones(theta.shape, dtype=bool)
    allowed[2, 5] = False
    model = spectral_model(vectors, flux, ivar, terms=TERMS, priors=SpectralPriors(allowed=allowed), boundary=True)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    value = logp({"theta": theta, "scatter": s})
    moved = theta + np.where(allowed, 0.0, 10.0)
    assert logp({"theta": moved, "scatter": s}) == value
    assert logp({"theta": np.where(allowed, theta, 0.0) + 0.01 * allowed, "scatter": s}) < value


def test_standard_deviations_add_in_quadrature():
    ivar = np.array([[400.0, 0.0], [100.0, 25.0]])
    sigma = reported_sigma(ivar)
    np.testing.assert_allclose(sigma, [[0.05, FLAT_SCALE], [0.1, 0.2]])
    found = flux_deviation(np.array([0.1, 0.3]), 2.0, sigma).eval()
    np.testing.assert_allclose(found, [[np.hypot(0.1, 0.1), FLAT_SCALE], [np.hypot(0.1, 0.2), 0.5]])
