"""Kinds of array that users hold, against the constructors that take them."""

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from astropy.nddata import NDData
from astropy.table import Column, MaskedColumn
from astropy.utils.masked import Masked

from bayescannon.cannon.reference import ReferenceSet
from bayescannon.data.convert import bits, column, number, numbers, texts
from bayescannon.data.label_table import MISSING_FLAGS, LabelTable
from bayescannon.data.spectra import RawSpectrum, Spectra
from bayescannon.numerics.errors import InputError, InputTypeError

GRID = np.array([5000.0, 5001.0, 5002.0, 5003.0])
# exact in float16, so that every kind holds the same numbers
FLUX = np.array([[1.0, 0.5, 0.75, 1.25], [1.0, 0.25, 0.875, 1.5]])
IVAR = np.array([[4.0, 2.0, 1.0, 8.0], [16.0, 4.0, 2.0, 1.0]])
IDS = ["star-1", "star-2"]
HOLE = np.array([[False, False, True, False], [True, False, False, False]])

KINDS = {
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(map(tuple, a.tolist())) if a.ndim == 2 else tuple(a.tolist()),
    "list of arrays": list,
    "Fortran order": np.asfortranarray,
    "every second element": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "read only": lambda a: np.broadcast_to(a, a.shape),
    "big-endian f4": lambda a: a.astype(">f4"),
    "big-endian f8": lambda a: a.astype(">f8"),
    "float16": lambda a: a.astype(np.float16),
    "float32": lambda a: a.astype(np.float32),
    "long double": lambda a: a.astype(np.longdouble),
    "objects": lambda a: a.astype(object),
    "masked array without a mask": np.ma.array,
    "Column": Column,
    "MaskedColumn": MaskedColumn,
    "Masked": Masked,
    "Quantity": lambda a: a * u.dimensionless_unscaled,
    "Quantity in percent": lambda a: 100 * a * u.percent,
    "list of Quantity": lambda a: [row * u.dimensionless_unscaled for row in a],
    "NDData": NDData,
    "frame": lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a),
    "frame of Float64": lambda a: pd.DataFrame(a).astype("Float64") if a.ndim == 2 else pd.Series(a, dtype="Float64"),
    "DataArray": xr.DataArray,
}
MASKED = {
    "masked array": lambda a, m: np.ma.array(a, mask=m),
    "list of masked arrays": lambda a, m: [np.ma.array(row, mask=bad) for row, bad in zip(a, m, strict=True)],
    "list with masked": lambda a, m: [
        [np.ma.masked if bad else x for x, bad in zip(*both, strict=True)] for both in zip(a.tolist(), m, strict=True)
    ],
    "MaskedColumn": lambda a, m: MaskedColumn(a, mask=m),
    "Masked": lambda a, m: Masked(a, mask=m),
    "Masked Quantity": lambda a, m: Masked(a * u.dimensionless_unscaled, mask=m),
    "list of Masked": lambda a, m: [Masked(row, mask=bad) for row, bad in zip(a, m, strict=True)],
    "NDData": lambda a, m: NDData(a, mask=m),
    "frame of Float64": lambda a, m: pd.DataFrame(a).astype("Float64").mask(pd.DataFrame(m)),
    "objects": lambda a, m: np.where(m, None, a.astype(object)),
    "list with None": lambda a, m: np.where(m, None, a.astype(object)).tolist(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_array_makes_the_same_spectra(kind):
    spectra = Spectra(GRID, KINDS[kind](FLUX), KINDS[kind](IVAR), IDS, {"snr": KINDS[kind](FLUX[:, 0])})
    for got, want in ((spectra.flux, FLUX), (spectra.ivar, IVAR), (spectra.columns["snr"], FLUX[:, 0])):
        np.testing.assert_array_equal(got, want)
        assert type(got) is np.ndarray
        assert got.dtype in (np.float32, np.float64)
        assert got.dtype.isnative
        assert got.flags.c_contiguous


# the unit of raw flux is kept, and 5001 has no float16
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "percent" not in kind])
def test_every_kind_of_array_makes_the_same_raw_spectrum_labels_and_reference(kind):
    raw = RawSpectrum("a", GRID, KINDS[kind](FLUX[0]), KINDS[kind](IVAR[0]), redshift=0)
    table = LabelTable.from_arrays(IDS, fe_h=KINDS[kind](FLUX[0, :2]), e_fe_h=KINDS[kind](FLUX[1, :2]))
    reference = ReferenceSet(Spectra(GRID, FLUX, IVAR, IDS), KINDS[kind](FLUX[:, :2]), None, ("fe_h", "alpha_m"))
    for got, want in (
        (raw.flux, FLUX[0]),
        (raw.ivar, IVAR[0]),
        (table.labels["fe_h"], FLUX[0, :2]),
        (table.errors["fe_h"], FLUX[1, :2]),
        (reference.labels, FLUX[:, :2]),
    ):
        np.testing.assert_array_equal(got, want)
        assert type(got) is np.ndarray
        assert got.dtype.isnative
    assert raw.flux.dtype == reference.labels.dtype == np.float64


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("Quantity in percent", "float16")])
def test_every_kind_of_array_makes_the_same_grid(kind):
    np.testing.assert_array_equal(Spectra(KINDS[kind](GRID[:3]), FLUX[:, :3], IVAR[:, :3], IDS).wavelength, GRID[:3])


