"""FITS tables: columns with units, missing values and flags; files with bytes missing."""

import numpy as np
import pytest
from astropy.io import fits
from survey_tables import RA, TEFF, assert_simple, simple

from bayescannon.data.label_table import MISSING_FLAGS
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels


def test_units_missing_whole_numbers_and_truth_values(tmp_path):
    columns = [
        fits.Column("id", "20A", array=np.array(["a", "b"])),
        fits.Column("Teff", "E", unit="kK", array=np.array([4.8, 5.1])),
        fits.Column("logg", "J", null=-1, array=np.array([2, -1])),
        fits.Column("flags", "L", array=np.array([True, False])),
        fits.Column("e_logg", "D", array=np.array([0.1, np.nan])),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    labels = read_labels(tmp_path / "t.fits")
    np.testing.assert_allclose(labels.labels["teff"], [4800, 5100], rtol=1e-6)
    np.testing.assert_array_equal(labels.labels["logg"], [2, np.nan])
    assert labels.flags.tolist() == [1, 0]
    np.testing.assert_array_equal(labels.errors["logg"], [0.1, np.nan])
    assert MISSING_FLAGS not in labels.flags.tolist()


def test_text_tables_and_images_beside_the_table(tmp_path):
    stars = fits.BinTableHDU(simple())
    fits.HDUList([fits.PrimaryHDU(np.zeros((5, 5))), fits.ImageHDU(np.zeros(3)), stars]).writeto(tmp_path / "t.fits")
    assert_simple(read_labels(tmp_path / "t.fits"))
    ascii_table = fits.TableHDU.from_columns(
        [fits.Column("teff", "F10.2", array=TEFF), fits.Column("ra", "F8.2", array=RA)]
    )
    fits.HDUList([fits.PrimaryHDU(), ascii_table]).writeto(tmp_path / "a.fits")
    np.testing.assert_allclose(read_labels(tmp_path / "a.fits").labels["teff"], TEFF)


@pytest.mark.parametrize("cut", [1, 100, 300])
def test_rows_that_the_file_does_not_hold(tmp_path, cut):
    simple().write(tmp_path / "t.fits")
    with fits.open(tmp_path / "t.fits") as hdus:
        end = hdus[1].fileinfo()["datLoc"] + hdus[1].header["NAXIS1"] * hdus[1].header["NAXIS2"]
    data = (tmp_path / "t.fits").read_bytes()
    (tmp_path / "t.fits").write_bytes(data[: end - cut])
    with pytest.raises(TableError, match=rf"is cut: it holds {end - cut} bytes, and its headers say {end}"):
        read_labels(tmp_path / "t.fits")
    (tmp_path / "t.fits").write_bytes(data[:end])
    assert_simple(read_labels(tmp_path / "t.fits"))


def test_a_file_with_images_only(tmp_path):
    fits.PrimaryHDU(np.zeros((5, 5))).writeto(tmp_path / "t.fits")
    with pytest.raises(TableError, match="holds no table"):
        read_labels(tmp_path / "t.fits")
