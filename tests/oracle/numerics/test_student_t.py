"""Student-t errors seen through Gaussian ones against brute force."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma

from bayescannon.numerics.student_t import convolved_t, convolved_t_below

CASES = [(x, e, nu) for x in (0.0, -0.4, 2.5, -30.0) for e in (0.1, 1.0, 5.0) for nu in (1.2, 3.0, 8.0, 150.0)]


def kernel(x, scale, nu, e):
    """All four values of the density's kernel for one star."""
    columns = [np.array([value], dtype=float) for value in (x, scale, nu, e, digamma(nu / 2))]
    return [float(value[0]) for value in convolved_t(*columns)]


@pytest.mark.parametrize(("x", "e", "nu"), CASES)
def test_density_and_probability_are_the_brute_force_convolution(x, e, nu):
    scale = 0.7
    # fine enough for the narrower of the two, wide enough for both
    t = np.arange(-abs(x) - 12 * e, abs(x) + 12 * e, min(e, scale) / 60)
    gauss = stats.norm.pdf(t, 0, e)
    density = np.trapezoid(stats.t.pdf(x - t, nu, 0, scale) * gauss, t)
    below = np.trapezoid(stats.t.cdf(x - t, nu, 0, scale) * gauss, t)
    columns = [np.array([value], dtype=float) for value in (x, scale, nu, e)]
    assert kernel(x, scale, nu, e)[0] == pytest.approx(np.log(density), abs=1e-6)
    assert convolved_t_below(*columns)[0] == pytest.approx(below, abs=1e-7)


@pytest.mark.parametrize("nu", [1.2, 4.0, 50.0, 200.0])
@pytest.mark.parametrize("x", [0.0, 1.0, -8.0, 200.0])
def test_without_noise_it_is_student_t(x, nu):
    assert kernel(x, 0.5, nu, 0.0)[0] == pytest.approx(stats.t.logpdf(x, nu, 0, 0.5), abs=1e-6)


@pytest.mark.parametrize(("x", "e", "nu"), CASES[::3])
def test_slopes_are_those_of_the_density(x, e, nu):
    h = 1e-4
    _, by_off, by_scale, by_dof = kernel(x, 0.7, nu, e)
    pairs = [
        (by_off, (x + h, 0.7, nu, e), (x - h, 0.7, nu, e)),
        (by_scale, (x, 0.7 * np.exp(h), nu, e), (x, 0.7 * np.exp(-h), nu, e)),
        (by_dof, (x, 0.7, nu * np.exp(h), e), (x, 0.7, nu * np.exp(-h), e)),
    ]
    for slope, above, beneath in pairs:
        assert slope == pytest.approx((kernel(*above)[0] - kernel(*beneath)[0]) / (2 * h), abs=2e-4)
