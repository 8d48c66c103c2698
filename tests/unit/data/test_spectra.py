import numpy as np
import pandas as pd
import pytest
import toy
from astropy.table import Table

from bayescannon.data.spectra import Spectra
from bayescannon.numerics.errors import BayesCannonError, InputError


@pytest.fixture
def spectra():
    return toy.toy_spectra(toy.toy_labels(5), n_pixel=20)


def test_selection_and_xarray_keep_everything(spectra):
    chosen = spectra.select(np.array([3, 1]))
    assert chosen.id.tolist() == [spectra.id[3], spectra.id[1]]
    assert chosen.columns["ra"][0] == spectra.columns["ra"][3]
    back = Spectra.from_xarray(spectra.to_xarray())
    np.testing.assert_array_equal(back.flux, spectra.flux)
    assert back.id.tolist() == spectra.id.tolist()
    assert back.attrs == spectra.attrs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flux": np.ones((5, 19))}, r"flux must have shape \(star, pixel\) = \(5, 20\)"),
        ({"flux": np.full((5, 20), np.nan)}, "must be finite"),
        ({"ivar": -np.ones((5, 20))}, "must not be negative"),
        ({"wavelength": np.linspace(5400, 5000, 20)}, "ascending"),
        ({"id": np.array(["a", "b", "a", "c", "d"])}, "'a' occurs 2 times"),
        ({"columns": {"ra": np.zeros(4)}}, r"one value per star \(5\)"),
    ],
)
def test_a_rectangle_that_is_none_is_refused(spectra, change, message):
    values = {
        "wavelength": spectra.wavelength,
        "flux": spectra.flux,
        "ivar": spectra.ivar,
        "id": spectra.id,
        "columns": spectra.columns,
    }
    with pytest.raises(ValueError, match=message):
        Spectra(**{**values, **change})


def values_of(spectra, **changes):
    names = ("wavelength", "flux", "ivar", "id", "columns")
    return {name: getattr(spectra, name) for name in names} | changes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flux": np.ones(20)}, r"one row per star: flux\[None, :\], and id as a list"),
        ({"ivar": np.ones(20)}, r"one row per star: ivar\[None, :\]"),
        ({"flux": np.ones((20, 5))}, r"It is transposed; give flux\.T"),
        ({"flux": np.ones((5, 4, 5))}, r"got \(5, 4, 5\)"),
        ({"wavelength": np.ones((5, 20)), "flux": np.linspace(5000, 5400, 20)}, "wavelength and flux are not swapped"),
        ({"wavelength": np.ones((5, 20))}, "one grid for all"),
        ({"wavelength": np.linspace(5400, 5000, 20)}, r"flux\[:, ::-1\]"),
        ({"wavelength": np.linspace(500, 540, 20)}, "wavelength must be in Angstrom.* got 500 to 540."),
        ({"wavelength": np.ma.array(np.linspace(5000, 5400, 20), mask=np.arange(20) == 3)}, "masked in 1 pixels"),
        (
            {"ivar": np.full((5, 20), np.inf)},
            r"ivar is not finite in 100 pixels of 5 stars, the first of them spec-0-0000",
        ),
        ({"ivar": np.full((5, 20), np.nan)}, "ivar is not finite"),
        ({"ivar": np.full((5, 20), 1e20)}, r"ivar is above 1e\+13.*noise-free"),
        ({"id": "star"}, r"for one star \[id\]"),
        ({"id": list("abcd")}, r"flux must have shape \(star, pixel\) = \(4, 20\)"),
        ({"columns": {"snr": 50.0}}, r"column 'snr' must have one value per star \(5\); got 1"),
        ({"columns": {"snr": ["a"] * 5}}, "column 'snr' holds text"),
        ({"columns": np.ones(5)}, "columns must map names"),
        ({"flux": None}, r"flux must have shape .*got \(\)"),
        ({"flux": np.full((5, 20), 400.0), "ivar": np.ones((5, 20))}, "look swapped: the median of flux is 400"),
    ],
)
def test_wrong_calls_say_what_to_do(spectra, change, words):
    with pytest.raises(BayesCannonError, match=words):
        Spectra(**values_of(spectra, **change))


def test_flux_of_dead_pixels_does_not_count(spectra):
    flux, ivar = spectra.flux.copy(), spectra.ivar.copy()
    ivar[1, 3], flux[1, 3] = 0, np.nan
    assert Spectra(**values_of(spectra, flux=flux, ivar=ivar)).flux[1, 3] == 1
    ivar[1, 3] = 1
    with pytest.raises(InputError, match="flux is not finite in 1 pixels of 1 stars, the first of them spec-0-0001"):
        Spectra(**values_of(spectra, flux=flux, ivar=ivar))


@pytest.mark.parametrize("table", [pd.DataFrame, Table])
def test_columns_come_from_any_table(spectra, table):
    columns = {"snr": [1.0, 2, 3, 4, 5], "class": list("abcde"), "obsid": [1, 2, 3, 4, 5]}
    got = Spectra(**values_of(spectra, columns=table(columns))).columns
    assert {name: values.tolist() for name, values in got.items()} == columns


