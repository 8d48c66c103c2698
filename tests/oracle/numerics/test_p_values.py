"""Empirical p-values against counting."""

import numpy as np

from bayescannon.numerics.p_values import empirical_p_value, is_unusual


def test_empirical_p_values_by_counting():
    reference = np.array([1.0, 2.0, 2.0, np.nan, 5.0])
    found = empirical_p_value(np.array([0.0, 2.0, 2.1, 5.0, 6.0, np.nan]), reference)
    np.testing.assert_allclose(found, [1.0, 4 / 5, 2 / 5, 2 / 5, 1 / 5, np.nan])
    assert np.isnan(empirical_p_value(np.zeros(2), np.full(3, np.nan))).all()
    # thirty stars can not show one per cent: beyond all of them is what is left
    assert is_unusual(np.array([1 / 31, 2 / 31, np.nan]), 0.01, 1 / 31).tolist() == [True, False, False]
    assert is_unusual(np.array([0.01, 0.0101]), 0.01, 1 / 1001).tolist() == [True, False]


def test_p_values_of_exchangeable_scores_are_valid_at_every_level():
    """Each of M + 1 scores against the others: at most a fraction alpha has a p-value of at most alpha."""
    scores = np.random.default_rng(1).standard_cauchy(200)
    found = np.array([empirical_p_value(scores[[n]], np.delete(scores, n))[0] for n in range(200)])
    np.testing.assert_allclose(np.sort(found), np.arange(1, 201) / 200)
    for alpha in (0.01, 0.05, 0.3):
        assert is_unusual(found, alpha, 1 / 200).mean() <= alpha + 1e-12
