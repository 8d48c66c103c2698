"""The cap on stars per cell of label space."""

import time

import numpy as np
import pytest

from bayescannon.cannon.label_cells import describe_cells, within_cap
from bayescannon.numerics.errors import InputError

NAMES = ("teff", "logg", "fe_h", "a_k")


def survey(n_star, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [rng.uniform(4000, 7000, n_star), rng.uniform(0, 5, n_star), rng.normal(-0.3, 0.3, n_star), rng.random(n_star)]
    )


def cells_of(labels):
    return np.unique(np.floor(labels[:, :3] / [250, 0.5, 0.25]), axis=0, return_inverse=True)[1]


def test_no_cell_has_more_than_the_cap_and_small_cells_lose_none():
    labels = survey(3000)
    star = [f"s{n}" for n in range(3000)]
    kept = within_cap(labels, NAMES, star, np.zeros(3000), most=5, seed=0)
    before, after = (
        np.bincount(cells_of(labels)),
        np.bincount(cells_of(labels)[kept], minlength=cells_of(labels).max() + 1),
    )
    np.testing.assert_array_equal(after, np.minimum(before, 5))
    assert (before > 5).any()
    assert (before <= 5).any()
    np.testing.assert_array_equal(kept, within_cap(labels, NAMES, star, np.zeros(3000), most=5, seed=0))
    assert (kept != within_cap(labels, NAMES, star, np.zeros(3000), most=5, seed=1)).any()


def test_earlier_sources_come_first_and_spectra_of_a_star_stay_together():
    labels = np.tile([[4800.0, 2.2, 0.1, 0.0]], (40, 1))
    star = [f"s{n // 2}" for n in range(40)]
    rank = np.repeat([1, 0], [30, 10])
    kept = within_cap(labels, NAMES, star, rank, most=7, seed=3)
    assert kept[30:].all(), "the five stars of the first source"
    assert kept.sum() == 14
    assert (kept[::2] == kept[1::2]).all()


def test_the_draw_does_not_depend_on_the_order_of_quality():
    """Stars are drawn at random: the first half of them is as likely as the second."""
    labels = np.tile([[4800.0, 2.2, 0.1, 0.0]], (2000, 1))
    kept = within_cap(labels, NAMES, [f"s{n}" for n in range(2000)], np.zeros(2000), most=1000, seed=0)
    assert 440 < kept[:1000].sum() < 560


def test_a_large_survey_takes_less_than_a_second():
    n_star = 200_000
    labels, star = survey(n_star), [f"s{n}" for n in range(n_star)]
    start = time.process_time()
    within_cap(labels, NAMES, star, np.zeros(n_star, dtype=int), most=50, seed=0)
    assert time.process_time() - start < 1


def test_what_has_no_cells_is_refused():
    with pytest.raises(InputError, match="cells are of teff, logg, fe_h, and none of them is among the labels a_k"):
        within_cap(np.zeros((3, 1)), ["a_k"], ["a", "b", "c"], [0, 0, 0], most=5, seed=0)
    with pytest.raises(InputError, match="max_per_cell must be at least 1; got 0"):
        within_cap(np.zeros((3, 1)), ["teff"], ["a", "b", "c"], [0, 0, 0], most=0, seed=0)
    assert within_cap(np.zeros((0, 1)), ["teff"], [], [], most=5, seed=0).shape == (0,)
    assert describe_cells(NAMES) == "teff 250 K, logg 0.5 dex, fe_h 0.25 dex"
