"""Arrays of any kind fall apart into values, mask and unit, and none of the three is lost."""

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from astropy.nddata import NDData
from astropy.table import Column, MaskedColumn
from astropy.utils.masked import Masked

from bayescannon.data.parts import a_kind, dtype_text, either, kind_of, split
from bayescannon.numerics.errors import InputError, InputTypeError

HOLE = np.array([False, True, False])
MADE = {
    "masked array": np.ma.array([1.0, 2.0, 3.0], mask=HOLE),
    "MaskedColumn with a unit": MaskedColumn([1.0, 2.0, 3.0], mask=HOLE, unit="K"),
    "Masked Quantity": Masked([1.0, 2.0, 3.0] * u.K, mask=HOLE),
    "NDData": NDData(np.array([1.0, 2.0, 3.0]), mask=HOLE, unit="K"),
    "nullable Series": pd.Series([1.0, None, 3.0], dtype="Float64"),
    "list with None": [1.0, None, 3.0],
    "list with masked": [1.0, np.ma.masked, 3.0],
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_masked_is_told_and_its_unit_kept(name):
    parts = split(MADE[name], "x")
    assert parts.mask.tolist() == HOLE.tolist()
    assert [float(parts.values[k]) for k in (0, 2)] == [1.0, 3.0]
    assert type(parts.values) is np.ndarray
    with_unit = name in ("MaskedColumn with a unit", "Masked Quantity", "NDData")
    assert (parts.unit is not None) == with_unit
    if with_unit:
        assert u.Unit(parts.unit) == u.K


@pytest.mark.parametrize(
    ("given", "unit"),
    [
        (np.array([1, 2, 3]), None),
        ([1, 2, 3], None),
        (Column([1, 2, 3], unit="km/s"), u.km / u.s),
        ([1, 2, 3] * u.mag, u.mag),
        (xr.DataArray([1, 2, 3], attrs={"units": "Angstrom"}), u.AA),
        (pd.Series([1, 2, 3]), None),
        (pd.Index([1, 2, 3]), None),
    ],
)
def test_plain_arrays_have_no_mask(given, unit):
    parts = split(given, "x")
    assert parts.values.tolist() == [1, 2, 3]
    assert parts.mask is None or not parts.mask.any()
    assert parts.unit is None if unit is None else u.Unit(parts.unit) == unit


def test_rows_of_a_list_keep_their_masks_and_come_into_one_unit():
    rows = [np.array([1.0, 2.0]) * u.km, Masked([3000.0, 4000.0] * u.m, mask=[False, True])]
    parts = split(rows, "flux")
    np.testing.assert_allclose(parts.values, [[1, 2], [3, 4]])
    assert parts.unit == u.km
    assert parts.mask.tolist() == [[False, False], [False, True]]
    assert split([np.zeros(2), np.ones(2)], "flux").mask is None
    assert split([], "flux").values.shape == (0,)


def test_missing_values_of_objects_are_masked():
    given = np.array(["a", None, pd.NA, "b"], dtype=object)
    parts = split(given, "names")
    assert parts.mask.tolist() == [False, True, True, False]
    assert parts.values[3] == "b"


@pytest.mark.parametrize(
    ("first", "second", "want"),
    [(None, None, None), (HOLE, None, HOLE), (None, HOLE, HOLE), (HOLE, ~HOLE, np.ones(3, bool))],
)
def test_either_mask_counts(first, second, want):
    found = either(first, second)
    assert found is None if want is None else (found == want).all()


class Pint:
    """A quantity of a library whose units are not astropy's."""

    magnitude, units = np.zeros(3), "kelvin"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (Pint(), InputTypeError, r"teff is a \w+ Pint; give a plain array or a Quantity of astropy, teff.magnitude"),
        (object(), InputTypeError, "teff must be an array of numbers or names; got an object"),
        ({"a": 1}, InputTypeError, "teff must be an array of numbers or names; got a dict"),
        (
            np.zeros(2, dtype=[("a", float)]),
            InputTypeError,
            "teff must be an array of numbers or names; got a numpy ndarray",
        ),
        ([np.zeros(2), np.zeros(3)], InputError, r"the rows of teff must have the same shape; got \(2,\) and \(3,\)"),
        ([np.zeros(2), {"a": 1}], InputTypeError, r"teff\[1\] must be an array of numbers or names; got a dict"),
        ([np.ones(2) * u.K, np.ones(2) * u.m], InputError, r"teff\[1\] is in m, which does not convert to K"),
    ],
)
def test_what_is_no_array_is_refused_by_name(given, error, message):
    with pytest.raises(error, match=message):
        split(given, "teff")


def test_kinds_are_named_with_their_library():
    assert kind_of([1]) == "list"
    assert kind_of(pd.Series([1])) == "pandas Series"
    assert kind_of(np.zeros(1)) == "numpy ndarray"
    assert dtype_text(np.array(["a"])) == "text"
    assert dtype_text(np.array([b"a"])) == "bytes"
    assert dtype_text(np.array([True])) == "booleans"
    assert dtype_text(np.array([1j])) == "complex numbers"
    assert dtype_text(np.zeros(1, dtype="f4")) == "float32"


def test_the_article_goes_with_the_type():
    assert [a_kind(one) for one in (1, 1.5, np.ones(1), Column([1]))] == [
        "an int", "a float", "a numpy ndarray", "an astropy Column",
    ]  # fmt: skip
