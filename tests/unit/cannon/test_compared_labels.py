"""Bias, scatter, slope and pulls of a label against plain arithmetic, and recovered from a known truth."""

import numpy as np
import pytest

from bayescannon.cannon.compared_labels import compare_label, pulls
from bayescannon.data.labels import KNOWN_LABELS

TEFF = KNOWN_LABELS["teff"]


def _catalogues(seed=1, n=4000, bias=12.0, slope=0.9, errors=(60.0, 40.0)):
    rng = np.random.default_rng(seed)
    true = rng.normal(4700, 300, n)
    a = 4700 + bias + slope * (true - 4700) + errors[0] * rng.normal(size=n)
    b = true + errors[1] * rng.normal(size=n)
    return (a, b), (np.full(n, errors[0]), np.full(n, errors[1]))


def test_what_was_put_in_comes_back():
    values, errors = _catalogues()
    row = compare_label(TEFF, values, errors, "all")
    assert abs(row.bias - 12) < 4 * row.bias_error
    assert abs(row.slope - 0.9) < 4 * row.slope_error
    assert row.scatter == pytest.approx(np.std(values[0] - values[1]))


def test_right_errors_have_pulls_of_width_1():
    values, errors = _catalogues(bias=0.0, slope=1.0)
    row = compare_label(TEFF, values, errors, "all")
    assert row.pull_width == pytest.approx(1, abs=0.04)
    assert row.within_error == pytest.approx(0.683, abs=0.03)


def test_missing_values_are_left_out_and_missing_errors_count_as_0():
    values = (np.array([1.0, np.nan, 3.0, 5.0]), np.array([0.0, 1.0, np.nan, 3.0]))
    errors = (np.array([1.0, 1.0, 1.0, 2.0]), np.full(4, np.nan))
    row = compare_label(TEFF, values, errors, "all")
    assert (row.n_stars, row.bias) == (2, 1.5)
    np.testing.assert_array_equal(pulls(values, errors)[[0, 3]], [1.0, 1.0])
    assert np.isnan(pulls(values, (np.full(4, np.nan), np.full(4, np.nan)))).all()


def test_no_star_gives_nan():
    row = compare_label(TEFF, (np.array([np.nan]), np.array([1.0])), (np.array([1.0]), np.array([1.0])), "all")
    assert row.n_stars == 0
    assert np.isnan([row.bias, row.scatter, row.robust_scatter, row.slope, row.pull_width]).all()