def test_no_columns_are_needed(spectra):
    for columns in (None, {}):
        plain = Spectra(**values_of(spectra, columns=columns))
        assert plain.columns == {}
        assert Spectra.from_xarray(plain.to_xarray()).columns == {}
    assert Spectra(**values_of(spectra, columns=None), attrs=None).attrs == {}


@pytest.mark.parametrize(
    "index", [[True, False, True, False, False], [0, 2], np.array([0, 2]), slice(0, 3, 2), [0, -3], pd.Series([0, 2])]
)
def test_rows_are_chosen_by_mask_index_or_slice(spectra, index):
    assert spectra.select(index).id.tolist() == ["spec-0-0000", "spec-0-0002"]


def test_one_row_and_no_row(spectra):
    assert spectra.select(3).flux.shape == (1, 20)
    assert spectra.select([]).flux.shape == (0, 20)
    assert len(spectra.select(np.zeros(5, dtype=bool))) == 0
    for index, words in (
        ([True], r"one value per row \(5\); got 1"),
        ([7], "row numbers must be between -5 and 4; got 7"),
        (["a"], "boolean mask"),
    ):
        with pytest.raises(BayesCannonError, match=words):
            spectra.select(index)


def test_a_dataset_keeps_its_units_and_any_order_of_dims(spectra):
    dataset = spectra.to_xarray().transpose("pixel", "star")
    dataset = dataset.assign_coords(wavelength=("pixel", spectra.wavelength / 10, {"units": "nm"}))
    back = Spectra.from_xarray(dataset)
    np.testing.assert_array_equal(back.flux, spectra.flux)
    np.testing.assert_allclose(back.wavelength, spectra.wavelength, rtol=1e-14)
    with pytest.raises(InputError, match="coordinates star and wavelength; this one lacks ivar"):
        Spectra.from_xarray(dataset.drop_vars("ivar"))


def test_repr_is_at_most_three_lines(spectra):
    assert repr(spectra) == (
        "<Spectra of 5 stars on a grid of 20 pixels from 5000.00 to 5400.00 A, 97.0 % live; "
        "columns ra, dec, redshift, snr; preset paper>"
    )
    assert "20 pixels" in spectra._repr_html_()
    many = Spectra(**values_of(spectra, columns={f"column-{i}": np.zeros(5) for i in range(200)}))
    assert len(repr(many)) < 400
    assert "and 188 more" in repr(many)
    assert "none live" in repr(spectra.select([]))


def test_the_names_of_rows_must_be_the_ids(spectra):
    ids = spectra.id.tolist()
    frame = pd.DataFrame(spectra.flux, index=ids)
    array = spectra.to_xarray()["flux"]
    for flux in (frame, array, pd.DataFrame(spectra.flux)):
        again = Spectra(spectra.wavelength, flux, spectra.ivar, ids, {"snr": pd.Series(np.ones(5), index=ids)})
        np.testing.assert_array_equal(again.flux, spectra.flux)
    for flux in (frame.iloc[::-1], array[::-1]):
        with pytest.raises(InputError, match="the rows of flux are in another order than id"):
            Spectra(spectra.wavelength, flux, spectra.ivar, ids)
    with pytest.raises(InputError, match="the rows of snr are in another order than id"):
        Spectra(spectra.wavelength, frame, spectra.ivar, ids, {"snr": pd.Series(np.ones(5), index=ids[::-1])})
    with pytest.raises(InputError, match="the rows of ivar have the names of other stars than id: a, b against"):
        Spectra(spectra.wavelength, frame, pd.DataFrame(spectra.ivar, index=list("abcde")), ids)


def test_attrs_that_map_nothing_are_refused(spectra):
    with pytest.raises(BayesCannonError, match=r"attrs must map names to values, .* got a list"):
        Spectra(spectra.wavelength, spectra.flux, spectra.ivar, spectra.id, attrs=[1])


def test_what_is_masked_is_not_chosen(spectra):
    chosen = [True, True, False, False, True]
    mask = [False, True, False, True, False]
    want = spectra.id[[0, 4]].tolist()
    for index in (
        np.ma.array(chosen, mask=mask),
        pd.array([True, None, False, None, True], dtype="boolean"),
        np.ma.array([0, 1, 4], mask=[False, True, False]),
    ):
        assert spectra.select(index).id.tolist() == want
        assert toy.toy_table(spectra, toy.toy_labels(5)).select(index).id.tolist() == want


def test_spectra_compare_as_objects(spectra):
    assert spectra == spectra
    assert spectra != spectra.select(slice(None))


def test_nullable_ids_that_miss_one(spectra):
    given = pd.array([1, 2, 3, 4, 5], dtype="Int64")
    assert Spectra(spectra.wavelength, spectra.flux, spectra.ivar, given).id.tolist() == list("12345")
    for missing in (pd.array([1, 2, None, 4, 5], dtype="Int64"), pd.Series([1, 2, None, 4, 5], dtype="Int64")):
        with pytest.raises(InputError, match="id of star 2 is missing; every star needs a name"):
            Spectra(spectra.wavelength, spectra.flux, spectra.ivar, missing)