@pytest.mark.parametrize("garbage", [1e30, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", MASKED)
@pytest.mark.parametrize("where", ["flux", "ivar", "both"])
def test_a_mask_is_an_inverse_variance_of_zero(kind, where, garbage):
    dirty = {"flux": np.where(HOLE, garbage, FLUX), "ivar": np.where(HOLE, garbage, IVAR)}
    values = {"flux": FLUX, "ivar": IVAR}
    for name in values:
        if where in (name, "both"):
            values[name] = MASKED[kind](dirty[name], HOLE)
    spectra = Spectra(GRID, values["flux"], values["ivar"], IDS)
    np.testing.assert_array_equal(spectra.ivar, np.where(HOLE, 0, IVAR))
    np.testing.assert_array_equal(spectra.flux, np.where(HOLE, 1, FLUX))
    for star in range(2):
        raw = RawSpectrum("a", GRID, *(_row(values[name], star) for name in ("flux", "ivar")))
        np.testing.assert_array_equal(raw.ivar, np.where(HOLE, 0, IVAR)[star])
        np.testing.assert_array_equal(raw.flux, np.where(HOLE, 0, FLUX)[star])


def _row(values, star):
    if isinstance(values, NDData):
        return NDData(values.data[star], mask=values.mask[star])
    return values.iloc[star] if isinstance(values, pd.DataFrame) else values[star]


@pytest.mark.parametrize("kind", MASKED)
def test_a_masked_label_or_column_is_missing(kind):
    if "list of" in kind or kind == "list with masked":
        values = MASKED[kind](FLUX, HOLE)[0]
    else:
        values = _row(MASKED[kind](FLUX, HOLE), 0)
    table = LabelTable.from_arrays(list("abcd"), logg=values, e_logg=values, snr=values, ra=values)
    want = np.where(HOLE, np.nan, FLUX)[0]
    for got in (table.labels["logg"], table.errors["logg"], table.snr, table.ra):
        np.testing.assert_array_equal(got, want)
    grid = np.array([5000.0, 5001.0])
    spectra = Spectra(grid, np.ones((4, 2)), np.ones((4, 2)), list("abcd"), {"snr": values, "airmass": values})
    np.testing.assert_array_equal(spectra.columns["snr"], want)
    np.testing.assert_array_equal(spectra.columns["airmass"], want)


def test_the_users_arrays_stay_as_they_are():
    flux, ivar = np.ma.array(FLUX, mask=HOLE), IVAR.copy()
    Spectra(GRID, flux, ivar, IDS)
    np.testing.assert_array_equal(flux.data, FLUX)
    np.testing.assert_array_equal(ivar, IVAR)


def test_arrays_that_need_no_conversion_are_not_copied():
    flux = np.ones((2, 4), dtype=np.float32)
    spectra = Spectra(GRID, flux, IVAR, IDS)
    assert spectra.flux is flux
    assert spectra.ivar is IVAR
    assert spectra.wavelength is GRID


IDS_OF = {
    "list": lambda ids: ids,
    "tuple": tuple,
    "array": np.array,
    "objects": lambda ids: np.array(ids, dtype=object),
    "StringDType": lambda ids: np.array(ids, dtype=np.dtypes.StringDType()),
    "bytes": lambda ids: np.array([one.encode() for one in ids]),
    "list of bytes": lambda ids: [one.encode() for one in ids],
    "blanks around": lambda ids: [f" {one} " for one in ids],
    "Index": pd.Index,
    "Series": pd.Series,
    "Series of objects": lambda ids: pd.Series(ids, dtype=object),
    "category": lambda ids: pd.Series(ids, dtype="category"),
    "Column": Column,
    "MaskedColumn": MaskedColumn,
    "DataArray": xr.DataArray,
}


@pytest.mark.parametrize("kind", IDS_OF)
def test_every_kind_of_name_makes_the_same_ids(kind):
    spectra = Spectra(GRID, FLUX, IVAR, IDS_OF[kind](IDS), {"class": IDS_OF[kind](IDS)})
    table = LabelTable.from_arrays(IDS_OF[kind](IDS), teff=[1, 2], survey_id=IDS_OF[kind](IDS))
    for got in (spectra.id, spectra.columns["class"], table.id, table.survey_id):
        assert got.tolist() == IDS
        assert got.dtype.kind == "U"


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, ">i8", "Int64"])
def test_whole_numbers_are_names(dtype):
    first = 4611686018427387904
    ids = pd.array([first, first + 37], dtype=dtype) if dtype == "Int64" else np.array([first, first + 37], dtype)
    if dtype == "Int64":
        ids = pd.Series(ids)
    assert Spectra(GRID, FLUX, IVAR, ids).id.tolist() == [str(first), str(first + 37)]


