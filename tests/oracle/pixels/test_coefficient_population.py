"""The population of coefficients against PyMC's marginal model, and recovery of what was put in."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayescannon.models.coefficient_priors import PooledCoefficients
from bayescannon.pixels.coefficient_population import (
    LOWEST_LOG_TAU,
    Population,
    eliminate_flat,
    fit_population,
    marginal_objective,
)

SHRUNK = np.arange(6) >= 3


def equations(n_pixel=30, seed=0, tau=(0.02, 0.01, 0.005), spread=0.7):
    """Normal equations of pixels whose coefficients come from a population, and the truth."""
    rng = np.random.default_rng(seed)
    activity = np.exp(spread * rng.normal(size=n_pixel))
    n_term = 3 + len(tau)
    theta = 0.1 * rng.normal(size=(n_pixel, n_term))
    theta[:, 3:] = 0.003 + np.array(tau) * activity[:, None] * rng.normal(size=(n_pixel, len(tau)))
    root = rng.normal(size=(n_pixel, n_term, 60))
    normal = root @ root.transpose(0, 2, 1) * 3e3 * np.exp(0.5 * rng.normal(size=n_pixel))[:, None, None]
    noise = np.einsum("pij,pj->pi", np.linalg.cholesky(normal), rng.normal(size=(n_pixel, n_term)))
    return normal, np.einsum("pij,pj->pi", normal, theta) + noise, activity


def marginal_model(theta_hat, covariance, spread):
    """The PyMC statement: the estimates of the shrunk terms, theta integrated out."""
    prior = PooledCoefficients(activity_spread=spread)
    with pm.Model(coords={"pixel": np.arange(len(theta_hat))}) as model:
        mu, tau, activity = prior.declare_hyperparameters(np.arange(theta_hat.shape[1]))
        scale = activity[:, None] * tau
        total = covariance + scale[:, :, None] ** 2 * pt.eye(theta_hat.shape[1])
        pm.MvNormal("theta_hat", mu, cov=total, observed=theta_hat)
    return model


def test_objective_and_gradients_are_those_of_the_pymc_marginal_model():
    normal, right, _ = equations()
    # the flat terms integrate out: the estimates' covariance is a block of the inverse
    covariance = np.linalg.inv(normal)[:, SHRUNK][:, :, SHRUNK]
    theta_hat = np.linalg.solve(normal, right[..., None])[:, SHRUNK, 0]
    model = marginal_model(theta_hat, covariance, 0.8)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    dlogp = model.compile_dlogp(jacobian=False, mode="FAST_COMPILE")
    reduced = eliminate_flat(normal, right, SHRUNK)
    rng = np.random.default_rng(1)
    differences = []
    for _ in range(4):
        population = Population(
            0.01 * rng.normal(size=3), np.exp(rng.normal(-4, 1, 3)), np.exp(0.5 * rng.normal(size=30))
        )
        point = {
            "mu": population.mu,
            "tau_log__": np.log(population.tau),
            "log_activity": np.log(population.activity),
        }
        values = marginal_objective(*reduced, population, 0.8)
        differences.append(logp(point) + values["objective"])
        ours = -np.concatenate([values["mu"], values["log_tau"], values["log_activity"]])
        np.testing.assert_allclose(dlogp(point), ours, rtol=1e-5, atol=1e-5 * np.abs(ours).max())
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)


def test_the_fit_is_a_maximum_and_never_goes_uphill():
    normal, right, _ = equations(200)
    reduced = eliminate_flat(normal, right, SHRUNK)
    found = fit_population(*reduced, tolerance=1e-12)
    assert found.converged
    assert (np.diff(found.trace) <= 0).all()
    values = marginal_objective(*reduced, found, 1.0)
    error = np.sqrt(np.diag(np.linalg.inv(values["fisher_tau"])))
    assert np.abs(values["log_tau"] * error).max() < 1e-3
    assert np.abs(values["log_activity"] / np.sqrt(values["fisher_activity"])).max() < 1e-3


def test_the_population_is_recovered():
    tau = np.geomspace(0.003, 0.02, 15)
    normal, right, activity = equations(3000, seed=3, tau=tau)
    found = fit_population(*eliminate_flat(normal, right, np.arange(18) >= 3))
    # tau and the typical activity trade places: their product is what spectra show. Each activity is a mode found
    # from 15 terms, and so a little low
    ratio = found.tau * np.exp(np.log(found.activity).mean()) / (tau * np.exp(np.log(activity).mean()))
    np.testing.assert_allclose(ratio, 0.97, atol=0.07)
    np.testing.assert_allclose(found.mu, 0.003, atol=0.0015)
    assert np.corrcoef(np.log(found.activity), np.log(activity))[0, 1] > 0.85


def test_a_term_without_spread_ends_at_the_border():
    normal, right, _ = equations(2000, tau=(0.02, 0.0, 0.005))
    found = fit_population(*eliminate_flat(normal, right, SHRUNK))
    assert found.tau[1] < 0.1 * found.tau[0]
    assert np.log(found.tau[1]) >= LOWEST_LOG_TAU - 1e-9
    assert np.isfinite(found.objective)


def test_pixels_without_data_follow_the_population():
    normal, right, _ = equations(300)
    normal[:5], right[:5] = 0.0, 0.0
    found = fit_population(*eliminate_flat(normal, right, SHRUNK))
    np.testing.assert_allclose(found.activity[:5], 1.0, atol=1e-3)
    assert np.isfinite(found.tau).all()
