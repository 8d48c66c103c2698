"""Smoothed weights against ArviZ's, weighted quantiles against sorting."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayescannon.numerics.pareto import smooth_weights, weighted_quantiles


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_smoothed_weights_are_those_of_arviz(scale):
    log_ratio = scale * np.random.default_rng(0).standard_t(5, size=(12, 1000))
    expected, k_hat = array_stats.psislw(-log_ratio, axis=-1)
    for n in range(12):
        weight = np.empty(1000)
        assert smooth_weights(log_ratio[n], weight) == pytest.approx(k_hat[n], abs=1e-10)
        share = np.exp(expected[n] - expected[n].max())
        np.testing.assert_allclose(weight, share / share.sum(), rtol=1e-9)


def test_weights_of_a_perfect_and_of_a_hopeless_proposal():
    weight = np.empty(400)
    assert smooth_weights(np.zeros(400), weight) == 0
    np.testing.assert_allclose(weight, 1 / 400)
    nearly_none = np.full(400, -np.inf)
    nearly_none[3] = 0.0
    assert smooth_weights(nearly_none, weight) == np.inf
    assert smooth_weights(np.full(400, -np.inf), weight) == np.inf
    assert (weight == 0).all()


def test_weighted_quantiles_are_those_of_sorting():
    rng = np.random.default_rng(3)
    values, weight = rng.standard_t(2, size=1000), rng.exponential(size=1000)
    weight /= weight.sum()
    probabilities = np.array([0.01, 0.3, 0.5, 0.99])
    result = np.empty(4)
    weighted_quantiles(values, weight, probabilities, result)
    order = np.argsort(values)
    expected = values[order][np.searchsorted(weight[order].cumsum(), probabilities)]
    np.testing.assert_array_equal(result, expected)
