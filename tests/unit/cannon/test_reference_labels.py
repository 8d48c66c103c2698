"""Labels of reference stars from arrays and tables: order, units, shapes, and what is missing."""

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from astropy.table import MaskedColumn, Table

from bayescannon.cannon.reference_labels import error_matrix, label_matrix
from bayescannon.data.labels import LabelError
from bayescannon.numerics.errors import InputError, InputTypeError

IDS = ["spec-1", "spec-2", "spec-3"]
TEFF, LOGG = [4500.0, 4800.0, 5100.0], [2.0, 2.5, 3.0]
MATRIX = np.column_stack([TEFF, LOGG])
TABLES = {
    "mapping": {"teff": TEFF, "logg": LOGG},
    "Table": Table({"teff": TEFF, "logg": LOGG}),
    "DataFrame": pd.DataFrame({"teff": TEFF, "logg": LOGG}),
    "index of ids": pd.DataFrame({"teff": TEFF, "logg": LOGG}, index=["dr2/spec-1.fits", "spec-2", "spec-3"]),
    "other units": Table({"teff": np.array(TEFF) / 1000 * u.kK, "logg": LOGG}),
    "structured array": np.array(list(zip(TEFF, LOGG, strict=True)), dtype=[("teff", "f4"), ("logg", "f4")]),
}


@pytest.mark.parametrize("kind", TABLES)
def test_columns_of_tables_are_found_by_name(kind):
    names, values = label_matrix(TABLES[kind], None, IDS)
    assert names == ("teff", "logg")
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, MATRIX)
    # the order of the names asked for, not that of the table
    names, values = label_matrix(TABLES[kind], ["logg", "teff"], IDS)
    assert names == ("logg", "teff")
    np.testing.assert_allclose(values, MATRIX[:, ::-1])


def test_arrays_are_taken_in_the_order_of_their_names():
    names, values = label_matrix(MATRIX.astype(np.float32), ["teff", "logg"], IDS)
    assert (names, values.dtype) == (("teff", "logg"), np.float64)
    np.testing.assert_allclose(values, MATRIX)
    # a frame made of an array has numbered columns
    np.testing.assert_allclose(label_matrix(pd.DataFrame(MATRIX), ["teff", "logg"], IDS)[1], MATRIX)
    np.testing.assert_allclose(label_matrix(np.array(TEFF) * u.K, ["teff"], IDS)[1][:, 0], TEFF)
    np.testing.assert_allclose(label_matrix(np.array(TEFF) / 1e3 * u.kK, ["teff"], IDS)[1][:, 0], TEFF)


@pytest.mark.parametrize(
    ("given", "names", "error", "message"),
    [
        (MATRIX, None, InputError, "labels in an array need their names"),
        (MATRIX, ("teff", "vrad"), LabelError, "unknown label name 'vrad'"),
        (MATRIX.T, ("teff", "logg"), InputError, r"\(3, 2\); got labels of \(2, 3\); it is transposed: labels.T"),
        (MATRIX[:2], ("teff", "logg"), InputError, r"\(star, label\) = \(3, 2\); got labels of \(2, 2\)"),
        (MATRIX * u.K, ("teff", "logg"), InputError, "logg is in K, which does not convert"),
        ({"teff": TEFF}, ("teff", "logg"), LabelError, "labels have no column 'logg'; the columns are teff"),
        ({"e_teff": TEFF}, None, LabelError, "no column is named after a label; the columns are e_teff"),
        ({"teff": TEFF[:2]}, None, InputError, r"teff must have one value per star \(3\); got \(2,\)"),
        ({"teff": [1.0, np.nan, np.nan]}, None, InputError, r"teff of spec-2 is nan; leave out the 2 stars"),
        (Table({"teff": MaskedColumn(TEFF, mask=[1, 0, 0])}), None, InputError, "teff of spec-1 is nan"),
        ("labels.csv", None, InputTypeError, "got the path labels.csv; use build_reference"),
        (
            {"id": ["spec-2", "spec-1", "spec-3"], "teff": TEFF}, None, InputError,
            "another order than the spectra; build_reference",
        ),
        ({"id": ["a", "b", "c"], "teff": TEFF}, None, InputError, "ids of other stars .* a, b against spec-1, spec-2"),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit_are_refused(given, names, error, message):
    with pytest.raises(error, match=message):
        label_matrix(given, names, IDS)


def test_errors_come_from_where_they_are():
    names = ("teff", "logg")
    with_errors = {**TABLES["mapping"], "e_teff": np.array([50.0, np.nan, 70.0])}
    unknown = [np.nan] * 3
    # beside the labels, under e_
    np.testing.assert_array_equal(
        error_matrix(None, with_errors, names, IDS), np.column_stack([[50, np.nan, 70], unknown])
    )
    # in a table of their own, under e_ or under the labels' names
    own = Table({"teff": np.array([0.05, 0.06, 0.07]) * u.kK, "e_logg": [0.1, 0.2, 0.3]})
    np.testing.assert_allclose(error_matrix(own, with_errors, names, IDS), [[50, 0.1], [60, 0.2], [70, 0.3]])
    np.testing.assert_array_equal(error_matrix(MATRIX, with_errors, names, IDS), MATRIX)
    assert np.isnan(error_matrix(None, MATRIX, names, IDS)).all()
    assert np.isnan(error_matrix(None, TABLES["mapping"], names, IDS)).all()
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    np.testing.assert_array_equal(error_matrix(masked, MATRIX, ("teff",), IDS)[:, 0], [1, np.nan, 3])


ARRAY = xr.DataArray(MATRIX, dims=("star", "stellar_label"), coords={"star": IDS, "stellar_label": ["teff", "logg"]})


def test_a_data_array_is_taken_by_its_coordinates():
    for given in (ARRAY, ARRAY[:, ::-1], ARRAY.T, ARRAY.drop_vars("star")):
        for names in (("teff", "logg"), ("logg", "teff")):
            got, labels = label_matrix(given, names, IDS)
            assert got == names
            np.testing.assert_array_equal(labels, MATRIX if names[0] == "teff" else MATRIX[:, ::-1])
    np.testing.assert_array_equal(label_matrix(ARRAY[:, 0], ("teff",), IDS)[1], MATRIX[:, :1])
    errors = error_matrix(ARRAY[:, ::-1], MATRIX, ("teff", "logg"), IDS)
    np.testing.assert_array_equal(errors, MATRIX)


@pytest.mark.parametrize("given", [ARRAY[::-1], ARRAY[::-1].drop_vars("stellar_label"), ARRAY[::-1].T])
def test_a_data_array_in_another_order_is_refused(given):
    with pytest.raises(InputError, match="the rows of labels are in another order than the spectra"):
        label_matrix(given, ("teff", "logg"), IDS)


def test_errors_of_other_stars_are_refused():
    with pytest.raises(InputError, match="the rows of errors are in another order than the spectra"):
        error_matrix({"id": IDS[::-1], "e_teff": [1.0, 2.0, 3.0]}, MATRIX, ("teff", "logg"), IDS)
    with pytest.raises(InputError, match="errors have ids of other stars"):
        error_matrix(ARRAY.assign_coords(star=["a", "b", "c"]), MATRIX, ("teff", "logg"), IDS)


def test_errors_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"\(3, 2\); got errors of \(3, 1\)"):
        error_matrix(MATRIX[:, :1], MATRIX, ("teff", "logg"), IDS)
    with pytest.raises(InputError, match=r"e_teff must have one value per star \(3\); got \(2,\)"):
        error_matrix({"e_teff": [1.0, 2.0]}, MATRIX, ("teff", "logg"), IDS)
