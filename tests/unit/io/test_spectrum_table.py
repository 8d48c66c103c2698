import io

import numpy as np
import pytest
from astropy.io import fits
from survey_files import FULL, pixel_rows, vectors

from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.spectrum_table import SpectrumTable

N = 40


def table_of(hdu):
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    data = buffer.getvalue()
    with fits.open(io.BytesIO(data), memmap=False) as hdus:
        return SpectrumTable(data, hdus[1])


@pytest.mark.parametrize("form", ["B", "I", "J", "K", "E", "D", "L", "X", "P"])
def test_masks_of_every_type_of_column(form):
    table = table_of(vectors(FULL[:N], "COADD", mask_form=form))
    rows, mask = table.spectrum()
    assert mask == "ANDMASK"
    assert np.flatnonzero(rows[3]).tolist() == [3]
    np.testing.assert_allclose(rows[2], FULL[:N], rtol=1e-7)
    assert table.has_spectrum()
    assert (table.name, table.n_row) == ("COADD", 1)


@pytest.mark.parametrize("form", ["B", "I", "J", "E", "D", "L"])
def test_it_agrees_with_astropy(form):
    rng = np.random.default_rng(1)
    values = rng.integers(0, 2, N) if form == "L" else rng.integers(0, 100, N)
    hdu = fits.BinTableHDU.from_columns(
        [fits.Column("PAD", "3A", array=["abc"]), fits.Column("X", f"{N}{form}", array=values[None].astype(float))]
    )
    np.testing.assert_array_equal(table_of(hdu).vectors(["X"])["X"], np.asarray(hdu.data["X"]).reshape(-1))


def test_scaled_columns():
    hdu = fits.BinTableHDU.from_columns([fits.Column("X", "3I", array=[[32768, 40000, 65535]], bzero=32768)])
    assert table_of(hdu).vectors(["X"])["X"].tolist() == [32768, 40000, 65535]


@pytest.mark.parametrize("variable", [False, True])
def test_a_row_of_vectors_and_variable_lengths_and_a_row_per_pixel_are_the_same(variable):
    one, two = table_of(vectors(FULL[:N], "A", variable=variable)), table_of(pixel_rows(FULL[:N], "B"))
    for a, b in zip(one.spectrum()[0], two.spectrum()[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert two.spectrum()[1] == "ORMASK"


def test_without_a_mask_no_pixel_is_bad():
    rows, mask = table_of(vectors(FULL[:N], "A", masks=())).spectrum()
    assert mask == ""
    assert rows[3].tolist() == [0.0] * N


def test_tables_that_cannot_be_used():
    text = fits.BinTableHDU.from_columns([fits.Column("FLUX", "5A", array=["x"])])
    with pytest.raises(SpectrumError, match="unknown layout: column FLUX has the format '5A'"):
        table_of(text).vectors(["FLUX"])
    two = fits.BinTableHDU.from_columns([fits.Column("FLUX", "5E", array=np.ones((2, 5)))])
    with pytest.raises(SpectrumError, match="2 rows of vectors; expected one"):
        table_of(two).vectors(["FLUX"])
    short = table_of(vectors(FULL[:N], "A"))
    short.header["NAXIS1"] = 10
    with pytest.raises(SpectrumError, match="do not fill its rows"):
        short.vectors(["FLUX"])
    assert not table_of(two).has_spectrum()


def test_what_a_column_calls_null_is_missing():
    column = fits.Column("X", "3I", array=[[1, -32768, 3]], null=-32768)
    table = table_of(fits.BinTableHDU.from_columns([column]))
    np.testing.assert_array_equal(table.vectors(["X"])["X"], [1, np.nan, 3])


@pytest.mark.parametrize(("unit", "factor"), [("nm", 0.1), ("um", 1e-4), ("Angstrom", 1), ("A", 1), ("counts", 1)])
def test_wavelengths_that_cannot_be_in_angstrom_are_converted_by_their_unit(unit, factor):
    hdu = vectors(FULL[:N] * factor, "COADD")
    hdu.columns["WAVELENGTH"].unit = unit
    np.testing.assert_allclose(table_of(hdu).spectrum()[0][2], FULL[:N], rtol=1e-6)


def test_wavelengths_in_an_unknown_unit_stay():
    hdu = vectors(FULL[:N] / 10, "COADD")
    hdu.columns["WAVELENGTH"].unit = "counts"
    np.testing.assert_allclose(table_of(hdu).spectrum()[0][2], FULL[:N] / 10, rtol=1e-6)