@pytest.mark.parametrize(
    "ids",
    [
        [4.6e18, 4.7e18],
        np.array([1.0, 2.0]),
        np.array([1.0, np.nan], dtype=object),
        pd.Series([1.5, None]),
        [1.0, None],
    ],
)
def test_names_that_lost_digits_are_refused_with_the_remedy(ids):
    for make in (lambda: Spectra(GRID, FLUX, IVAR, ids), lambda: LabelTable.from_arrays(ids, teff=[1, 2])):
        with pytest.raises(InputError, match=r"floating-point numbers.*cannot hold every digit.*dtype=\{'id': 'str'\}"):
            make()


@pytest.mark.parametrize("ids", [["a", None], ["a", ""], np.ma.array(["a", "b"], mask=[0, 1]), pd.Series(["a", pd.NA])])
def test_a_missing_name_is_refused_for_spectra_and_empty_in_a_table(ids):
    with pytest.raises(InputError, match="id of star 1 is missing"):
        Spectra(GRID, FLUX, IVAR, ids)
    assert LabelTable.from_arrays(ids, teff=[1, 2]).id.tolist() == ["a", ""]


def test_a_column_of_nothing_but_nan_is_no_name():
    assert texts(np.array([np.nan, np.nan]), "id", missing_allowed=True).tolist() == ["", ""]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("star-1", r"for one star \[id\]; got shape \(\)"),
        ([["a", "b"]], r"got shape \(1, 2\)"),
        ([True, False], "id holds booleans"),
        ([("a",), ("b",)], "one name per star"),
        (np.array(["a", 1j], dtype=object), "id holds 1j"),
        ({"a": 1}, "id must be an array of numbers or names; got a dict"),
    ],
)
def test_what_is_no_name_is_refused(given, words):
    with pytest.raises(InputTypeError, match=words):
        texts(given, "id")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["1", "2"], "flux holds text; expected numbers"),
        ([b"1"], "flux holds bytes"),
        ([True, False], "flux holds booleans"),
        ([1j, 2j], "flux holds complex numbers"),
        (np.array([1, "a"], dtype=object), "flux holds 'a' among its values"),
        (np.array([1 * u.m, 2 * u.m], dtype=object), "not numbers"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "flux holds datetime64"),
        (np.zeros(2, dtype=[("a", float)]), "flux must be an array of numbers.* got a numpy ndarray"),
        ({1.0, 2.0}, "flux must be an array.* got a set"),
        (iter([1.0]), "got a list_iterator"),
        (len, "got a builtin_function_or_method"),
    ],
)
def test_what_is_no_number_is_refused(given, words):
    with pytest.raises(InputTypeError, match=words):
        numbers(given, "flux")


