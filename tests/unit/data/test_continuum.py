"""Division by the running mean."""

import numpy as np

from bayescannon.data.continuum import normalise
from bayescannon.data.prepare import lamost_grid


def test_normalise_does_not_depend_on_the_scale_and_keeps_the_signal_to_noise():
    rng = np.random.default_rng(6)
    grid = lamost_grid()
    flux, ivar = 1 + 0.1 * rng.normal(size=(2, grid.size)), rng.gamma(2, size=(2, grid.size))
    one = normalise(flux, ivar, grid)
    other = normalise(1e3 * flux, 1e-6 * ivar, grid)
    np.testing.assert_allclose(one, other, rtol=1e-12)
    np.testing.assert_allclose(one[0] * np.sqrt(one[1]), flux * np.sqrt(ivar), rtol=1e-12)


def test_normalise_kills_pixels_without_a_positive_mean():
    grid = lamost_grid()
    flux, ivar = np.ones((1, grid.size)), np.ones((1, grid.size))
    flux[0, :1000] = -1
    flux[0, 2000], ivar[0, 2000] = 1e9, 0
    got_flux, got_ivar = normalise(flux, ivar, grid)
    assert (got_ivar[0, :900] == 0).all()
    assert (got_flux[0, :900] == 1).all()
    assert (got_flux[0, 2000], got_ivar[0, 2000]) == (1, 0)
    np.testing.assert_allclose(got_flux[0, 1400:], 1, rtol=1e-12)
