"""The label distance (Ho et al. 2017, eq. 7) against loops, and its cut."""

import numpy as np
import pytest
import toy

from bayescannon.data.label_distance import (
    PAPER_SCALES,
    distance_scales,
    label_distance,
    pair_distance,
    select_by_distance,
)
from bayescannon.data.labels import LabelError

FIVE = ("teff", "logg", "fe_h", "alpha_m", "a_k")


def test_label_distance_is_that_of_loops():
    labels, reference = toy.toy_labels(40, FIVE, seed=1), toy.toy_labels(60, FIVE, seed=2)
    labels[3, 1] = np.nan
    labels[4, 4] = np.nan  # A_K does not count
    for root in (False, True):
        expected = []
        for star in labels:
            d = [
                sum((star[k] - other[k]) ** 2 / scale**2 for k, scale in enumerate((100.0, 0.20, 0.10)))
                for other in reference
            ]
            expected.append(np.mean(sorted(np.sqrt(d) if root else d)[:10]))
        expected[3] = np.nan
        found = label_distance(labels, reference, FIVE, root=root)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    one = label_distance(labels, reference, FIVE, scales={"a_k": 0.1}, neighbours=1)
    np.testing.assert_allclose(one[0], np.min((labels[0, 4] - reference[:, 4]) ** 2) / 0.01)


def test_cut_in_distance_is_a_named_selection():
    keep, tally = select_by_distance(np.array([0.1, 2.5, 3.0, np.nan, 2.4]))
    assert keep.tolist() == [True, False, False, False, True]
    assert [(row.step, row.removed, row.remaining) for row in tally] == [
        ("no label distance: the star or one of its labels is missing", 1, 4),
        ("distance cut 2.5", 2, 2),
    ]
    assert [row.removed for row in select_by_distance(np.array([0.1, 9.0]))[1]] == [1]


def test_a_star_at_a_reference_star_is_at_distance_zero_of_it():
    labels = toy.toy_labels(20)
    np.testing.assert_allclose(label_distance(labels, labels, toy.NAMES, neighbours=1), 0)
    # eq. 7 is quadratic in the labels' differences: one scale off in one label is a distance of 1
    moved = labels + np.array([0.0, PAPER_SCALES["logg"], 0.0])
    np.testing.assert_allclose(label_distance(moved[:1], labels[:1], toy.NAMES, neighbours=1), 1.0)


def test_scales_follow_the_names_that_are_given():
    columns, scale = distance_scales(("fe_h", "a_k", "teff"))
    assert (columns, scale.tolist()) == ([2, 0], [100.0, 0.10])
    columns, scale = distance_scales(("fe_h", "a_k", "teff"), {"a_k": 0.3, "fe_h": 0.2})
    assert (columns, scale.tolist()) == ([1, 0], [0.3, 0.2])


def test_wrong_calls_are_refused():
    labels = toy.toy_labels(30)
    with pytest.raises(ValueError, match="number of reference stars, 9; got 10"):
        label_distance(labels, labels[:9], toy.NAMES)
    with pytest.raises(LabelError, match="reference labels must be finite"):
        label_distance(labels, np.full_like(labels, np.nan), toy.NAMES)
    with pytest.raises(LabelError, match="needs one of the labels teff, logg, fe_h"):
        distance_scales(["a_k"])
    with pytest.raises(LabelError, match=r"labels that count in the distance must be among .* got 'a_k'"):
        distance_scales(toy.NAMES, {"a_k": 1.0})
    with pytest.raises(LabelError, match="scale of teff in the distance must be positive"):
        distance_scales(toy.NAMES, {"teff": 0.0})
    with pytest.raises(LabelError, match="at least one label must count in the distance"):
        distance_scales(toy.NAMES, {})
    with pytest.raises(LabelError, match="given twice"):
        distance_scales(["teff", "teff"])
    with pytest.raises(ValueError, match="cut in label distance must be positive"):
        select_by_distance(np.ones(3), cut=0)


def test_distance_of_pairs_is_that_of_one_reference_star():
    labels, others = toy.toy_labels(20, FIVE, seed=1), toy.toy_labels(20, FIVE, seed=2)
    labels[3, 1] = np.nan
    expected = [
        label_distance(star[None], other[None], FIVE, neighbours=1)[0]
        for star, other in zip(labels, others, strict=True)
    ]
    np.testing.assert_allclose(pair_distance(labels, others, FIVE), expected, rtol=1e-12)
    assert np.isnan(expected[3])
