"""Newton steps from nearby against the exact roots: scatters, coefficients moved along, and derivatives."""

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.prior import PixelPrior, ScatterDensity
from bayescannon.pixels.solver import Solver


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(5)
    vectors = label_vector(rng.normal(size=(300, 2)).clip(-2.5, 2.5))
    theta = 0.03 * rng.normal(size=(20, 6)) + np.eye(1, 6)
    scatter = np.where(np.arange(20) % 3, rng.uniform(0.002, 0.03, 20), 0.0)
    sigma = 0.01 * np.exp(rng.normal(0, 0.7, size=(300, 20)))
    flux = vectors @ theta.T + np.hypot(scatter, sigma) * rng.normal(size=sigma.shape)
    ivar = np.where(rng.random(sigma.shape) < 0.05, 0.0, sigma**-2.0)
    ivar[:, 7] = 0
    return vectors, flux, ivar


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("kind", ["flat", "log-normal"])
def test_steps_from_nearby_end_at_the_exact_optimum(survey, kind, single):
    vectors, flux, ivar = survey
    prior = PixelPrior.flat(20, 6)
    if kind == "log-normal":
        prior = PixelPrior(prior.mean, prior.precision, ScatterDensity.LOG_NORMAL, (-4.5, 0.5))
    exact = fit_pixels(vectors, flux, ivar, prior=prior)
    start = 1.15 * exact.scatter
    near = fit_pixels(
        vectors, flux, ivar, prior=prior, start=start, solver=Solver(scatter="near", tolerance=0.01, single=single)
    )
    live = exact.live
    assert near.status.tolist() == exact.status.tolist()
    np.testing.assert_allclose(near.scatter[live], exact.scatter[live], rtol=2e-4, atol=2e-5)
    error = np.sqrt(np.diagonal(exact.covariance[live], axis1=1, axis2=2))
    # rounding in single precision, or the second order in the last step of s^2
    assert np.abs((near.theta - exact.theta)[live] / error).max() < 2e-3
    np.testing.assert_allclose(near.objective[live], exact.objective[live], atol=1e-2)
    np.testing.assert_allclose(near.chi2[live], exact.chi2[live], rtol=2e-3)
    # the last pass is one of those that found the scatter
    assert near.n_passes[live].mean() < exact.n_passes[live].mean()


def test_without_a_start_pixels_are_solved_from_zero_and_the_dead_are_found(survey):
    vectors, flux, ivar = survey
    exact, near = (fit_pixels(vectors, flux, ivar, solver=Solver(scatter=s, tolerance=1e-3)) for s in ("exact", "near"))
    assert near.status.tolist() == exact.status.tolist()
    assert near.status[7] == PixelStatus.DEAD
    live = exact.live
    np.testing.assert_allclose(near.scatter[live], exact.scatter[live], rtol=1e-4, atol=1e-5)
