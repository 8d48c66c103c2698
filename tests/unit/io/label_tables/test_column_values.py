"""Single columns, from whatever a table holds."""

import numpy as np
import pandas as pd
import pytest
from astropy.table import MaskedColumn

from bayescannon.data.label_table import MISSING_FLAGS
from bayescannon.io.label_tables.column_values import column_bits, column_names, column_numbers
from bayescannon.io.label_tables.found_table import TableError

BIG = 4611686018427387905


@pytest.mark.parametrize(
    "given",
    [
        ["1.5", "nan", " -2 ", "---"],
        np.array([b"1.5", b"", b"-2", b"null"]),
        np.array(["1.5", None, -2, "INDEF"], dtype=object),
        [1.5, np.inf, -2, np.nan],
        np.ma.array([1.5, 7, -2, 8], mask=[False, True, False, True]),
        MaskedColumn(["1.5", "7", "-2", "8"], mask=[False, True, False, True]),
        pd.Series([1.5, None, -2, None]),
        pd.Series(["1.5", None, "-2", pd.NA], dtype="string"),
    ],
)
def test_numbers(given):
    np.testing.assert_array_equal(column_numbers(given, "teff")[0], [1.5, np.nan, -2, np.nan])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([True, False], "does not hold numbers: teff holds booleans"),
        (["True", "False"], "'True' in row 1 is none"),
        (np.array([True, "1"], dtype=object), "True in row 1 is a truth value"),
        ([1j, 2], "complex numbers"),
        (["1", "<2"], "'<2' in row 2 is none"),
        (["1", "2_0"], "'2_0' in row 2 is none"),
        (["1", "x" * 1_000_000], r"x\.\.\.' in row 2 is none"),
        (np.ones((2, 3)), r"one value per row; got shape \(2, 3\)"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "does not hold numbers"),
    ],
)
def test_what_holds_no_numbers(given, words):
    with pytest.raises(TableError, match=words):
        column_numbers(given, "teff")


@pytest.mark.parametrize(
    "given",
    [
        [f" {BIG} ", "", f"{BIG + 2}"],
        np.array([str(BIG).encode(), b"nan", str(BIG + 2).encode()]),
        pd.Series(pd.array([BIG, None, BIG + 2], dtype="Int64")),
        np.ma.array([BIG, 0, BIG + 2], mask=[False, True, False], dtype=np.uint64),
        np.array([BIG, None, BIG + 2], dtype=object),
        [f"{BIG}\0\0", "null", f"{BIG + 2}"],
    ],
)
def test_names_keep_every_digit(given):
    assert column_names(given, "id").tolist() == [str(BIG), "", str(BIG + 2)]


@pytest.mark.parametrize(
    "given", [[4.6e18, np.nan], ["4.6e+18", ""], ["123.0", "124.0"], np.array([1.5], dtype=object)]
)
def test_names_that_were_floats_are_refused(given):
    with pytest.raises(TableError, match=r"floating-point numbers, .* every digit"):
        column_names(given, "id")


def test_names_with_a_point_are_names():
    assert column_names(["55859.001", "55859.002"], "id").tolist() == ["55859.001", "55859.002"]
    assert column_names(["1.0", "a"], "id").tolist() == ["1.0", "a"]


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ([0, 8, -9999], [0, 8, MISSING_FLAGS]),
        ([True, False], [1, 0]),
        (["True", "F", ""], [1, 0, MISSING_FLAGS]),
        (["0", "8589934592", "-1"], [0, 1 << 33, (1 << 64) - 1]),
        (["0", "8.0", "nan"], [0, 8, MISSING_FLAGS]),
        (np.ma.array([1, 2], mask=[False, True]), [1, MISSING_FLAGS]),
    ],
)
def test_bits(given, want):
    assert column_bits(given).tolist() == want


@pytest.mark.parametrize(
    ("given", "words"),
    [(["STAR_WARN", ""], "holds text, such as 'STAR_WARN'.*Names of flags"), (["1.5"], "whole numbers")],
)
def test_what_holds_no_bits(given, words):
    with pytest.raises(TableError, match=words):
        column_bits(given)


def test_flags_as_words_and_as_hexadecimal_numbers():
    assert column_bits(["Y", "no", "0x10", ""]).tolist() == [1, 0, 16, MISSING_FLAGS]
    with pytest.raises(TableError, match="single bits or a decimal number"):
        column_bits(["0010", "0000"])
