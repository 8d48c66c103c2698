"""Spectra in tables: wherever the coadded one stands, with masks of every type, beside single exposures."""

import io

import numpy as np
import pytest
from astropy.io import fits
from lamost_files import lamost_bytes
from survey_files import BLUE, FULL, primary, star, vectors

from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.lamost import lamost_result, parse_lamost

FLUX, IVAR = star(FULL)
WRONG = 3 * FLUX


def bytes_of(*hdus, **cards):
    buffer = io.BytesIO()
    fits.HDUList([primary(SNRG=50.0, **cards), *hdus]).writeto(buffer)
    return buffer.getvalue()


def exposure(name):
    return vectors(FULL, name, flux=WRONG)


FILES = {
    "first": ([vectors(FULL, "COADD")], 0),
    "lower case": ([vectors(FULL, "coadd")], 0),
    "without name": ([vectors(FULL, "")], 0),
    "another name": ([vectors(FULL, "SPECTRUM")], 0),
    "behind an image": ([fits.ImageHDU(np.zeros((3, 3)), name="INFO"), vectors(FULL, "COADD")], 0),
    "behind a table without spectrum": (
        [fits.BinTableHDU.from_columns([fits.Column("A", "E", array=[1.0])], name="INFO"), vectors(FULL, "COADD")], 0,
    ),
    "behind a short exposure": ([vectors(FULL[:2000], "EXP_BLUE"), vectors(FULL, "COADD")], 1),
    "behind an exposure": ([exposure("SINGLE-1"), vectors(FULL, "COADD")], 1),
    "between exposures": ([exposure("B-84000000"), vectors(FULL, "COADD"), exposure("R-84000000")], 2),
    "unnamed beside exposures": ([exposure("EXP01"), vectors(FULL, "STACK"), exposure("EXP02")], 2),
    "bytes as mask": ([vectors(FULL, "COADD", mask_form="B")], 0),
    "truth values as mask": ([vectors(FULL, "COADD", mask_form="L")], 0),
    "bits as mask": ([vectors(FULL, "COADD", mask_form="X")], 0),
    "variable length": ([vectors(FULL, "COADD", variable=True)], 0),
    "variable mask": ([vectors(FULL, "COADD", mask_form="P")], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_coadded_spectrum_is_taken_and_exposures_are_counted(name):
    hdus, n_left = FILES[name]
    result = lamost_result(bytes_of(*hdus), "spec-1.fits")
    (raw,) = result.spectra
    np.testing.assert_allclose(raw.flux, FLUX, rtol=1e-6)
    np.testing.assert_allclose(raw.ivar, IVAR, rtol=1e-6)
    np.testing.assert_allclose(raw.wavelength, FULL, rtol=1e-7)
    assert np.flatnonzero(raw.mask).tolist() == [3]
    assert result.notes.get("single exposures left out", 0) == n_left


def test_a_primary_image_that_is_no_spectrum_is_passed_over():
    hdus = fits.HDUList([fits.PrimaryHDU(np.zeros((20, 30)), primary().header), vectors(FULL, "COADD")])
    buffer = io.BytesIO()
    hdus.writeto(buffer)
    np.testing.assert_allclose(parse_lamost(buffer.getvalue(), "x").flux, FLUX, rtol=1e-6)


def test_another_mask_is_taken_where_there_is_no_and_mask_and_said():
    result = lamost_result(bytes_of(vectors(FULL, "COADD", masks=("ORMASK",))), "x")
    assert np.flatnonzero(result.spectra[0].mask).tolist() == [3]
    assert result.notes["spectra without ANDMASK: the mask is ORMASK"] == 1
    result = lamost_result(bytes_of(vectors(FULL, "COADD", masks=())), "x")
    assert not result.spectra[0].mask.any()
    assert result.notes["spectra without ANDMASK: the mask is empty"] == 1


@pytest.mark.parametrize(
    ("hdus", "words"),
    [
        ([vectors(FULL, "A"), vectors(FULL, "D")], r"several spectra: any of the tables A, D could be meant; .*COADD"),
        ([vectors(FULL, "COADD"), vectors(FULL, "COADD")], "several spectra: any of the tables COADD, COADD"),
        ([vectors(FULL, ""), vectors(FULL, "")], "several spectra: any of the tables a table without name"),
        (
            [exposure("EXP_1"), exposure("EXP_2")],
            "single exposures only: the file has EXP_1, EXP_2 and no",
        ),
        ([vectors(BLUE, "COADD_B")], "medium resolution: the file has COADD_B; read it with the reader lamost-mrs"),
        ([fits.ImageHDU(np.zeros((3, 3)))], "unknown layout: no extension is a table"),
    ],
)
def test_tables_of_which_several_or_none_could_be_meant(hdus, words):
    with pytest.raises(SpectrumError, match=words):
        parse_lamost(bytes_of(*hdus), "x")


@pytest.mark.parametrize(
    ("cards", "air"),
    [
        ({"VACUUM": True}, False), ({"VACUUM": False}, True), ({"VACUUM": "F"}, True), ({"CTYPE1": "AWAV"}, True),
        ({}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["image", "table", "image of pipeline 2.6"])
def test_air_of_the_header(layout, cards, air):
    assert parse_lamost(lamost_bytes(layout, **cards), "x").air is air


@pytest.mark.parametrize(
    ("cards", "twomass", "gaia"),
    [
        ({"OBJNAME": "2M05560393-0133549"}, "05560393-0133549", ""),
        ({"OBJNAME": "05560393-0133549", "TFROM": "2MASS_PSC"}, "05560393-0133549", ""),
        ({"OBJNAME": "05560393-0133549", "TSOURCE": "KEPLER"}, "", ""),
        ({"OBJNAME": "3216486443742786048", "TFROM": "GAIA"}, "", "3216486443742786048"),
        ({"OBJNAME": "3216486443742786048", "TFROM": "UCAC4"}, "", ""),
        ({"GAIA_ID": "3216486443742786048"}, "", "3216486443742786048"),
        ({"GAIA_ID": -9999}, "", ""),
    ],
)
def test_names_of_other_catalogues(cards, twomass, gaia):
    meta = parse_lamost(lamost_bytes(**cards), "x").meta
    assert (meta.get("twomass_id", ""), meta.get("gaia_id", "")) == (twomass, gaia)
