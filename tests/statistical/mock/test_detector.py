"""Noise of the mock survey is what its reported variances say, but for the factor of three."""

import numpy as np

from bayescannon.cannon.validation import robust_scatter
from bayescannon.mock.detector import VARIANCE_OVERESTIMATE, observe
from bayescannon.mock.emulator import Emulator


def test_reported_variances_are_three_times_the_true_ones():
    wavelength = Emulator.load().wavelength
    # the same light 600 times: the scatter between exposures is the noise
    light, n_star = np.full((600, len(wavelength)), 0.8), 600
    exposure = observe(light, np.ones_like(light), np.full(n_star, 50.0), wavelength, np.random.default_rng(4))
    # away from sky lines and telluric bands, whose residuals are errors beyond the noise
    quiet = (wavelength > 4700) & (wavelength < 5400)
    flux, ivar = exposure.flux[:, quiet], exposure.ivar[:, quiet]
    # of neighbouring pixels, the difference holds no slowly varying error
    jump = (flux[:, 1:] - flux[:, :-1]) / np.sqrt(
        1 / np.maximum(ivar[:, 1:], 1e-30) + 1 / np.maximum(ivar[:, :-1], 1e-30)
    )
    live = (ivar[:, 1:] > 0) & (ivar[:, :-1] > 0)
    ratio = 1 / robust_scatter(jump[live]) ** 2
    # flat-field residue and cosmic rays widen the core of the distribution a little
    np.testing.assert_allclose(ratio, VARIANCE_OVERESTIMATE, rtol=0.05)
    assert VARIANCE_OVERESTIMATE == 3.0
