"""Noise scales of single stars against a minimiser, and against what was put in."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from bayescannon.stars.noise_scale import settle_offsets, star_scales


@pytest.mark.parametrize("width", [0.05, 0.4, 5.0])
def test_offsets_are_the_maximum_of_the_posterior(width):
    rng = np.random.default_rng(2)
    s2, ivar = rng.uniform(0, 2e-4, 80), rng.uniform(2e3, 2e4, (5, 80))
    ivar[:, ::7], s2[3], ivar[4] = 0, np.inf, 0
    squares = rng.chisquare(1, (5, 80)) * np.array([0.2, 1, 1, 4, 1])[:, None] * 3e-4
    u, slope, curvature = np.zeros((3, 5))
    settle_offsets(squares, ivar, s2, np.zeros(5), width**-2, u, slope, curvature)
    for n in range(4):
        live = (ivar[n] > 0) & np.isfinite(s2)

        def objective(one, n=n, live=live):
            variance = s2[live] + np.exp(2 * one) / ivar[n, live]
            return 0.5 * (np.log(variance) + squares[n, live] / variance).sum() + 0.5 * (one / width) ** 2

        found = minimize_scalar(objective, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10})
        assert u[n] == pytest.approx(found.x, abs=1e-6)
        assert slope[n] == pytest.approx(-u[n] / width**2, abs=1e-4)
    assert (u[4], curvature[4]) == (0, 0)


def test_a_width_of_0_keeps_all_at_the_centre_and_still_gives_the_slope():
    rng = np.random.default_rng(3)
    squares, ivar = rng.chisquare(1, (3, 50)), np.ones((3, 50))
    u, slope, curvature = np.full(3, 0.2), np.zeros(3), np.zeros(3)
    settle_offsets(squares, ivar, np.zeros(50), np.zeros(3), np.inf, u, slope, curvature)
    assert not u.any()
    np.testing.assert_allclose(slope, (1 - squares).sum(axis=1))
    np.testing.assert_allclose(curvature, 2 * squares.sum(axis=1))


def test_scales_are_recovered_beside_scatter_and_fitted_parameters():
    rng = np.random.default_rng(5)
    truth = np.exp(rng.normal(0, 0.3, 200))
    columns, scatter = rng.normal(size=(60, 4)), rng.uniform(0.002, 0.008, 60)
    ivar = rng.uniform(3e3, 3e4, (200, 60))
    sigma = np.sqrt(scatter**2 + truth[:, None] ** 2 / ivar)
    flux = sigma * rng.normal(size=sigma.shape)
    weight = 1 / sigma**2
    vectors = np.stack(
        [
            np.linalg.lstsq(columns * np.sqrt(w)[:, None], f * np.sqrt(w), rcond=None)[0]
            for w, f in zip(weight, flux, strict=True)
        ]
    )
    common = {"width": 3.0, "workers": 1}
    found = np.log(star_scales(columns, scatter, flux, ivar, vectors, freedom=np.full(200, 4.0), **common) / truth)
    naive = np.log(star_scales(columns, scatter, flux, ivar, vectors, freedom=np.zeros(200), **common) / truth)
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(200) + 0.01
    assert naive.mean() < found.mean() - 0.03


def test_stars_without_a_fit_or_pixels_have_the_common_scale():
    vectors, ivar = np.ones((3, 1)), np.ones((3, 20))
    vectors[1], ivar[2] = np.nan, 0
    scales = star_scales(
        np.ones((20, 1)), np.zeros(20), np.full((3, 20), 4.0), ivar, vectors, freedom=np.ones(3), width=0.5
    )
    assert scales[0] > 1
    assert scales[1:].tolist() == [1, 1]
