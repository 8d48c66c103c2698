"""Regions of label space: shares that sum to one, stars of the overlap, and names that can be columns."""

import numpy as np
import pytest

from bayescannon.models.label_regions import LabelRegion, LabelRegions
from bayescannon.numerics.errors import InputError

NAMES = ("teff", "logg")
GIANT = LabelRegion("giant", ({"teff": (-np.inf, 7000), "logg": (-np.inf, 3.8)},))
REST = LabelRegion("rest", ({"logg": (3.8, np.inf)}, {"teff": (7000, np.inf), "logg": (-np.inf, 3.8)}))
REGIONS = LabelRegions((GIANT, REST), {"teff": 400, "logg": 0.3})


def test_shares_sum_to_one_and_are_equal_at_a_border():
    rng = np.random.default_rng(2)
    labels = np.column_stack([rng.uniform(3000, 20_000, 200), rng.uniform(-1, 6, 200)])
    shares = REGIONS.shares(labels, NAMES)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()
    np.testing.assert_allclose(REGIONS.shares(np.array([[5000.0, 3.8]]), NAMES), [[0.5, 0.5]], atol=1e-6)


def test_stars_of_the_overlap_train_both():
    inside = REGIONS.training_stars(np.array([[5000, 3.4], [5000, 3.6], [5000, 4.2], [7300, 2.0]]), NAMES)
    assert inside.tolist() == [[True, False], [True, True], [False, True], [True, True]]
    assert GIANT.describe() == "teff < 7000, logg < 3.8"
    assert GIANT.joined(REST).name == "giant_rest"


@pytest.mark.parametrize("name", ["none", "Coverage", "hot stars", "größe", "3d"])
def test_names_can_be_columns(name):
    with pytest.raises(InputError, match="the name of a population becomes a column, p_NAME"):
        LabelRegion(name, ({},))


def test_names_differ_in_more_than_their_case():
    with pytest.raises(InputError, match="populations need different names"):
        LabelRegions((GIANT, LabelRegion("Giant", GIANT.boxes)), REGIONS.overlap)
