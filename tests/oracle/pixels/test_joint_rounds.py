"""Kappa and the population of coefficients in joint rounds: they end at the fixed point that other rounds end at."""

from functools import partial

import numpy as np
import pytest

from bayescannon.models.coefficient_priors import PooledCoefficients
from bayescannon.models.label_vector import label_vector
from bayescannon.models.noise_priors import GlobalNoise
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels import joint_rounds, population_learners, spectral_fit
from bayescannon.pixels.coefficient_population import fit_population
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.joint_rounds import kappa_step, solved
from bayescannon.pixels.population_learners import data_equations, noise_excess
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver
from bayescannon.pixels.spectral_fit import fit_spectral

PRIORS = {
    "global kappa": SpectralPriors(noise=GlobalNoise()),
    "pooled": SpectralPriors(PooledCoefficients()),
    "both": SpectralPriors(PooledCoefficients(), noise=GlobalNoise()),
}


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(6)
    vectors = label_vector(rng.normal(size=(520, 2)).clip(-2.5, 2.5))
    theta = 0.01 * rng.normal(size=(90, 6)) * np.exp(rng.normal(-0.5, 1, 90))[:, None]
    theta[:, 0] = 1
    scatter = np.where(np.arange(90) % 2, np.exp(rng.normal(-5, 0.7, 90)), 0.0)
    sigma = np.exp(rng.normal(-4, 0.5, size=(520, 1))) * np.ones(90)
    flux = vectors @ theta.T + np.hypot(sigma, scatter) * rng.normal(size=sigma.shape)
    ivar = np.where(rng.random(sigma.shape) < 0.02, 0.0, 0.5 / sigma**2)
    ivar[:, 17] = 0
    return vectors, flux.astype(np.float32), ivar.astype(np.float32)


def fits(survey, priors, solver, monkeypatch, *, jointly):
    """Fit with samples of 30 pixels, in joint rounds or in those of other learners; the limits of both are tight."""
    monkeypatch.setattr(population_learners, "SAMPLE", 30)
    monkeypatch.setattr(spectral_fit, "SAMPLE", 30 if jointly else 1000)
    tight = partial(fit_population, tolerance=1e-13)
    monkeypatch.setattr(
        population_learners, "fit_population", lambda *given, **more: tight(*given, **(more | tight.keywords))
    )
    monkeypatch.setattr(population_learners, "_KAPPA_SETTLED", 1e-9)
    monkeypatch.setattr(population_learners, "_NEAR", {"scatter": "near", "tolerance": 1e-6})
    monkeypatch.setattr(spectral_fit, "_SETTLED", 1e-8)
    monkeypatch.setattr(spectral_fit, "_MAX_ROUNDS", 30)
    return fit_spectral(*survey, n_label=2, priors=priors, solver=solver)


@pytest.mark.parametrize("name", PRIORS)
def test_the_fixed_point_is_that_of_other_rounds(survey, name, monkeypatch):
    solver = Solver(double=True, tolerance=1e-10)
    other = fits(survey, PRIORS[name], solver, monkeypatch, jointly=False)
    fast = fits(survey, PRIORS[name], Solver(), monkeypatch, jointly=True)
    monkeypatch.setattr(joint_rounds, "_SETTLED", 1e-9)
    monkeypatch.setattr(joint_rounds, "_KAPPA_SETTLED", 1e-10)
    monkeypatch.setattr(joint_rounds, "_MAX_ROUNDS", 30)
    exact = fits(survey, PRIORS[name], solver, monkeypatch, jointly=True)
    live = other.fit.live
    error = np.sqrt(np.diagonal(other.fit.covariance[live], axis1=1, axis2=2))
    for result, least in ((exact, 2e-6), (fast, 1e-3)):
        assert result.populations.converged
        assert np.abs((result.fit.theta - other.fit.theta)[live] / error).max() < least
        np.testing.assert_allclose(result.kappa, other.kappa, rtol=least / 10)
        np.testing.assert_allclose(result.fit.scatter[live], other.fit.scatter[live], rtol=least, atol=least * 1e-3)
    assert not live[17]


def test_a_warm_start_needs_no_sample_and_ends_where_it_began(survey, monkeypatch):
    cold = fits(survey, PRIORS["both"], Solver(), monkeypatch, jointly=True)
    monkeypatch.setattr(spectral_fit, "SAMPLE", 30)
    warm = fit_spectral(*survey, n_label=2, priors=PRIORS["both"], start=cold)
    assert len(warm.populations.trace) == 1
    np.testing.assert_allclose(warm.kappa, cold.kappa, rtol=1e-5)


def test_the_step_of_kappa_is_newtons(survey):
    vectors, flux, ivar = survey
    prior, solver = PixelPrior.flat(90, 6), Solver(double=True, tolerance=1e-12)
    fit, near = (fit_pixels(vectors, flux, ivar, kappa=np.exp(u), solver=solver) for u in (-0.3, -0.3 + 1e-5))
    move, change = kappa_step(fit, prior, data_equations(fit, prior)[0])
    live = fit.live
    slope = (noise_excess(near, prior) - noise_excess(fit, prior))[live].sum() / 1e-5
    np.testing.assert_allclose(move, -noise_excess(fit, prior)[live].sum() / slope, rtol=1e-3)
    inside = live & (fit.scatter > 0) & (near.scatter > 0)
    np.testing.assert_allclose(
        change[inside], (near.scatter[inside] ** 2 - fit.scatter[inside] ** 2) / 1e-5, rtol=2e-3, atol=1e-9
    )


def test_another_prior_is_solved_from_the_same_sums(survey):
    vectors, flux, ivar = survey
    flat = fit_pixels(vectors, flux, ivar)
    prior = PixelPrior(np.tile(np.eye(1, 6), (90, 1)), np.full((90, 6), 1e5))
    again = solved(flat, *data_equations(flat, PixelPrior.flat(90, 6)), prior)
    fixed = fit_pixels(
        vectors, flux, ivar, prior=prior, start=flat.scatter, solver=Solver(scatter="fixed")
    )  # fmt: skip
    live = flat.live
    error = np.sqrt(np.diagonal(fixed.covariance[live], axis1=1, axis2=2))
    assert np.abs((again.theta - fixed.theta)[live] / error).max() < 1e-3
    assert (again.theta[~live] == 0).all()
