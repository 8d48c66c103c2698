"""The population of coefficients against PyMC's marginal model, and recovery of what was put in."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.optimize import minimize_scalar

from bayescannon.models.coefficient_priors import PooledCoefficients
from bayescannon.pixels.coefficient_population import (
    LOWEST_LOG_TAU,
    Population,
    activity_mode,
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


def test_objective_and_gradients_are_those_of_the_pymc_model_integrated_over_a_grid_of_activities():
    normal, right, _ = equations(3)
    # the last pixel has errors 30 times as large
    size = np.array([1.0, 1.0, 30.0]) ** 2
    normal, right = normal / size[:, None, None], right / size[:, None]
    # the flat terms integrate out: the estimates' covariance is a block of the inverse
    covariance = np.linalg.inv(normal)[:, SHRUNK][:, :, SHRUNK]
    theta_hat = np.linalg.solve(normal, right[..., None])[:, SHRUNK, 0]
    model = marginal_model(theta_hat, covariance, 0.8)
    density = model.logp_dlogp_function(
        [model["mu"], model["tau"], model["log_activity"]], ravel_inputs=True, mode="FAST_COMPILE"
    )
    density.set_extra_values({})
    rng = np.random.default_rng(1)
    grid = np.linspace(-5, 5, 81)
    evidence, objective = [], []
    for _ in range(2):
        population = Population(0.01 * rng.normal(size=3), np.exp(rng.normal(-4, 1, 3)), np.exp(rng.normal(size=3)))
        at = np.concatenate([population.mu, np.log(population.tau), np.zeros(3)])
        # pixels are independent given mu and tau: each is integrated with the others' activities at 1
        base, slope = density(at)
        # the density is of tau, that of the function of ln tau
        total, gradient = base - at[3:6].sum(), slope[:6] - np.repeat([0, 1], 3)
        for p in range(3):
            points = np.tile(at, (len(grid), 1))
            points[:, 6 + p] = grid
            values, slopes = zip(*[density(point) for point in points], strict=True)
            ratio = np.exp(np.array(values) - base)
            total += np.log(ratio.sum() * (grid[1] - grid[0]))
            gradient += ratio @ np.array(slopes)[:, :6] / ratio.sum() - slope[:6]
        found = marginal_objective(*eliminate_flat(normal, right, SHRUNK), population, 0.8)
        ours = -np.concatenate([found.mu, found.log_tau])
        np.testing.assert_allclose(ours, gradient, rtol=1e-3, atol=1e-3 * np.abs(gradient).max())
        evidence.append(total)
        objective.append(found.objective)
    assert objective[1] - objective[0] == pytest.approx(evidence[0] - evidence[1], abs=1e-3)


def test_the_activity_is_the_most_probable_one():
    rng = np.random.default_rng(2)
    size = np.exp(rng.normal(0, 3, (20, 4)))
    signal = rng.normal(size=(20, 4)) * np.sqrt(size * (1 + np.exp(rng.normal(size=(20, 1))) * size))
    size[0] = signal[0] = 0
    mode, width = activity_mode(size, signal, np.zeros(20), 0.8)

    def objective(x, e, g):
        return 0.5 * np.sum(np.log1p(np.exp(2 * x) * e) - np.exp(2 * x) * g**2 / (1 + np.exp(2 * x) * e)) + x**2 / 1.28

    for p in range(20):
        best = minimize_scalar(objective, bounds=(-8, 8), args=(size[p], signal[p]), options={"xatol": 1e-8}).x
        assert mode[p] == pytest.approx(best, abs=1e-3)
    assert mode[0] == 0
    assert width[0] == pytest.approx(0.8)


def test_the_fit_is_a_maximum_and_never_goes_uphill():
    normal, right, _ = equations(200)
    reduced = eliminate_flat(normal, right, SHRUNK)
    found = fit_population(*reduced, tolerance=1e-10)
    assert found.converged
    assert (np.diff(found.trace) <= 200 * 1e-10).all()
    values = marginal_objective(*reduced, found, 1.0)
    error = np.sqrt(np.diag(np.linalg.inv(values.fisher_tau)))
    assert np.abs(values.log_tau * error).max() < 1e-3
    assert np.abs(values.mu / np.sqrt(np.diag(values.fisher_mu))).max() < 1e-3
    np.testing.assert_allclose(found.activity, np.exp(values.log_activity), rtol=1e-3)


def test_the_population_is_recovered():
    tau = np.geomspace(0.003, 0.02, 15)
    normal, right, activity = equations(3000, seed=3, tau=tau)
    found = fit_population(*eliminate_flat(normal, right, np.arange(18) >= 3), activity_spread=0.7)
    np.testing.assert_allclose(found.tau / tau, 1, atol=0.07)
    np.testing.assert_allclose(found.mu, 0.003, atol=0.0015)
    assert np.corrcoef(np.log(found.activity), np.log(activity))[0, 1] > 0.85


@pytest.mark.parametrize("ratio", [1 / 6, 0.5, 1.6, 4.0, 8.0])
def test_tau_has_no_bias_however_large_the_errors_of_the_coefficients_are(ratio):
    """Maximised with lambda, tau was 0.93 to 3.8 times the truth on these."""
    rng = np.random.default_rng(5)
    tau = np.geomspace(0.002, 0.01, 12)
    # where errors are large, each pixel tells little of tau
    n_pixel = 1500 if ratio < 4 else 4000
    activity = np.exp(rng.normal(size=n_pixel))
    theta = 0.001 + tau * activity[:, None] * rng.normal(size=(n_pixel, 12))
    root = rng.normal(size=(n_pixel, 12, 100)) / (tau[:, None] * ratio * 10)
    normal = root @ root.transpose(0, 2, 1)
    noise = np.einsum("pij,pj->pi", np.linalg.cholesky(normal), rng.normal(size=(n_pixel, 12)))
    found = fit_population(normal, np.einsum("pij,pj->pi", normal, theta) + noise)
    assert found.converged
    assert np.exp(np.log(found.tau / tau).mean()) == pytest.approx(1, abs=0.1)


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
