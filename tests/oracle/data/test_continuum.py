"""The running mean of the continuum against loops and dense products."""

import numpy as np
import pytest

from bayescannon.data.continuum import normalise
from bayescannon.data.prepare import lamost_grid


def slow_normalise(flux, ivar, wavelength, width):
    """Equations 1 and 2 of Ho et al. (2017), a double loop over pixels."""
    flux_out, ivar_out = np.ones_like(flux), np.zeros_like(ivar)
    for star in range(len(flux)):
        for p in range(len(wavelength)):
            above = below = 0.0
            for i in range(len(wavelength)):
                weight = np.exp(-((wavelength[p] - wavelength[i]) ** 2) / width**2)
                above += flux[star, i] * ivar[star, i] * weight
                below += ivar[star, i] * weight
            if ivar[star, p] > 0 and above > 0:
                mean = above / below
                flux_out[star, p] = flux[star, p] / mean
                ivar_out[star, p] = ivar[star, p] * mean**2
    return flux_out, ivar_out


def test_normalise_matches_the_double_loop():
    rng = np.random.default_rng(1)
    # every ninth pixel of the grid: as wide as the real one, so that the band of weights is cut
    wavelength = lamost_grid()[::9]
    flux = rng.normal(50, 30, (3, len(wavelength))) * (wavelength / 5000) ** 3
    ivar = rng.gamma(2, 1e-3, flux.shape)
    ivar[rng.random(flux.shape) < 0.1] = 0
    ivar[1, 100:250] = 0
    flux[ivar == 0] = 1e5
    flux[2, 300:] -= 200
    got = normalise(flux, ivar, wavelength, 50.0)
    want = slow_normalise(flux, ivar, wavelength, 50.0)
    assert (want[1][2] == 0).sum() > (ivar[2] == 0).sum() + 20
    np.testing.assert_array_equal(got[1] == 0, want[1] == 0)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-11)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-11)


@pytest.mark.parametrize("width", [5.0, 50.0, 2000.0])
def test_normalise_matches_the_dense_product_at_any_width(width):
    rng = np.random.default_rng(2)
    wavelength = lamost_grid()
    flux = rng.normal(10, 1, (4, len(wavelength)))
    ivar = rng.gamma(2, 1.0, flux.shape)
    weights = np.exp(-(((wavelength[:, None] - wavelength) / width) ** 2))
    mean = ((flux * ivar) @ weights) / (ivar @ weights)
    got = normalise(flux, ivar, wavelength, width)
    np.testing.assert_allclose(got[0], flux / mean, rtol=1e-12)
    np.testing.assert_allclose(got[1], ivar * mean**2, rtol=1e-12)
