"""Rows by name."""

import numpy as np

from bayescannon.numerics.rows import rows_of


def test_rows_are_found_by_name_the_last_of_several_and_missing_ones_are_minus_one():
    names = np.array(["b", "a", "", "c", "a"])
    rows = rows_of(names, ["a", "c", "x", "", np.str_("b")])
    assert rows.tolist() == [4, 3, -1, -1, 0]
    assert rows.dtype == np.intp
    assert rows_of([], ["a"]).tolist() == [-1]
    assert rows_of(names, []).shape == (0,)
    assert rows_of([12, 13], ["13"]).tolist() == [1]
