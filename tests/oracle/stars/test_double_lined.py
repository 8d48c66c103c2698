"""Pairs with two velocities against the compiled PyMC model, and recovered where the model is true."""

import numpy as np
import pytest
from star_pairs import DENSITY, PRIOR, SCALER, SEQUENCE, DoubleLinedStars

from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.models.binary_star import double_lined_model
from bayescannon.models.main_sequence import DIFFERENCE_WIDTH, LEAST_RATIO, MEAN_WIDTH
from bayescannon.stars.double_lined import PairSpectra, _Star, fit_double_lined

C_KM_S = SPEED_OF_LIGHT / 1000


def parts_of(stars):
    return PairSpectra(stars.spline, stars.scatter, SEQUENCE, SCALER, DENSITY, LEAST_RATIO)


def test_the_objective_is_that_of_the_pymc_model():
    stars = DoubleLinedStars(1, difference=150.0)
    parts = parts_of(stars)
    weight = 1 / (stars.scatter**2 + 1 / stars.ivar[0])
    star = _Star(parts, stars.flux[0], weight)
    rng = np.random.default_rng(0)
    points = []
    for _ in range(3):
        point = np.concatenate([stars.first[0], [0.1, 0.2, -0.3, 1.2, 1.2]])
        # velocities stay near to the same nodes
        points.append(point + np.array([0.1, 0.1, 0.1, 0.02, 0.3, 0.01, 0.01, 0.005]) * rng.normal(size=8))
    _, log_light = parts.light(points[0][:3], points[0][6], points[0][5])
    w = 1 / (1 + np.exp(-log_light))
    velocity, difference = MEAN_WIDTH * points[0][3], DIFFERENCE_WIDTH * points[0][7]
    numbers = [parts.node(v)[0] for v in (velocity - w * difference, velocity + (1 - w) * difference)]
    nodes = [(number * parts.step * C_KM_S, parts.at(number)) for number in numbers]
    model = double_lined_model(
        nodes, stars.flux[0], weight**-0.5, wavelength=stars.wavelength, sequence=SEQUENCE, scaler=SCALER, prior=PRIOR,
        least_ratio=LEAST_RATIO,
    )  # fmt: skip
    logp = model.compile_logp(mode="FAST_COMPILE")
    stated = [
        logp({
            "labels": point[:3], "mean_velocity": point[3], "line_spread": point[4], "rho": point[5],
            "mass_ratio_interval__": point[6], "velocity_difference": point[7],
        })
        for point in points
    ]  # fmt: skip
    exact = [-0.5 * star.objective(point) for point in points]
    np.testing.assert_allclose(np.diff(stated), np.diff(exact), rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("n_parameter", [5, 8])
def test_derivatives_are_those_of_the_flux(n_parameter):
    stars = DoubleLinedStars(1, difference=150.0)
    star = _Star(parts_of(stars), stars.flux[0], np.ones(len(stars.flux[0])))
    point = np.concatenate([stars.first[0], [0.1, 0.2, -0.3, 1.2, 1.2]])[:n_parameter]
    _, found = star.model(point)
    for m in range(n_parameter):
        ahead, back = (point + sign * 1e-4 * (np.arange(n_parameter) == m) for sign in (1, -1))
        expected = (star.model(ahead, slopes=False)[0] - star.model(back, slopes=False)[0]) / 2e-4
        np.testing.assert_allclose(found[:, m], expected, atol=0.02 * np.abs(expected).max())


def test_velocities_and_labels_of_pairs_are_found_and_single_stars_stay_single():
    pairs = DoubleLinedStars(12, difference=220.0, seed=1)
    found = fit_double_lined(parts_of(pairs), pairs.flux, pairs.ivar, pairs.start)
    assert (found.log_ratio > 10).all()
    unlike = pairs.q < 0.97
    np.testing.assert_allclose(found.difference[unlike], 220.0, atol=25.0)
    np.testing.assert_allclose(np.abs(found.difference), 220.0, atol=25.0)
    single = DoubleLinedStars(12, difference=0.0, seed=2, pairs=False)
    alone = fit_double_lined(parts_of(single), single.flux, single.ivar, single.start)
    assert (alone.log_ratio < 3).all()
    # a wrong redshift and wider lines are not a pair
    moved = DoubleLinedStars(8, difference=0.0, seed=3, pairs=False, velocity=25.0)
    assert (fit_double_lined(parts_of(moved), moved.flux, moved.ivar, moved.start).log_ratio < 3).all()


def test_a_star_without_labels_or_pixels_has_no_result():
    stars = DoubleLinedStars(3, difference=200.0)
    stars.start[0] = np.nan
    stars.ivar[1] = 0.0
    found = fit_double_lined(parts_of(stars), stars.flux, stars.ivar, stars.start, workers=1)
    assert np.isnan(found.log_ratio[:2]).all()
    assert np.isfinite(found.log_ratio[2])
