"""Noise of the mock survey is what its reported variances say, but for the factor of the release."""

import numpy as np
import pytest

from bayescannon.cannon.validation import robust_scatter
from bayescannon.mock.detector import NOISE_LOG_SCATTER, observe
from bayescannon.mock.emulator import Emulator
from bayescannon.mock.releases import RELEASES

WAVELENGTH = Emulator.load().wavelength
# away from sky lines and telluric bands, whose residuals are errors beyond the noise; both within one arm
QUIET = {"blue": (4700, 5400), "red": (6400, 6800)}


def width_of_differences():
    """Robust width of the difference of two pixels' noise of unit variance, whose standard deviations scatter."""
    rng = np.random.default_rng(1)
    own = np.exp(NOISE_LOG_SCATTER * rng.standard_normal((2, 200_000)) - NOISE_LOG_SCATTER**2)
    first, second = own * rng.standard_normal(own.shape)
    return robust_scatter(first - second)


@pytest.mark.parametrize("name", RELEASES)
def test_reported_variances_are_off_by_the_factor_of_the_release(name):
    # the same light 400 times: the scatter between exposures is the noise
    n_star = 400
    light = np.full((n_star, len(WAVELENGTH)), 0.8)
    exposure = observe(
        light, np.ones_like(light), np.full(n_star, 30.0), WAVELENGTH, np.random.default_rng(4), release=RELEASES[name]
    )
    for (low, high), factor in zip(QUIET.values(), RELEASES[name].variance_overestimate, strict=True):
        quiet = (low < WAVELENGTH) & (high > WAVELENGTH)
        flux, ivar = exposure.flux[:, quiet], exposure.ivar[:, quiet]
        live = (ivar[:, 1:] > 0) & (ivar[:, :-1] > 0)
        # of neighbouring pixels, the difference holds no slowly varying error
        jump = ((flux[:, 1:] - flux[:, :-1]) * np.sqrt(ivar[:, 1:]))[live]
        ratio = (width_of_differences() / robust_scatter(jump)) ** 2
        # cosmic rays widen the core of the distribution a little
        np.testing.assert_allclose(ratio, factor, rtol=0.05)


def test_dr2_overestimates_by_three():
    # Ho et al. 2017, section 4 and table 1: the reduced chi2 is low by about three
    assert RELEASES["dr2"].variance_overestimate == (3.0, 3.0)
