"""Compiled sums over the reference stars against loops that say what they mean."""

import numpy as np
import pytest

from bayescannon.pixels.kernels import fixed_theta_gradient, minus_log_weights, residual_variance, scatter_sums, weigh

N_STAR, N_PIXEL = 23, 5


@pytest.fixture
def data():
    """Flux, prediction, ivar with dead data, s^2 with a zero, and how often each star counts."""
    rng = np.random.default_rng(3)
    flux = rng.normal(1, 0.1, size=(N_STAR, N_PIXEL))
    prediction = flux + 0.05 * rng.normal(size=flux.shape)
    ivar = rng.uniform(100, 900, size=flux.shape)
    ivar[rng.random(ivar.shape) < 0.2] = 0
    s2 = rng.uniform(1e-4, 1e-2, N_PIXEL)
    s2[2] = 0
    return flux, prediction, ivar, s2, rng.integers(0, 4, N_STAR).astype(float)


def slow_weights(ivar, s2):
    weight = np.zeros(ivar.shape)
    for n, p in zip(*np.nonzero(ivar), strict=True):
        weight[n, p] = 1 / (s2[p] + 1 / ivar[n, p])
    return weight


def test_weights_are_those_of_variances_in_sum(data):
    flux, _, ivar, s2, _ = data
    weight, weighted = np.full(flux.shape, np.nan), np.full(flux.shape, np.nan)
    weigh(flux, ivar, s2, weight, weighted)
    np.testing.assert_allclose(weight, slow_weights(ivar, s2), rtol=1e-13)
    np.testing.assert_allclose(weighted, weight * flux, rtol=1e-13)
    assert (weight[ivar == 0] == 0).all()


@pytest.mark.parametrize(("spreads", "factored"), [(False, False), (True, False), (True, True)])
def test_scatter_sums_are_sums_over_the_stars(data, spreads, factored):
    flux, prediction, ivar, s2, counts = data
    weight = slow_weights(ivar, s2)
    spread = np.random.default_rng(4).uniform(0, 0.01, flux.shape) if spreads else np.empty((0, 0))
    factors = np.random.default_rng(5).random(flux.shape) if factored else np.empty((0, 0))
    w2r, sums = np.full(flux.shape, np.nan), np.full((5, N_PIXEL), np.nan)
    scatter_sums(flux, prediction, spread, weight, factors, counts, w2r, sums)
    for p in range(N_PIXEL):
        expected = np.zeros(5)
        for n in range(N_STAR):
            w, r = weight[n, p], flux[n, p] - prediction[n, p]
            u = factors[n, p] if factored else 1.0
            r2 = u * (r**2 + (spread[n, p] if spreads else 0))
            expected += counts[n] * np.array([w, w**2, w**2 * r2, w**3 * r2, w * r2])
            assert w2r[n, p] == pytest.approx(u * w**2 * r, rel=1e-12)
        np.testing.assert_allclose(sums[:, p], expected, rtol=1e-12)


def test_gradient_at_held_coefficients_is_that_of_the_likelihood(data):
    """Twice the derivative of sum (r^2 w - ln w) / 2 by s^2."""
    flux, prediction, ivar, s2, counts = data
    at = np.stack([s2, 2 * s2 + 1e-3])
    found = fixed_theta_gradient(flux, prediction, ivar, counts, at)

    def objective(variance):
        weight = slow_weights(ivar, variance)
        return (counts[:, None] * ((flux - prediction) ** 2 * weight - np.log(np.where(weight > 0, weight, 1)))).sum(
            axis=0
        )

    for row, variance in zip(found, at, strict=True):
        h = 1e-7
        np.testing.assert_allclose(row, (objective(variance + h) - objective(variance - h)) / (2 * h), rtol=1e-5)


def test_residual_variance_and_log_weights_are_of_live_stars(data):
    flux, prediction, ivar, s2, counts = data
    weight = slow_weights(ivar, s2)
    live = ivar > 0
    for p in range(N_PIXEL):
        n = live[:, p]
        mean = np.average((flux - prediction)[n, p] ** 2, weights=counts[n])
        assert residual_variance(flux, prediction, ivar, counts)[p] == pytest.approx(mean, rel=1e-12)
        total = -(counts[n] * np.log(weight[n, p])).sum()
        assert minus_log_weights(weight, counts)[p] == pytest.approx(total, rel=1e-12)
