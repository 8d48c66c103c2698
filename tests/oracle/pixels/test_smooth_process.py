"""Coefficients that are smooth along wavelength against one dense system, and their scale."""

import numpy as np
import pytest
from smooth_pixels import LENGTH, SHRUNK, TERMS, blocks, dense_posterior, prior_covariance, smooth_survey

from bayescannon.pixels.coefficient_population import eliminate_flat
from bayescannon.pixels.compressed import normal_equations
from bayescannon.pixels.smooth_process import SmoothProcess


def test_the_sweep_is_the_dense_posterior():
    vectors, flux, ivar = smooth_survey(n_pixel=40)
    scatter = np.linspace(0.0, 0.02, 40)
    position = np.cumsum(np.random.default_rng(2).choice([1, 1, 1, 4], 40)).astype(float)
    tau = np.array([0.01, 0.003, 0.02, 0.001, 0.05, 0.01])
    mean, covariance, _ = dense_posterior(vectors, flux, ivar, scatter, tau, position)
    normal, right = normal_equations(vectors, flux, ivar, scatter)
    reduced, reduced_right = eliminate_flat(normal, right, SHRUNK)
    process = SmoothProcess.along(position, LENGTH)
    found = process.posterior(reduced, reduced_right, tau)
    error = np.sqrt(np.diag(covariance)).reshape(40, -1)[:, SHRUNK]
    np.testing.assert_allclose((found.mean - mean[:, SHRUNK]) / error, 0, atol=1e-7)
    expected = blocks(covariance, 40)[:, SHRUNK][:, :, SHRUNK]
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-7, atol=1e-7 * expected.max())
    tensor = covariance.reshape(40, len(TERMS), 40, len(TERMS))
    pair = np.array([np.diag(tensor[p, :, p + 1])[SHRUNK] for p in range(39)])
    np.testing.assert_allclose(found.pair, pair, rtol=1e-6, atol=1e-7 * expected.max())


def test_marginal_likelihood_is_the_dense_one():
    vectors, flux, ivar = smooth_survey(n_pixel=40)
    position = np.arange(40.0)
    normal, right = eliminate_flat(*normal_equations(vectors, flux, ivar, np.full(40, 0.01)), SHRUNK)
    process = SmoothProcess.along(position, LENGTH)
    m, h = np.zeros((240, 240)), right.ravel()
    for p in range(40):
        m[6 * p : 6 * p + 6, 6 * p : 6 * p + 6] = normal[p]
    for tau in (np.full(6, 0.01), np.geomspace(1e-4, 1e-1, 6)):
        k = prior_covariance(position, tau)
        core = np.eye(240) + k @ m
        expected = -0.5 * np.linalg.slogdet(core)[1] + 0.5 * h @ np.linalg.solve(core, k @ h)
        assert process.posterior(normal, right, tau).log_marginal == pytest.approx(expected, rel=1e-9)


def test_em_never_falls_and_ends_at_the_maximum():
    vectors, flux, ivar = smooth_survey(n_pixel=200)
    normal, right = eliminate_flat(*normal_equations(vectors, flux, ivar, np.full(200, 0.01)), SHRUNK)
    process = SmoothProcess.along(np.arange(200.0), LENGTH)
    for start in (1e-4, 0.03, 1.0):
        scale, trace = process.learn_scale(normal, right, np.full(6, start))
        assert len(trace) > 3
        assert (np.diff(trace) > 0).all()
        for k in range(6):
            for factor in (0.97, 1.03):
                moved = scale * np.where(np.arange(6) == k, factor, 1.0)
                assert process.posterior(normal, right, moved).log_marginal < trace[-1]
