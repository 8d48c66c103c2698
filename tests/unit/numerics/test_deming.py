"""Deming's regression: known slopes, its ends are least squares, and its error is right."""

import numpy as np
import pytest

from bayescannon.numerics.deming import deming_slope


def _points(seed, n=2000, slope=0.8, noise=(0.3, 0.5)):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n)
    return true + noise[0] * rng.normal(size=n), slope * true + noise[1] * rng.normal(size=n)


def test_the_slope_is_that_of_the_true_values_where_both_have_errors():
    x, y = _points(1)
    slope, error = deming_slope(x, y, ratio=(0.5 / 0.3) ** 2)
    assert abs(slope - 0.8) < 4 * error
    # least squares is too flat by the share of noise in x
    assert deming_slope(x, y, ratio=np.inf)[0] == pytest.approx(0.8 / 1.09, abs=0.04)


def test_the_ends_are_least_squares():
    x, y = _points(2, n=50)
    assert deming_slope(x, y, ratio=np.inf)[0] == pytest.approx(np.polyfit(x, y, 1)[0])
    assert deming_slope(x, y, ratio=0.0)[0] == pytest.approx(1 / np.polyfit(y, x, 1)[0])


def test_the_error_is_the_scatter_over_samples():
    found = np.array([deming_slope(*_points(seed, n=300), ratio=(0.5 / 0.3) ** 2) for seed in range(60)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.3)


@pytest.mark.parametrize("slope", [-0.7, 1e-3, 30.0])
def test_any_sign_and_size(slope):
    x = np.linspace(-1, 1, 40)
    assert deming_slope(x, slope * x, ratio=1.0)[0] == pytest.approx(slope)


@pytest.mark.parametrize(("x", "y"), [([], []), ([1.0, 2.0], [1.0, 2.0]), ([1.0] * 5, [1.0, 2, 3, 4, 5])])
def test_too_little_gives_nan(x, y):
    assert np.isnan(deming_slope(x, y, ratio=1.0)).all()
