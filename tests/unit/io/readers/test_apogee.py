import numpy as np
import pytest
from astropy.io import fits
from lamost_files import lamost_bytes, sdss_bytes
from survey_files import APOGEE, ap_star, apogee_image, aspcap_star, mwm_star, write

from bayescannon.data.grid import pieces
from bayescannon.data.grid_choice import parse_grid
from bayescannon.data.prepare import prepare_spectra
from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.readers.apogee import BAD_BITS, GRID, read, recognises
from bayescannon.io.readers.choice import file_head


def is_recognised(path):
    return recognises(file_head(path), path)


@pytest.mark.parametrize("n_visit", [1, 3])
def test_ap_star_is_the_first_row(tmp_path, n_visit):
    mask = np.zeros(8575)
    mask[200], mask[201], mask[202] = 1 << 0, 1 << 12, 1 << 14
    path = ap_star(tmp_path / "apStar-r12-2M05560393-0133549.fits", n_visit, mask=mask)
    assert is_recognised(path)
    result = read(path)
    (raw,) = result.spectra
    np.testing.assert_allclose(raw.wavelength, APOGEE, rtol=1e-12)
    assert (raw.flux == 500).all()
    # bad pixels: the error 1e10, BADPIX and NOT_ENOUGH_PSF; a sky line is a bit of the mask only
    assert np.flatnonzero(raw.ivar == 0).tolist() == [100, 200, 202]
    assert raw.ivar[0] == pytest.approx(1 / 25)
    assert raw.mask[201] == 1 << 12
    assert (raw.redshift, raw.air, raw.ra, raw.dec, raw.snr) == (0, False, 89, -1.5, 123)
    assert raw.id == "apStar-r12-2M05560393-0133549"
    assert (raw.meta["survey_id"], raw.meta["twomass_id"]) == ("2M05560393-0133549", "05560393-0133549")
    assert result.notes["visit spectra left out"] == (3 if n_visit == 3 else 0)
    assert any("at rest" in text for text in result.notes)


def test_aspcap_star_is_normalised(tmp_path):
    path = aspcap_star(tmp_path / "aspcapStar-1.fits")
    assert is_recognised(path)
    result = read(path)
    (raw,) = result.spectra
    assert (raw.ivar[:246] == 0).all()
    assert raw.ivar[300] == pytest.approx(1e4, rel=1e-6)
    assert any("normalised by the survey" in text for text in result.notes)
    spectra = prepare_spectra(list(result.spectra), "none", GRID)
    np.testing.assert_allclose(spectra.flux[0][spectra.ivar[0] > 0], 1, rtol=1e-6)


@pytest.mark.parametrize("with_wavelength", [True, False])
def test_mwm_star(tmp_path, with_wavelength):
    path = mwm_star(tmp_path / "mwmStar-0.6.0-42.fits", with_wavelength=with_wavelength)
    assert is_recognised(path)
    result = read(path)
    (raw,) = result.spectra
    np.testing.assert_allclose(raw.wavelength, APOGEE, rtol=1e-12)
    assert np.flatnonzero(raw.ivar == 0).tolist() == [7]
    assert (raw.id, raw.snr, raw.redshift) == ("mwmStar-0.6.0-42", 77, 0)
    assert (raw.meta["gaia_id"], raw.meta["twomass_id"]) == ("3216486443742786048", "05560393-0133549")
    assert result.notes["optical (BOSS) spectra left out"] == 1


def test_spectra_of_two_telescopes_are_two(tmp_path):
    result = read(mwm_star(tmp_path / "mwmStar-42.fits", ("apo25m", "lco25m"), boss=False))
    assert [raw.id for raw in result.spectra] == ["mwmStar-42-apo25m", "mwmStar-42-lco25m"]
    assert any("each telescope" in text for text in result.notes)


def test_what_has_no_combined_spectrum_is_refused(tmp_path):
    with pytest.raises(SpectrumError, match="single visits: APOGEE/APO has 3 spectra of visits; give mwmStar"):
        read(mwm_star(tmp_path / "mwmVisit-42.fits", n_row=3))
    with pytest.raises(SpectrumError, match=r"no spectrum: .*optical ones 1"):
        read(mwm_star(tmp_path / "boss.fits", telescopes=()))
    chips = [fits.ImageHDU(np.ones((3, 2048), "f4")) for _ in range(4)]
    chips[3].header["BUNIT"] = "Wavelength (Ang)"
    visit = write(tmp_path / "apVisit-1.fits", fits.PrimaryHDU(), *chips)
    assert is_recognised(visit)
    with pytest.raises(SpectrumError, match=r"single visit: .*give apStar"):
        read(visit)


def test_files_of_others(tmp_path):
    other = write(tmp_path / "other.fits", fits.PrimaryHDU(), *[fits.ImageHDU(np.ones((5, 8))) for _ in range(3)])
    truncated = ap_star(tmp_path / "apStar-1.fits")
    truncated.write_bytes(truncated.read_bytes()[:9000])
    for name, data in (("l.fits", lamost_bytes("table")), ("s.fits", sdss_bytes()), ("t.fits", b"text")):
        (tmp_path / name).write_bytes(data)
        assert not is_recognised(tmp_path / name)
    assert not is_recognised(other)
    with pytest.raises(SpectrumError, match="not APOGEE"):
        read(other)
    with pytest.raises(SpectrumError, match=r"damaged FITS|not APOGEE"):
        read(truncated)
    with pytest.raises(SpectrumError, match="no such file"):
        read(tmp_path / "nothing.fits")


def test_the_grid_is_that_of_the_chips():
    grid = parse_grid(GRID)
    assert len(grid) == 7514
    assert [piece.stop - piece.start for piece in pieces(grid)] == [3028, 2495, 1991]
    np.testing.assert_allclose(grid[:3028], APOGEE[246:3274], rtol=1e-12)
    assert sum(1 << bit for bit in (0, 1, 2, 3, 4, 5, 6, 7, 14)) == BAD_BITS


def test_chips_keep_their_own_continuum(tmp_path):
    steps = np.where(APOGEE < 15825, 100.0, np.where(APOGEE < 16450, 300.0, 900.0))
    path = ap_star(tmp_path / "apStar-1.fits", 1, flux=steps)
    spectra = prepare_spectra(list(read(path).spectra), grid=GRID)
    np.testing.assert_allclose(spectra.flux[0], 1, rtol=1e-5)


def test_an_image_on_the_grid_that_is_no_apogee_file(tmp_path):
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), apogee_image(np.ones(8575, "f4")))
    assert not is_recognised(path)
