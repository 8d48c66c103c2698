"""Intervals of predictive errors against SciPy's Student-t."""

import numpy as np
import pytest
from scipy import stats

from bayescannon.reliability.error_distribution import PredictiveErrors


def test_interval_holds_the_probability_around_the_label():
    shape = (5, 3)
    rng = np.random.default_rng(5)
    errors = PredictiveErrors(rng.normal(0, 2, shape), np.exp(rng.normal(0, 1, shape)), rng.uniform(1.2, 60, shape))
    for probability in (0.1, 0.6827, 0.95, 0.999):
        half = errors.interval(probability)
        inside = errors.pit(half) - errors.pit(-half)
        np.testing.assert_allclose(inside, probability, atol=1e-8)
    central = PredictiveErrors(np.zeros(shape), errors.scale, errors.dof)
    np.testing.assert_allclose(central.interval(0.95), errors.scale * stats.t.ppf(0.975, errors.dof), rtol=1e-7)
    with pytest.raises(ValueError, match="between 0 and 1"):
        errors.interval(1.0)


def test_probability_of_a_smaller_error_is_that_of_student_t_with_noise():
    rng = np.random.default_rng(6)
    errors = PredictiveErrors(0.2 * rng.normal(size=(4, 2)), rng.uniform(0.5, 2, (4, 2)), rng.uniform(1.5, 30, (4, 2)))
    off = rng.normal(size=(4, 2))
    expected = stats.t.cdf(off, errors.dof, errors.location, errors.scale)
    np.testing.assert_allclose(errors.pit(off), expected, rtol=1e-9)
    np.testing.assert_allclose(errors.pit(off, np.zeros((4, 2))), expected, atol=1e-7)
    # noise draws every probability to a half
    noisy = errors.pit(errors.location + 1.0, np.full((4, 2), 5.0))
    assert (noisy < errors.pit(errors.location + 1.0)).all()
    assert (noisy > 0.5).all()
    off[1, 0] = np.nan
    assert np.isnan(errors.pit(off, np.ones((4, 2)))).sum() == 1
