"""The exact training against loops over pixels, and at its borders."""

import numpy as np
import pytest
import slow_cannon

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.solver import Solver


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(11)
    n_star, n_pixel = 150, 30
    vectors = label_vector(rng.normal(size=(n_star, 3)).clip(-2.5, 2.5))
    theta = 0.03 * rng.normal(size=(n_pixel, vectors.shape[1]))
    theta[:, 0] += 1
    scatter = np.where(np.arange(n_pixel) % 2, rng.uniform(0.002, 0.05, n_pixel), 0.0)
    sigma = 0.01 * np.exp(rng.normal(0, 0.7, size=(n_star, n_pixel)))
    flux = vectors @ theta.T + np.hypot(scatter, sigma) * rng.normal(size=sigma.shape)
    ivar = 1 / sigma**2
    ivar[rng.random(ivar.shape) < 0.1] = 0
    return vectors, flux, ivar


def test_matches_a_fine_search_in_every_pixel(survey):
    vectors, flux, ivar = survey
    fit = fit_pixels(vectors, flux, ivar)
    for p in range(flux.shape[1]):
        theta, nll, s = slow_cannon.train_pixel(vectors, flux[:, p], ivar[:, p])
        assert fit.objective[p] <= nll + 1e-8
        np.testing.assert_allclose(fit.scatter[p], s, atol=2e-6)
        error = np.sqrt(np.diag(fit.covariance[p]))
        np.testing.assert_allclose((fit.theta[p] - theta) / error, 0, atol=1e-3)


def test_covariance_is_that_of_weighted_least_squares(survey):
    vectors, flux, ivar = survey
    fit = fit_pixels(vectors, flux, ivar)
    p = 3
    live = ivar[:, p] > 0
    weight = 1 / (fit.scatter[p] ** 2 + 1 / ivar[live, p])
    expected = np.linalg.inv(vectors[live].T @ (weight[:, None] * vectors[live]))
    np.testing.assert_allclose(fit.covariance[p], expected, rtol=1e-8, atol=1e-15)


def test_the_papers_grid_is_reproduced(survey):
    vectors, flux, ivar = survey
    fit = fit_pixels(vectors, flux, ivar, solver=Solver(scatter="grid"))
    for p in range(flux.shape[1]):
        theta, s = slow_cannon.train_pixel_on_the_papers_grid(vectors, flux[:, p], ivar[:, p])
        np.testing.assert_allclose(fit.scatter[p], s, rtol=1e-6)
        np.testing.assert_allclose(fit.theta[p], theta, atol=1e-8)


def test_the_exact_optimum_is_never_worse_than_the_grid(survey):
    exact, grid = fit_pixels(*survey), fit_pixels(*survey, solver=Solver(scatter="grid"))
    assert (exact.objective <= grid.objective + 1e-9).all()
    assert (exact.objective < grid.objective - 1e-3).any()


def test_an_optimum_hidden_behind_zero_scatter_is_found():
    # a few precise stars fit without scatter; many noisy ones demand it
    rng = np.random.default_rng(2)
    vectors = label_vector(rng.normal(size=(400, 1)))
    sigma = np.where(np.arange(400) < 5, 1e-4, 0.05)
    flux = vectors @ [1.0, 0.1, 0.02] + np.where(np.arange(400) < 5, 1e-5, 0.2) * rng.normal(size=400)
    fit = fit_pixels(vectors, flux[:, None], 1 / sigma[:, None] ** 2)
    _, nll, s = slow_cannon.train_pixel(vectors, flux, 1 / sigma**2)
    assert s > 0.1
    np.testing.assert_allclose(fit.scatter[0], s, rtol=1e-4)
    assert fit.objective[0] <= nll + 1e-8


