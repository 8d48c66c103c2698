"""The preparation against loops that say what it does, one pixel at a time."""

import numpy as np
import pytest

from bayescannon.data.prepare import resample


def slow_resample(wavelength, flux, ivar, grid, variance):
    """Linear interpolation, one pixel at a time."""
    flux_out, ivar_out = np.zeros(len(grid)), np.zeros(len(grid))
    for p, target in enumerate(grid):
        if not wavelength[0] <= target <= wavelength[-1]:
            continue
        i = 0
        while i + 2 < len(wavelength) and wavelength[i + 1] <= target:
            i += 1
        t = (target - wavelength[i]) / (wavelength[i + 1] - wavelength[i])
        parts = [(1 - t, flux[i], ivar[i]), (t, flux[i + 1], ivar[i + 1])]
        parts = [part for part in parts if part[0] != 0]
        if any(part[2] == 0 for part in parts):
            continue
        flux_out[p] = sum(w * f for w, f, _ in parts)
        if variance == "interpolate":
            ivar_out[p] = sum(w * v for w, _, v in parts)
        else:
            ivar_out[p] = 1 / sum(w**2 / v for w, _, v in parts)
    return flux_out, ivar_out


@pytest.mark.parametrize("variance", ["interpolate", "propagate"])
def test_resample_matches_the_loop(variance):
    rng = np.random.default_rng(3)
    for _ in range(20):
        # pixels of uneven width, without a gap
        wavelength = 4000 + 2.5 * (np.arange(80) + rng.uniform(-0.45, 0.45, 80))
        flux, ivar = rng.normal(1, 1, 80), rng.gamma(1, 1, 80)
        ivar[rng.random(80) < 0.2] = 0
        flux[ivar == 0] = np.nan
        # grid points on input pixels have one neighbour only; some are outside
        grid = np.sort(np.r_[rng.uniform(3990, 4210, 60), wavelength[::7], wavelength[[0, -1]]])
        got = resample(wavelength, flux, ivar, grid, variance)
        want = slow_resample(wavelength, flux, ivar, grid, variance)
        assert 10 < (want[1] == 0).sum() < 60
        np.testing.assert_allclose(got[0], want[0], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(got[1], want[1], rtol=1e-12)


def test_propagated_variance_is_the_variance_of_the_interpolated_flux():
    rng = np.random.default_rng(4)
    wavelength, grid = np.arange(4000.0, 4050.0), np.arange(4000.3, 4040.0, 0.77)
    sigma = rng.uniform(0.5, 2.0, len(wavelength))
    draws = [resample(wavelength, rng.normal(0, sigma), sigma**-2, grid, "propagate")[0] for _ in range(20_000)]
    _, ivar = resample(wavelength, 0 * sigma, sigma**-2, grid, "propagate")
    # the scatter of an estimated variance is sqrt(2 / n) = 1 per cent
    np.testing.assert_allclose(np.var(draws, axis=0) * ivar, 1, atol=0.05)
