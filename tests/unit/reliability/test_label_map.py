"""The map of labels between surveys: what it does to labels and to their errors."""

import numpy as np
import pytest

from bayescannon.reliability.label_map import LabelMap
from bayescannon.reliability.label_map_fit import TooFewCommonError, fit_label_map, form_of

MAP = LabelMap(
    ("teff", "logg"), np.array([4800.0, 2.5]), np.array([-70.0, 0.1]), np.array([[1.1, 20.0], [1e-4, 0.9]]),
    np.array([30.0, 0.05]), np.diag([4.0, 1e-4, 1e-4, 25.0, 1e-10, 1e-4]), np.array([4300.0, 1.5]),
    np.array([5300.0, 3.5]), 50, 2.0, "linear",
)  # fmt: skip


def test_labels_and_their_errors_by_hand():
    labels, errors = np.array([[4900.0, 2.0]]), np.array([[50.0, 0.1]])
    np.testing.assert_allclose(MAP.apply(labels), [[4800 - 70 + 110 - 10, 2.5 + 0.1 + 0.01 - 0.45]])
    teff = (1.1 * 50) ** 2 + (20 * 0.1) ** 2 + 30**2 + 4 + 1e-4 * 100**2 + 25 * 0.5**2
    logg = (1e-4 * 50) ** 2 + (0.9 * 0.1) ** 2 + 0.05**2 + 1e-4 + 1e-10 * 100**2 + 1e-4 * 0.5**2
    np.testing.assert_allclose(MAP.errors(labels, errors), np.sqrt([[teff, logg]]))


def test_errors_grow_outside_the_range_of_the_stars_in_common():
    labels = np.array([[4800.0, 2.5], [5300.0, 3.5], [6500.0, 4.5]])
    errors = MAP.errors(labels, np.full((3, 2), np.nan))
    assert (np.diff(errors, axis=0) > 0).all()
    assert MAP.outside(labels).tolist() == [False, False, True]


def test_equal_scales_change_nothing():
    same = LabelMap.equal(["teff", "logg"])
    labels, errors = np.array([[4900.0, 2.0]]), np.array([[50.0, np.nan]])
    np.testing.assert_array_equal(same.apply(labels), labels)
    np.testing.assert_array_equal(same.errors(labels, errors), errors)
    assert not same.outside(labels).any()
    assert same.describe() == "taken as they are"


def test_the_map_in_words():
    assert MAP.describe() == (
        "linear map of 50 stars in common (2 wrong): teff -70 +- 2 at 4800, slope 1.1, scatter 30; logg +0.1 +- 0.01 "
        "at 2.5, slope 0.9, scatter 0.05"
    )


def test_so_many_stars_tell_so_much():
    assert [form_of(n, 5) for n in (5, 9, 10, 29, 30)] == ["constant"] * 2 + ["diagonal"] * 2 + ["linear"]
    with pytest.raises(TooFewCommonError, match="4 stars have the labels of both; at least 5 are needed"):
        form_of(4, 3)


@pytest.mark.parametrize("n_star", [5, 12, 40])
def test_labels_that_do_not_differ_give_finite_numbers(n_star):
    """Stars in common that all have the same labels tell an offset only."""
    labels = np.tile([[4800.0, 2.5]], (n_star, 1))
    unknown = np.full(labels.shape, np.nan)
    found = fit_label_map(labels, unknown, labels + np.array([50.0, 0.1]), unknown, ["teff", "logg"])
    np.testing.assert_allclose(found.offset, [-50, -0.1], atol=1e-2)
    far = np.array([[6000.0, 4.5]])
    assert np.isfinite(found.apply(far)).all()
    assert np.isfinite(found.errors(far, unknown[:1])).all()


def test_one_missing_error_is_that_of_the_others_and_none_is_in_the_scatter():
    rng = np.random.default_rng(0)
    labels = rng.normal(4800, 250, (300, 1))
    other = labels + 40 + 60 * rng.standard_normal(labels.shape)
    unknown, known = np.full(labels.shape, np.nan), np.full(labels.shape, 60.0)
    holes = known.copy()
    holes[::7] = np.nan
    without, with_holes, with_all = (
        fit_label_map(labels, unknown, other, errors, ["teff"]) for errors in (unknown, holes, known)
    )
    assert without.scatter[0] == pytest.approx(60, rel=0.15)
    assert with_all.scatter[0] < 30
    assert with_holes.slopes[0, 0] == with_all.slopes[0, 0]
