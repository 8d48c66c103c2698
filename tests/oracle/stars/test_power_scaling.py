import numpy as np
from arviz_stats.base import array_stats

from bayescannon.stars.power_scaling import power_scaling


def test_power_scaling_is_that_of_arviz():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(1000, 3)) @ rng.normal(size=(3, 3))
    log_density = -0.5 * (draws[:, 0] - 0.5) ** 2
    found = np.empty(3)
    power_scaling(draws, log_density, 0.8, 1.25, found)
    weights = []
    for power in (0.8, 1.25):
        smooth, _ = array_stats.psislw(-(power - 1) * log_density, axis=-1)
        weight = np.exp(smooth - smooth.max())
        weights.append(np.tile(weight / weight.sum(), (3, 1, 1)))
    expected = array_stats.power_scale_sense(draws.T[:, None], weights[0], weights[1], 0.8, 1.25)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    power_scaling(draws, np.zeros(1000), 0.8, 1.25, found)
    np.testing.assert_array_equal(found, 0)
