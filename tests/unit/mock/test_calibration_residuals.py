"""Residuals of the calibration: size, correlation and place."""

import numpy as np
import pytest

from bayescannon.mock.calibration_residuals import (
    FLAT_LENGTH,
    FLAT_SCATTER,
    RESIDUAL_SIZE,
    RIPPLE_LENGTH,
    RIPPLE_SCATTER,
    TELLURIC_BANDS,
    draw_residuals,
)
from bayescannon.mock.emulator import Emulator

WAVELENGTH = Emulator.load().wavelength
OUTSIDE = ~np.any([(low < WAVELENGTH) & (high > WAVELENGTH) for low, high, _ in TELLURIC_BANDS], axis=0)


@pytest.fixture(scope="module")
def factors():
    return draw_residuals(1500, WAVELENGTH, np.random.default_rng(1))


def test_size_follows_the_wavelength(factors):
    size = np.hypot(FLAT_SCATTER, RIPPLE_SCATTER) * np.interp(WAVELENGTH, *RESIDUAL_SIZE.T)
    ratio = (factors.std(axis=0) / size)[OUTSIDE]
    np.testing.assert_allclose(ratio, 1, atol=0.1)
    np.testing.assert_allclose(factors.mean(axis=0), 1, atol=0.01)


@pytest.mark.parametrize("lag", [1, 3, 20, 60])
def test_neighbours_are_alike(factors, lag):
    near = (WAVELENGTH > 4800) & (WAVELENGTH < 5500)
    off = factors[:, near] - 1
    got = (off[:, lag:] * off[:, :-lag]).mean() / (off**2).mean()
    # smoothed by a Gaussian of width L, white noise has the correlation exp(-lag^2 / 4 L^2)
    flat, ripple = FLAT_SCATTER**2, RIPPLE_SCATTER**2
    expected = flat * np.exp(-((lag / FLAT_LENGTH) ** 2) / 4) + ripple * np.exp(-((lag / RIPPLE_LENGTH) ** 2) / 4)
    np.testing.assert_allclose(got, expected / (flat + ripple), atol=0.05)


@pytest.mark.parametrize("band", range(len(TELLURIC_BANDS)))
def test_a_telluric_band_has_one_pattern(factors, band):
    low, high, depth = TELLURIC_BANDS[band]
    inside = (low < WAVELENGTH) & (high > WAVELENGTH)
    off = factors[:, inside] - 1
    off -= off.mean(axis=0)
    _, power, pattern = np.linalg.svd(off, full_matrices=False)
    strongest = power[0] / np.sqrt(len(off)) * np.abs(pattern[0]).max()
    assert 0.3 * depth < strongest < 3 * depth


def test_the_pattern_does_not_depend_on_the_seed():
    one, other = (draw_residuals(400, WAVELENGTH, np.random.default_rng(seed)) for seed in (1, 2))
    inside = (WAVELENGTH > 8140) & (WAVELENGTH < 8250)
    first, second = (np.linalg.svd(x[:, inside] - x[:, inside].mean(axis=0))[2][0] for x in (one, other))
    assert abs(first @ second) > 0.9
