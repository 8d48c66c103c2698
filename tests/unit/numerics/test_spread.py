"""Rows that are spread over points: all different, in proportion to square distances, the same in longer draws."""

import numpy as np
import pytest

from bayescannon.numerics.spread import spread_rows


def test_rows_differ_and_longer_draws_begin_alike():
    points = np.random.default_rng(1).normal(size=(40, 3))
    every = spread_rows(points, 40, np.random.default_rng(2))
    assert sorted(every) == list(range(40))
    np.testing.assert_array_equal(spread_rows(points, 7, np.random.default_rng(2)), every[:7])
    assert (spread_rows(points, 7, np.random.default_rng(3)) != every[:7]).any()


@pytest.mark.parametrize("n_places", [1, 3])
def test_places_that_are_given_often_are_taken_once_before_any_is_repeated(n_places):
    points = np.repeat(np.arange(n_places, dtype=float)[:, None], 10, axis=0)
    rows = spread_rows(points, 10, np.random.default_rng(4))
    assert len(set(rows)) == 10
    assert sorted(points[rows[:n_places], 0]) == list(range(n_places))


def test_the_second_row_is_drawn_in_proportion_to_the_square_distance():
    points = np.array([[0.0], [1.0], [3.0]])
    after_first = [spread_rows(points, 2, np.random.default_rng(seed)) for seed in range(3000)]
    second = np.array([rows[1] for rows in after_first if rows[0] == 0])
    assert len(second) == pytest.approx(1000, abs=100)
    assert (second == 2).mean() == pytest.approx(0.9, abs=0.03)