def test_rows_of_different_length_are_refused_and_told_where_they_go():
    with pytest.raises(InputError, match=r"rows of flux must have the same shape.*RawSpectrum.*prepare_spectra"):
        numbers([np.ones(3), np.ones(4)], "flux")


def test_another_librarys_quantity_is_refused_by_name():
    class Foreign:
        magnitude, units = 1.0, "nm"

    with pytest.raises(InputTypeError, match=r"is a .*Foreign; give a plain array or a Quantity of astropy"):
        numbers(Foreign(), "wavelength")


def test_a_list_of_quantities_may_mix_units():
    values, _ = numbers([1 * u.micron, 1500 * u.nm], "wavelength", unit="Angstrom")
    np.testing.assert_allclose(values, [1e4, 1.5e4])


@pytest.mark.parametrize("given", [5, 5.0, np.float32(5), np.array(5), np.array([5.0]), 5 * u.dimensionless_unscaled])
def test_one_number(given):
    assert number(given, "snr") == 5.0


@pytest.mark.parametrize("given", [None, np.nan, np.ma.masked, Masked(5.0, mask=True)])
def test_one_number_that_is_missing(given):
    assert np.isnan(number(given, "snr"))


def test_one_number_is_not_several():
    with pytest.raises(InputTypeError, match=r"snr must be one number; got shape \(2,\)"):
        number([1, 2], "snr")


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (np.array([0, 5], dtype=">i4"), [0, 5]),
        (np.array([0, -(2**31)], dtype=np.int32), [0, 1 << 31]),
        (np.array([0.0, np.nan]), [0, MISSING_FLAGS]),
        ([0, None], [0, MISSING_FLAGS]),
        ([0, -9999], [0, MISSING_FLAGS]),
        (np.ma.array([0, 1], mask=[0, 1]), [0, MISSING_FLAGS]),
        (pd.Series([0, None], dtype="Int64"), [0, MISSING_FLAGS]),
        ([False, True], [0, 1]),
        (np.array([0, 2**63], dtype=np.uint64), [0, 2**63]),
    ],
)
def test_bits(given, want):
    assert bits(given, "flags", missing=MISSING_FLAGS).tolist() == want
    assert LabelTable.from_arrays(["a", "b"], teff=[1, 2], flags=given).flags.tolist() == want


def test_columns_keep_whole_numbers_booleans_and_text():
    assert column(np.array([1, 2], dtype=">i4"), "obsid").dtype == np.int32
    assert column([True, False], "binary").dtype == np.bool_
    assert column(np.ma.array([True, False], mask=[0, 1]), "binary")[0] == 1.0
    assert column(np.ma.array([1, 2], mask=[0, 1]), "obsid")[0] == 1.0
    assert column(np.array(["a", None], dtype=object), "class").tolist() == ["a", ""]
    with pytest.raises(InputError, match=r"column 'v' is in km / s.*give plain numbers"):
        column([1.0] * u.km / u.s, "v")
