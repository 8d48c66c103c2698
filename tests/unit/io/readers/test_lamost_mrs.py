import gzip
from contextlib import suppress

import numpy as np
import pytest
from astropy.io import fits
from survey_files import BLUE, FULL, RED, pixel_rows, primary, star, vectors, write

from bayescannon.data.grid import pieces
from bayescannon.data.grid_choice import parse_grid
from bayescannon.data.prepare import prepare_spectra
from bayescannon.data.raw_spectrum import SpectrumError
from bayescannon.io.readers import lamost_lrs
from bayescannon.io.readers.choice import file_head
from bayescannon.io.readers.lamost_mrs import GRID, READER, read, recognises
from bayescannon.io.size_limits import SizeLimitError

LAYOUTS = {
    "a row per pixel": [
        pixel_rows(BLUE, "COADD_B"), pixel_rows(RED, "COADD_R"), pixel_rows(BLUE, "B-84000000", "PIXMASK"),
    ],
    "vectors": [vectors(BLUE, "COADD_B"), vectors(RED, "COADD_R"), vectors(BLUE, "B-84000000", ("PIXMASK",))],
    "exposures first": [vectors(RED, "R-84000000", ("PIXMASK",)), vectors(RED, "COADD_R"), vectors(BLUE, "COADD_B")],
    "an image first": [
        fits.ImageHDU(np.zeros((300, 300)), name="INFO"), pixel_rows(BLUE, "COADD_B"), pixel_rows(RED, "COADD_R"),
        vectors(RED, "R-84000001"),
    ],
    "variable length": [vectors(BLUE, "coadd_b", variable=True), vectors(RED, "COADD_R"), vectors(RED, "R-84000001")],
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("zipped", [False, True])
def test_both_arms_wherever_they_stand(tmp_path, layout, zipped):
    path = write(tmp_path / "med-1.fits", primary(VACUUM=True), *LAYOUTS[layout])
    if zipped:
        data = path.read_bytes()
        path = tmp_path / "med-1.fits.gz"
        path.write_bytes(gzip.compress(data, 1))
    head = file_head(path)
    assert recognises(head, path)
    assert not lamost_lrs.recognises(head, path)
    result = read(path)
    (raw,) = result.spectra
    assert raw.id == "med-1"
    np.testing.assert_allclose(raw.wavelength, np.concatenate([BLUE, RED]), rtol=1e-7)
    np.testing.assert_allclose(raw.flux, np.concatenate([star(BLUE)[0], star(RED)[0]]), rtol=1e-6)
    assert np.flatnonzero(raw.mask).tolist() == [3, len(BLUE) + 3]
    assert (raw.redshift, raw.ra, raw.air, raw.meta["obsid"]) == (1e-4, 80.1, False, "7")
    assert result.notes["single exposures left out"] == 1


@pytest.mark.parametrize(("arm", "name", "missing"), [(RED, "COADD_R", "blue"), (BLUE, "COADD_B", "red")])
def test_one_arm_is_enough_for_the_grid_of_both(tmp_path, arm, name, missing):
    result = read(write(tmp_path / "med-1.fits", primary(), vectors(arm, name)))
    assert any(f"lack the {missing} arm" in text for text in result.notes)
    spectra = prepare_spectra(list(result.spectra), grid=GRID)
    assert (spectra.ivar > 0).mean() == pytest.approx(0.5, abs=0.01)
    other = GRID.split(",")[0 if missing == "blue" else 1]
    with pytest.raises(SpectrumError, match=rf"off the grid.*the file lacks the {missing} arm \(COADD"):
        prepare_spectra(list(result.spectra), grid=other)


def test_the_grid_survives_the_shift_to_rest():
    grid = parse_grid(GRID)
    blue, red = pieces(grid)
    assert abs((blue.stop - blue.start) - (red.stop - red.start)) <= 1
    for velocity in (-400e3, 400e3):
        for piece, arm in ((blue, BLUE), (red, RED)):
            rest = arm[[0, -1]] / (1 + velocity / 299_792_458)
            # all but a few pixels of an arm are reached
            outside = (grid[piece] < rest[0]) | (grid[piece] > rest[1])
            assert outside.mean() < 0.02


BAD = {
    "single exposures only": (
        [vectors(BLUE, "B-84000000", ("PIXMASK",))],
        "single exposures only: the file has B-84000000",
    ),
    "low resolution": ([vectors(FULL, "COADD")], "low resolution: the file has COADD; .* lamost-lrs"),
    "no spectrum": ([fits.ImageHDU(np.zeros((3, 3)), name="INFO")], "unknown layout: .*the file has PRIMARY, INFO"),
    "two blue arms": ([vectors(BLUE, "COADD_B"), vectors(BLUE, "COADD_B")], "several spectra: .*COADD_B, COADD_B"),
    "overlap": ([vectors(BLUE, "COADD_B"), vectors(BLUE + 100, "COADD_R")], "bad wavelength: .*overlap"),
    "descending": ([vectors(BLUE[::-1], "COADD_B")], "bad wavelength: descending"),
}


@pytest.mark.parametrize("name", BAD)
def test_files_without_a_usable_arm_are_refused_in_words(tmp_path, name):
    hdus, words = BAD[name]
    with pytest.raises(SpectrumError, match=words):
        read(write(tmp_path / "med-1.fits", primary(), *hdus))


def test_damaged_and_missing_files(tmp_path):
    path = write(tmp_path / "med-1.fits", primary(), vectors(BLUE, "COADD_B"), vectors(RED, "COADD_R"))
    data = path.read_bytes()
    rng = np.random.default_rng(1)
    for trial in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, 12_000, size=4):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(len(data))] if trial % 3 == 0 else damaged)
        with suppress(SpectrumError, SizeLimitError):
            read(path)
    with pytest.raises(SpectrumError, match="no such file"):
        READER.read(tmp_path / "nothing.fits")


def test_no_redshift_is_left_to_the_run(tmp_path):
    (raw,) = read(write(tmp_path / "med-1.fits", primary(Z=None), vectors(BLUE, "COADD_B"))).spectra
    assert np.isnan(raw.redshift)


def test_arms_without_names_are_told_by_their_wavelengths(tmp_path):
    path = write(tmp_path / "med-1.fits", primary(), vectors(RED, None), vectors(BLUE, None))
    assert recognises(file_head(path), path)
    result = read(path)
    np.testing.assert_allclose(result.spectra[0].wavelength, np.concatenate([BLUE, RED]), rtol=1e-7)
    assert result.notes["spectra whose arms have no names: told by their wavelengths"] == 1
    path = write(tmp_path / "med-2.fits", primary(), vectors(BLUE, None), vectors(BLUE, None))
    with pytest.raises(SpectrumError, match="several spectra: the file has COADD_B, COADD_B"):
        read(path)


def test_arms_that_say_different_things(tmp_path):
    blue, red = vectors(BLUE, "COADD_B"), vectors(RED, "COADD_R")
    blue.header.update({"VACUUM": True, "Z": -9999.0})
    red.header.update({"VACUUM": False, "Z": 2e-4})
    result = read(write(tmp_path / "med-1.fits", primary(), blue, red))
    assert (result.spectra[0].air, result.spectra[0].redshift) == (False, 2e-4)
    assert result.notes["spectra one of whose arms is in air: all was taken for vacuum (--air decides)"] == 1
    blue.header["Z"] = 1e-4
    result = read(write(tmp_path / "med-2.fits", primary(), blue, red))
    assert result.spectra[0].redshift == 1e-4
    assert result.notes["spectra whose arms have different redshifts Z: that of the first arm was taken"] == 1
