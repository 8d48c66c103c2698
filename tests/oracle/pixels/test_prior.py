"""Priors of pixels against SciPy's densities and their differences."""

import numpy as np
import pytest
from scipy import stats

from bayescannon.pixels.prior import PixelPrior, ScatterDensity

PARAMETERS = {
    ScatterDensity.FLAT: (0.0, 0.0),
    ScatterDensity.HALF_NORMAL: (0.02, 0.0),
    ScatterDensity.LOG_NORMAL: (-4.5, 0.6),
}
# of s; the log-normal's is that of ln s, by which its optimum is meant
LOG_DENSITY = {
    ScatterDensity.FLAT: lambda s: np.zeros_like(s),
    ScatterDensity.HALF_NORMAL: lambda s: stats.halfnorm.logpdf(s, scale=0.02),
    ScatterDensity.LOG_NORMAL: lambda s: stats.norm.logpdf(np.log(s), -4.5, 0.6),
}


def prior(density, n_pixel=6, n_term=4):
    rng = np.random.default_rng(1)
    precision = rng.uniform(0.5, 5, size=(n_pixel, n_term))
    precision[:, 0], precision[2, 3] = 0.0, np.inf
    mean = rng.normal(size=precision.shape)
    return PixelPrior(mean, precision, density, PARAMETERS[density])


@pytest.mark.parametrize("density", ScatterDensity)
def test_density_is_that_of_scipy(density):
    given = prior(density)
    rng = np.random.default_rng(2)
    s = rng.uniform(0.002, 0.05, 6)
    differences = []
    for _ in range(3):
        theta = rng.normal(size=(6, 4))
        theta[2, 3] = 0.0
        expected = LOG_DENSITY[density](s)
        for p in range(6):
            for t in range(1, 4):
                if (p, t) != (2, 3):
                    expected[p] += stats.norm.logpdf(theta[p, t], given.mean[p, t], given.precision[p, t] ** -0.5)
        differences.append(given.minus_log_density(theta, s**2) + expected)
        s = 1.3 * s
    # the same but for a constant of each pixel
    np.testing.assert_allclose(differences, np.tile(differences[0], (3, 1)), atol=1e-9)


@pytest.mark.parametrize("density", ScatterDensity)
def test_gradient_of_the_scatter_is_that_of_differences(density):
    given = prior(density)
    theta, s2 = np.zeros((6, 4)), np.geomspace(1e-5, 1e-2, 6)
    first, second = given.scatter_gradient(s2)

    def value(variance):
        return 2 * given.minus_log_density(theta, variance)

    h = 1e-3 * s2
    np.testing.assert_allclose(first, (value(s2 + h) - value(s2 - h)) / (2 * h), rtol=1e-4, atol=1e-8)
    gradients = [given.scatter_gradient(s2 + sign * h)[0] for sign in (1, -1)]
    np.testing.assert_allclose(second, (gradients[0] - gradients[1]) / (2 * h), rtol=1e-4, atol=1e-6)


def test_flat_knows_nothing_and_censored_coefficients_are_told():
    flat = PixelPrior.flat(3, 4)
    assert not flat.censored.any()
    np.testing.assert_array_equal(flat.minus_log_density(np.ones((3, 4)), np.full(3, 0.1)), 0)
    given = prior(ScatterDensity.FLAT)
    assert np.argwhere(given.censored).tolist() == [[2, 3]]
    some = prior(ScatterDensity.HALF_NORMAL).select(np.array([2, 5]))
    assert np.argwhere(some.censored).tolist() == [[0, 3]]
    assert (some.scatter, some.scatter_parameters) == (ScatterDensity.HALF_NORMAL, (0.02, 0.0))


def test_only_a_log_normal_scatter_cannot_be_zero():
    assert [prior(density).reaches_zero for density in ScatterDensity] == [True, True, False]
