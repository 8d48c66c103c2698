"""Both halves of a smooth fit: coefficients against one dense system, scatters against searches."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from smooth_pixels import LENGTH, SHRUNK, TERMS, blocks, dense_posterior, smooth_survey

from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.coefficient_population import eliminate_flat
from bayescannon.pixels.compressed import normal_equations
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.smooth_chain import Chain, scatter_step, whole_vector
from bayescannon.pixels.smooth_process import SmoothProcess
from bayescannon.pixels.solver import Solver

N_PIXEL = 14
TAU = np.array([0.01, 0.003, 0.02, 0.001, 0.05, 0.01])
ALLOWED = np.ones((N_PIXEL, len(TERMS)), dtype=bool)
ALLOWED[3, [2, 5]] = False


def sweep_of(scatter, *, allowed=None, marginal=False):
    """The chain, its normal equations and the coefficients at given scatters."""
    vectors, flux, ivar = smooth_survey()
    flat = np.zeros((N_PIXEL, len(TERMS)))
    prior = PixelPrior(flat, flat if allowed is None else np.where(allowed, 0.0, np.inf))
    process = SmoothProcess.along(np.arange(float(N_PIXEL)), LENGTH)
    solver = Solver(tolerance=1e-10)
    chain = Chain(
        LabelMoments.known(vectors), flux, ivar, prior, np.ones(N_PIXEL), SHRUNK, process, marginal, solver
    )  # fmt: skip
    normal, right = normal_equations(vectors, flux, ivar, scatter, allowed=allowed)
    posterior = process.posterior(*eliminate_flat(normal, right, SHRUNK), TAU)
    return chain, normal, whole_vector(chain, normal, right, posterior, TAU)


@pytest.mark.parametrize("allowed", [None, ALLOWED], ids=["all terms", "censored terms"])
def test_coefficients_are_those_of_the_dense_system(allowed):
    scatter = np.linspace(0.0, 0.02, N_PIXEL)
    _, _, sweep = sweep_of(scatter, allowed=allowed)
    mean, covariance, _ = dense_posterior(*smooth_survey(), scatter, TAU, np.arange(float(N_PIXEL)), allowed)
    keep = np.ones_like(ALLOWED) if allowed is None else allowed
    expected = blocks(covariance, N_PIXEL) * (keep[:, :, None] & keep[:, None, :])
    error = np.sqrt(np.diagonal(blocks(covariance, N_PIXEL), axis1=1, axis2=2))
    np.testing.assert_allclose((sweep.theta - mean * keep) / error, 0, atol=1e-7)
    np.testing.assert_allclose(sweep.covariance, expected, rtol=1e-6, atol=1e-8 * expected.max())
    assert (sweep.freedom == 0).all()


def test_the_penalty_is_the_density_of_the_process():
    chain, _, sweep = sweep_of(np.full(N_PIXEL, 0.01))
    x, rho = sweep.theta[:, SHRUNK], chain.process.correlation
    for p in range(N_PIXEL):
        square = (x[0] / TAU) ** 2 if p == 0 else ((x[p] - rho[p - 1] * x[p - 1]) / TAU) ** 2 / (1 - rho[p - 1] ** 2)
        assert sweep.penalty[p] == pytest.approx(0.5 * square.sum(), rel=1e-10)


def test_the_marginal_objective_is_the_dense_one_but_for_a_constant():
    differences = []
    for scatter in (np.full(N_PIXEL, 0.004), np.linspace(0.0, 0.03, N_PIXEL)):
        chain, normal, sweep = sweep_of(scatter, marginal=True)
        step = scatter_step(chain, sweep, normal, scatter)
        *_, dense = dense_posterior(*smooth_survey(), scatter, TAU, np.arange(float(N_PIXEL)))
        differences.append((step.at.objective + sweep.penalty).sum() - dense)
        # what the data determine of flat terms is all of them
        assert ((sweep.freedom > (~SHRUNK).sum()) & (sweep.freedom < len(TERMS))).all()
    assert differences[0] == pytest.approx(differences[1], abs=1e-6)


@pytest.mark.parametrize("marginal", [False, True])
def test_short_steps_are_the_best_scatters_with_the_coefficients_held(marginal):
    scatter = np.full(N_PIXEL, 0.008)
    chain, normal, sweep = sweep_of(scatter, marginal=marginal)
    step = scatter_step(chain, sweep, normal, scatter)
    squares = (chain.flux - chain.moments.mean @ sweep.theta.T) ** 2
    if marginal:
        v = chain.moments.mean
        squares = squares + np.einsum("ni,pij,nj->np", v, sweep.covariance, v)
    for p in range(N_PIXEL):
        live = chain.ivar[:, p] > 0

        def objective(s, p=p, live=live):
            variance = s**2 + 1 / chain.ivar[live, p]
            return 0.5 * np.sum(squares[live, p] / variance + np.log(variance))

        assert step.at.objective[p] == pytest.approx(objective(scatter[p]), abs=1e-8)
        found = minimize_scalar(objective, bounds=(0, 0.2), method="bounded", options={"xatol": 1e-9})
        best = 0.0 if objective(0.0) <= found.fun else found.x
        assert objective(step.short[p]) <= objective(best) + 1e-8
        assert step.short[p] == pytest.approx(best, abs=2e-6)
        # with the coefficients following it goes on in the same direction, never below 0
        assert (step.long[p] - scatter[p]) * (step.short[p] - scatter[p]) >= 0
        assert step.long[p] >= 0


def test_chi2_is_the_weighted_sum_of_squared_residuals():
    scatter = np.linspace(0.0, 0.02, N_PIXEL)
    chain, normal, sweep = sweep_of(scatter)
    step = scatter_step(chain, sweep, normal, scatter)
    weight = chain.ivar / (1 + scatter**2 * chain.ivar)
    residual = chain.flux - chain.moments.mean @ sweep.theta.T
    np.testing.assert_allclose(step.chi2, (weight * residual**2).sum(axis=0), rtol=1e-10)
