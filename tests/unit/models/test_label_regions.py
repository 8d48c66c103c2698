"""Regions of label space: shares that sum to one, their stars, unions, and what is refused."""

import numpy as np
import pytensor.tensor as pt
import pytest

from bayescannon.models.label_regions import LabelRegion, LabelRegions
from bayescannon.numerics.errors import InputError

NAMES = ("teff", "logg")
GIANT = LabelRegion("giant", ({"logg": (-np.inf, 3.8), "teff": (-np.inf, 7000.0)},))
DWARF = LabelRegion("dwarf", ({"logg": (3.8, np.inf), "teff": (-np.inf, 7000.0)},))
HOT = LabelRegion("hot", ({"teff": (7000.0, np.inf)},), in_router=False)
REGIONS = LabelRegions((GIANT, DWARF, HOT), {"teff": 400.0, "logg": 0.3})


def anywhere(n_star=300):
    return np.random.default_rng(1).uniform([3000.0, -1.0], [12000.0, 6.0], size=(n_star, 2))


def test_shares_sum_to_one_and_go_from_one_population_to_its_neighbour():
    np.testing.assert_allclose(REGIONS.shares(anywhere(), NAMES).sum(axis=1), 1.0, rtol=1e-12)
    across = REGIONS.shares(np.column_stack([np.full(41, 5000.0), np.linspace(3.4, 4.2, 41)]), NAMES)
    assert (np.diff(across[:, 0]) < 0).all()
    np.testing.assert_allclose(across[20], [0.5, 0.5, 0.0], atol=1e-6)
    assert across[0, 0] > 0.99
    assert across[-1, 1] > 0.99


def test_shares_are_finite_far_from_everything_and_do_not_depend_on_the_order_of_labels():
    far = np.array([[1e6, 900.0], [-1e6, -900.0]])
    shares = REGIONS.shares(far, NAMES)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares[0], [0, 0, 1], atol=1e-12)
    labels = anywhere(10)
    np.testing.assert_allclose(REGIONS.shares(labels[:, ::-1], NAMES[::-1]), REGIONS.shares(labels, NAMES))


def test_the_symbolic_shares_are_the_numbers():
    labels = anywhere(6)
    x = pt.matrix("labels")
    got = REGIONS.log_shares(x, NAMES, pt).eval({x: labels}, mode="FAST_COMPILE")
    np.testing.assert_allclose(got, REGIONS.log_shares(labels, NAMES), rtol=1e-10)


def test_training_stars_reach_over_the_border_by_the_overlap():
    labels = np.array([[5000.0, 4.09], [5000.0, 4.11], [5000.0, 3.51], [7399.0, 4.0], [7401.0, 4.0], [6601.0, 3.0]])
    expected = [[1, 1, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1], [1, 0, 1]]
    np.testing.assert_array_equal(REGIONS.training_stars(labels, NAMES), np.array(expected, dtype=bool))


def test_a_share_below_two_per_cent_has_no_training_stars():
    labels = anywhere(4000)
    shares, inside = REGIONS.shares(labels, NAMES), REGIONS.training_stars(labels, NAMES)
    assert inside[shares > 0.05].all()
    assert shares[~inside].max() < 0.05


def test_a_union_has_the_stars_of_both():
    joined = GIANT.joined(HOT)
    assert joined.name == "giant_hot"
    assert not joined.in_router
    both = LabelRegions((joined, DWARF), REGIONS.overlap)
    labels = anywhere()
    inside = REGIONS.training_stars(labels, NAMES)
    np.testing.assert_array_equal(both.training_stars(labels, NAMES)[:, 0], inside[:, 0] | inside[:, 2])
    np.testing.assert_allclose(both.shares(labels, NAMES).sum(axis=1), 1.0)


def test_descriptions():
    assert GIANT.describe() == "logg < 3.8, teff < 7000"
    assert repr(HOT) == "<LabelRegion hot: teff > 7000>"
    assert LabelRegion("all", ({},)).describe() == "all labels"
    assert LabelRegion("band", ({"fe_h": (-1.0, 0.0)},)).describe() == "-1 < fe_h < 0"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LabelRegion("none", ({},)), "which are other columns; got 'none'"),
        (lambda: LabelRegion("a b", ({},)), "becomes a column"),
        (lambda: LabelRegion("empty", ()), "at least one box"),
        (lambda: LabelRegion("x", ({"logg": (4.0, 3.0)},)), "needs low < high of logg; got 4.0 and 3.0"),
        (lambda: LabelRegions((GIANT, GIANT), {"teff": 1.0, "logg": 1.0}), "different names"),
        (lambda: LabelRegions((), {}), "at least one; got none"),
        (lambda: LabelRegions((GIANT,), {"teff": 400.0}), "need its overlap"),
        (lambda: LabelRegions((GIANT,), {"teff": 400.0, "logg": 0.0}), "positive number"),
        (lambda: REGIONS.require(("teff", "fe_h")), "logg is not among the labels teff, fe_h"),
    ],
)
def test_regions_that_cannot_be_are_refused(make, text):
    with pytest.raises(InputError, match=text):
        make()