def test_result_does_not_depend_on_blocks_workers_or_float32(survey):
    vectors, flux, ivar = survey
    flux, ivar = flux.astype(np.float32), ivar.astype(np.float32)
    one = fit_pixels(vectors, flux, ivar, solver=Solver(block=7, workers=1))
    two = fit_pixels(vectors, flux.astype(np.float64), ivar.astype(np.float64), solver=Solver(block=64, workers=2))
    # the stop is at 1e-6 of s^2; theta follows
    np.testing.assert_allclose(one.scatter, two.scatter, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(one.theta, two.theta, atol=1e-8)


def test_pixels_that_cannot_be_fitted_get_no_weight(survey):
    vectors, flux, ivar = survey
    ivar = ivar.copy()
    ivar[:, 0] = 0
    ivar[n_terms(3) - 1 :, 1] = 0
    vectors = vectors.copy()
    twins = np.repeat(vectors[:5], 30, axis=0)
    fit = fit_pixels(vectors, flux, ivar)
    assert (fit.status[:2] == PixelStatus.DEAD).all()
    assert (fit.status[2:] == PixelStatus.CONVERGED).all()
    assert np.isinf(fit.scatter[:2]).all()
    assert (fit.theta[:2] == 0).all()
    singular = fit_pixels(twins, flux, ivar)
    assert (singular.status[2:] == PixelStatus.SINGULAR).all()
    for result in (fit, singular):
        assert np.isfinite(result.theta).all()
        assert np.isfinite(result.covariance).all()
        assert not np.isnan(result.scatter).any()


def test_noiseless_data_give_zero_scatter():
    rng = np.random.default_rng(4)
    vectors = label_vector(rng.normal(size=(80, 2)))
    theta = rng.normal(size=(4, 6))
    fit = fit_pixels(vectors, vectors @ theta.T, np.full((80, 4), 1e4))
    assert (fit.scatter == 0).all()
    np.testing.assert_allclose(fit.theta, theta, atol=1e-10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, f, i: (v[:-1], f, i), "149 stars"),
        (lambda v, f, i: (v, f, i[:, :-1]), r"shape \(star, pixel\)"),
        (lambda v, f, i: (np.where(v == v[0, 1], np.nan, v), f, i), "label vectors must be finite"),
        (lambda v, f, i: (v, np.where(i == i.max(), np.nan, f), i), "flux and ivar must be finite"),
        (lambda v, f, i: (v, f, np.where(i == i.max(), np.nan, i)), "flux and ivar must be finite"),
        (lambda v, f, i: (v, f, -i), "not negative"),
        (lambda v, f, i: (v, f[:, :0], i[:, :0]), "at least one pixel"),
        (lambda v, f, i: (v, f, np.where(i == i.max(), 1e20, i)), "inverse variance .* got 1e\\+20"),
    ],
)
def test_wrong_calls_are_refused(survey, change, message):
    with pytest.raises(ValueError, match=message):
        fit_pixels(*change(*survey))
    with pytest.raises(ValueError, match="'exact', 'grid', 'fixed', 'step' or 'near'"):
        fit_pixels(*survey, solver=Solver(scatter="median"))


def test_one_star_with_tiny_errors_does_not_make_pixels_singular(survey):
    vectors, flux, ivar = survey
    ivar = ivar.copy()
    ivar[0] = 1e13
    fit = fit_pixels(vectors, flux, ivar)
    assert (fit.status == PixelStatus.CONVERGED).all()
    for p in (1, 4):
        _, nll, s = slow_cannon.train_pixel(vectors, flux[:, p], ivar[:, p])
        assert fit.objective[p] <= nll + 1e-6
        np.testing.assert_allclose(fit.scatter[p], s, rtol=1e-4, atol=2e-6)


def test_very_different_noise_hides_no_better_scatter():
    """Pixels whose stars differ in noise by factors of hundreds: the best of several optima is found."""
    rng = np.random.default_rng(8)
    n_star, n_pixel = 120, 60
    vectors = label_vector(rng.normal(size=(n_star, 2)).clip(-2.5, 2.5))
    sigma = 0.02 * np.exp(rng.normal(0, 1.5, size=(n_star, n_pixel)))
    flux = vectors @ (0.05 * rng.normal(size=(n_pixel, 6))).T + 0.5 * sigma * rng.normal(size=sigma.shape)
    flux += 0.01 * rng.normal(size=sigma.shape) * (rng.random(n_pixel) < 0.5)
    fit = fit_pixels(vectors, flux, 1 / sigma**2)
    for p in range(n_pixel):
        _, nll, _ = slow_cannon.train_pixel(vectors, flux[:, p], 1 / sigma[:, p] ** 2)
        assert fit.objective[p] <= nll + 1e-6
