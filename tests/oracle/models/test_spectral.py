"""The spectral model against the paper's likelihood written out star by star and pixel by pixel."""

import numpy as np
import pytest
from prior_survey import TERMS, survey
from scipy import stats

from bayescannon.models.coefficient_priors import FLAT_SCALE
from bayescannon.models.noise_priors import FixedNoise, GlobalNoise
from bayescannon.models.spectral import flux_deviation, reported_sigma, spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.errors import BayesCannonError


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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v, f, i: (v, f[:, 0], i[:, 0]), r"flux and ivar must have shape \(star, pixel\) with 12 stars"),
        (lambda v, f, i: (v, f.T, i.T), r"with 12 stars as in the label vectors; got \(3, 12\)"),
        (lambda v, f, i: (f, v, i), r"vectors must have shape \(star, term\) with 10 terms"),
        (lambda v, f, i: (v, np.full_like(f, np.nan), np.ones_like(i)), "flux finite where ivar > 0"),
        (lambda v, f, i: (v, f, -i), "ivar must be finite and not negative"),
        (lambda v, f, i: (np.full_like(v, np.nan), f, i), "label vectors must be finite"),
        (lambda v, f, i: (v, f.astype(str), i), "flux"),
    ],
)
def test_wrong_calls_are_refused_in_words(change, words):
    vectors, flux, ivar, _, _ = survey(n_star=12, n_pixel=3)
    with pytest.raises(BayesCannonError, match=words):
        spectral_model(*change(vectors, flux, ivar), terms=TERMS)


def test_priors_of_another_kind_are_refused():
    vectors, flux, ivar, _, _ = survey(n_star=12, n_pixel=3)
    with pytest.raises(TypeError, match=r"priors must be SpectralPriors\(...\); got 'pooled'"):
        spectral_model(vectors, flux, ivar, terms=TERMS, priors="pooled")


@pytest.mark.parametrize("masked", ["flux", "ivar"])
def test_lists_and_masks_mean_the_same_as_arrays(masked):
    vectors, flux, ivar, theta, s = survey(n_star=12, n_pixel=3)
    dead = np.arange(flux.size).reshape(flux.shape) % 5 == 0
    as_arrays = spectral_model(vectors, flux, np.where(dead, 0, ivar), terms=TERMS, boundary=True)
    given = {"flux": flux.tolist(), "ivar": ivar.tolist()}
    given[masked] = np.ma.array(given[masked], mask=dead)
    as_others = spectral_model(vectors.tolist(), **given, terms=TERMS, boundary=True)
    logps = [
        model.compile_logp(jacobian=False, mode="FAST_COMPILE")({"theta": theta, "scatter": s})
        for model in (as_arrays, as_others)
    ]
    assert logps[0] == logps[1]
