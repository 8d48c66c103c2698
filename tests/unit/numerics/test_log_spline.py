import numpy as np
import pytest

from bayescannon.numerics.log_spline import LogSpline, contiguous_segments

STEP = 2.302585e-4
GRID = np.exp(8.5 + STEP * np.arange(400))


def line(grid, width, *, moved=0.0):
    """A Gaussian line of a width in pixels, and its derivatives by ln lambda."""
    t = (np.log(grid) - 8.5 - 200.3 * STEP - moved) / (width * STEP)
    profile = np.exp(-0.5 * t**2)
    return profile, -t * profile / (width * STEP), (t**2 - 1) * profile / (width * STEP) ** 2


def largest(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


def test_derivatives_of_a_line_of_one_pixel():
    profile, first, second = line(GRID, 1.02)
    spline = LogSpline.of(GRID, profile[:, None], np.ones(400, dtype=bool))
    values, slope, curvature = spline.at()
    np.testing.assert_array_equal(values[:, 0], profile)
    assert largest(slope[:, 0], first) < 0.05
    assert largest(curvature[:, 0], second) < 0.04
    # differences of neighbouring pixels are off by far more
    assert largest(np.gradient(profile, STEP), first) > 0.3


@pytest.mark.parametrize("pixels", [-1.3, 0.2, 0.8])
def test_a_shift_moves_lines_to_longer_wavelengths(pixels):
    spline = LogSpline.of(GRID, line(GRID, 1.5)[0][:, None], np.ones(400, dtype=bool))
    found = spline.at(shift=pixels * STEP)
    for got, expected, tolerance in zip(found, line(GRID, 1.5, moved=pixels * STEP), (0.001, 0.005, 0.01), strict=True):
        assert largest(got[:, 0], expected) < tolerance


@pytest.mark.parametrize("variance", [0.25, 1.5])
def test_a_convolution_broadens_lines(variance):
    spline = LogSpline.of(GRID, line(GRID, 1.5)[0][:, None], np.ones(400, dtype=bool))
    width = np.sqrt(1.5**2 + variance)
    expected = line(GRID, width)[0] * 1.5 / width
    assert largest(spline.at(variance=variance * STEP**2)[0][:, 0], expected) < 0.005


@pytest.mark.parametrize("variance", [-0.25, -0.5])
def test_a_negative_variance_makes_lines_narrower(variance):
    spline = LogSpline.of(GRID, line(GRID, 1.5)[0][:, None], np.ones(400, dtype=bool))
    width = np.sqrt(1.5**2 + variance)
    found = spline.at(variance=variance * STEP**2)
    for got, expected, tolerance in zip(found, line(GRID, width), (0.02, 0.05, 0.08), strict=True):
        assert largest(got[:, 0], expected * 1.5 / width) < tolerance


def test_gaps_and_dead_pixels_end_a_spline():
    grid = np.concatenate([GRID[:100], GRID[250:]])
    live = np.ones(250, dtype=bool)
    live[40] = False
    assert contiguous_segments(grid, live) == [slice(0, 40), slice(41, 100), slice(100, 250)]
    values = np.where(np.arange(250) < 100, 1.0, 5.0)[:, None]
    values[40] = np.nan
    found, first, second = LogSpline.of(grid, values, live).at(shift=0.3 * STEP)
    np.testing.assert_allclose(first, 0, atol=1e-6)
    np.testing.assert_allclose(second, 0, atol=1e-3)
    np.testing.assert_allclose(found[live], values[live])
    assert found[40] == 0


def test_linear_grids_have_no_gaps_and_short_segments_no_derivatives():
    linear = np.linspace(3700.0, 9000.0, 500)
    assert contiguous_segments(linear, np.ones(500, dtype=bool)) == [slice(0, 500)]
    live = np.zeros(500, dtype=bool)
    live[3:8] = True
    values, first, _ = LogSpline.of(linear, np.arange(500.0)[:, None], live).at()
    assert values[4] == 4.0
    assert not first.any()
    assert contiguous_segments(np.array([5000.0]), np.array([True])) == [slice(0, 1)]
