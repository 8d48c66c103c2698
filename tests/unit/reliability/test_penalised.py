"""The maximum of a penalised likelihood where it is known."""

import numpy as np

from bayescannon.reliability.penalised import maximise_penalised


def test_the_maximum_of_gaussians_is_their_weighted_mean_with_the_prior():
    rng = np.random.default_rng(0)
    values, weight = rng.normal(2.0, 1.0, size=(400, 2)), rng.random(400)
    mean, precision = np.array([0.0, 5.0]), np.array([3.0, 300.0])

    def log_density(at):
        apart = values - at
        return -(apart**2).sum(axis=1) / 2, apart

    found = maximise_penalised(log_density, (mean, precision), np.zeros(2), weight)
    expected = (weight @ values + precision * mean) / (weight.sum() + precision)
    # a gradient of norm 1 over a curvature of at least 200
    np.testing.assert_allclose(found, expected, atol=0.005)
