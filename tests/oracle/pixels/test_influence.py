"""Derivatives of pixels by the weights of the reference stars against refits with one weight changed."""

import numpy as np
import pytest
from prior_survey import survey

from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.influence import pixel_influence
from bayescannon.pixels.prior import PixelPrior, ScatterDensity
from bayescannon.pixels.solver import Solver

N_PIXEL, N_TERM = 8, 10
SOLVER = Solver(tolerance=1e-13)


def priors():
    precision = np.zeros((N_PIXEL, N_TERM))
    precision[:, 4:], precision[2, 6] = 1 / 0.02**2, np.inf
    return {
        "flat": PixelPrior.flat(N_PIXEL, N_TERM),
        "normal, half-normal, censored": PixelPrior(
            np.zeros(precision.shape), precision, ScatterDensity.HALF_NORMAL, (0.02, 0.0)
        ),
        "log-normal": PixelPrior(*[np.zeros((N_PIXEL, N_TERM))] * 2, ScatterDensity.LOG_NORMAL, (-4.5, 0.7)),
    }


@pytest.mark.parametrize("marginal", [False, True])
@pytest.mark.parametrize("name", priors())
def test_derivatives_are_those_of_refits(name, marginal):
    vectors, flux, ivar, *_ = survey(n_star=60, n_pixel=N_PIXEL, scatter=(0.0, 0.02))
    # without scatter that could be seen
    ivar[:, :2] /= 4

    def fit(count):
        moments = LabelMoments.known(vectors, multiplicity=count)
        return fit_pixels(moments, flux, ivar, prior=priors()[name], marginal=marginal, solver=SOLVER)

    whole = fit(np.ones(60))
    found = pixel_influence(whole, vectors, flux, ivar, marginal=marginal)
    assert found.score.shape == found.shift.shape == (N_PIXEL, 60)
    assert (found.shift[whole.scatter == 0] == 0).all()
    # a dead datum says nothing
    assert (found.score[(ivar == 0).T] == 0).all()
    error = np.sqrt(np.diagonal(whole.covariance, axis1=1, axis2=2))
    step = 1e-4
    for star in (0, 17, 42):
        count = np.ones(60)
        count[star] = 1 + step
        above = fit(count)
        count[star] = 1 - step
        below = fit(count)
        moved = (above.theta - below.theta) / (2 * step)
        expected = whole.covariance @ vectors[star] * found.score[:, star, None]
        expected = expected - found.direction * found.shift[:, star, None]
        np.testing.assert_allclose((moved - expected)[error > 0] / error[error > 0], 0, atol=2e-3)
        shift = (above.scatter**2 - below.scatter**2) / (2 * step)
        np.testing.assert_allclose(found.shift[:, star], shift, rtol=2e-3, atol=1e-8)


def test_the_result_does_not_depend_on_workers():
    vectors, flux, ivar, *_ = survey(n_pixel=130)
    whole = fit_pixels(vectors, flux, ivar)
    one, two = (pixel_influence(whole, vectors, flux, ivar, marginal=True, workers=n) for n in (1, 3))
    np.testing.assert_array_equal(one.shift, two.shift)
    np.testing.assert_array_equal(one.direction, two.direction)
