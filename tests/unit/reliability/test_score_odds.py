"""Odds of a hypothesis from scores."""

import numpy as np
import pytest

from bayescannon.numerics.errors import InputError
from bayescannon.reliability.score_odds import ScoreOdds, largest_log_odds


def test_odds_are_those_of_two_gaussians():
    rng = np.random.default_rng(0)
    odds = ScoreOdds.fit(rng.normal(size=4000), rng.normal(1.0, 1.0, size=1000))
    # ln of the ratio of Normal(1, 1) and Normal(0, 1) is t - 1/2
    np.testing.assert_allclose(odds.log_odds(np.array([-1.0, 0.5, 2.0])), [-1.5, 0.0, 1.5], atol=0.25)
    assert odds.log_odds(np.array([100.0]))[0] == odds.log_odds(np.array([odds.high]))[0]
    assert ScoreOdds(**odds.to_dict()) == odds


def test_a_score_that_says_the_opposite_says_nothing():
    rng = np.random.default_rng(1)
    odds = ScoreOdds.fit(rng.normal(size=100), rng.normal(-1.0, 1.0, size=100))
    np.testing.assert_array_equal(odds.log_odds(np.array([-2.0, 3.0])), 0.0)


def test_too_few_stars_are_refused_and_nan_stays_nan():
    with pytest.raises(InputError, match="20 stars of each kind; got 30 and 3"):
        ScoreOdds.fit(np.zeros(30), np.array([1.0, 2.0, 3.0, np.nan]))
    rng = np.random.default_rng(2)
    assert np.isnan(ScoreOdds.fit(rng.normal(size=50), rng.normal(size=50)).log_odds(np.array([np.nan]))[0])


def test_the_largest_odds_of_p_values():
    found = largest_log_odds(np.array([0.9, np.exp(-1), 0.05, 0.01, np.nan]))
    np.testing.assert_allclose(found[:4], [0.0, 0.0, np.log(2.456), np.log(7.988)], atol=1e-3)
    assert np.isnan(found[4])
