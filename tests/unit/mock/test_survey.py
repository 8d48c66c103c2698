import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from bayescannon.io.lamost import read_lamost
from bayescannon.io.outputs import OutputExistsError
from bayescannon.mock.survey import BLOCK_SIZE, simulate_survey, write_survey

N_REFERENCE, N_TEST, SEED = 100, 60, 11


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_survey(tmp_path_factory.mktemp("mock") / "survey", N_REFERENCE, N_TEST, seed=SEED, workers=2)


@pytest.fixture(scope="module")
def survey():
    return simulate_survey(N_REFERENCE, N_TEST, seed=SEED)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_are_all_there(folder):
    assert len(list((folder / "spectra").glob("spec-*.fits"))) == N_REFERENCE + N_TEST
    names = {path.name for path in folder.iterdir()}
    assert names == {"spectra", "apogee.fits", "lasp.csv", "truth.csv"}


def test_spectrum_files_have_lamosts_layout(folder, survey):
    truth = survey.truth[0]
    path = folder / "spectra" / f"{truth['id']}.fits"
    assert path.name == "spec-55859-MOCK01_sp01-001.fits"
    assert path.stat().st_size % 2880 == 0
    with warnings.catch_warnings(), fits.open(path) as hdus:
        warnings.simplefilter("error")
        hdus.verify("exception")
        header, data = hdus[0].header, hdus[0].data
    assert data.shape[0] == 5
    assert data.dtype == np.dtype(">f4")
    assert header["FILENAME"] == path.name
    assert (header["CLASS"], header["TELESCOP"], header["DATA_V"]) == ("STAR", "LAMOST", "LAMOST MOCK")
    assert header["VACUUM"] is True
    assert header["HELIO"] is True
    assert header["DESIG"].startswith("LAMOST J")
    np.testing.assert_allclose(header["Z"], truth["velocity"] / 299792.458, atol=2e-4)
    np.testing.assert_allclose(header["SNRG"], truth["snrg"], atol=0.006)
    pixel = np.arange(data.shape[1])
    np.testing.assert_allclose(data[2], 10 ** (header["COEFF0"] + header["COEFF1"] * pixel), rtol=1e-6)


def test_obsids_are_unique(folder):
    obsids = [fits.getval(path, "OBSID") for path in (folder / "spectra").iterdir()]
    assert len(set(obsids)) == N_REFERENCE + N_TEST


def test_reader_gives_what_is_in_memory(folder, survey):
    lengths = set()
    for spectrum in survey.spectra():
        read = read_lamost(folder / "spectra" / f"{spectrum.id}.fits")
        lengths.add(len(read.flux))
        for name in ("wavelength", "flux", "ivar", "mask"):
            np.testing.assert_array_equal(getattr(read, name), getattr(spectrum, name), err_msg=name)
        for name in ("id", "redshift", "ra", "dec", "snr"):
            assert getattr(read, name) == getattr(spectrum, name)
    assert len(lengths) > 3, "some files lack pixels at an end"


def test_tables_on_disk_are_those_in_memory(folder, survey):
    apogee = Table.read(folder / "apogee.fits")
    assert len(apogee) == N_REFERENCE
    for column in ("APOGEE_ID", "LAMOST_ID"):
        assert [str(text).strip() for text in apogee[column]] == list(survey.apogee[column])
    for label in ("TEFF", "LOGG", "PARAM_M_H", "PARAM_ALPHA_M", "AK_WISE"):
        np.testing.assert_array_equal(np.asarray(apogee[label]), survey.apogee[label])
        assert f"{label}_ERR" in apogee.colnames
    lasp = Table.read(folder / "lasp.csv")
    assert lasp.colnames == ["file", "ra", "dec", "snrg", "z", "subclass", "teff", "logg", "fe_h"]
    assert len(lasp) == N_REFERENCE + N_TEST
    truth = Table.read(folder / "truth.csv")
    np.testing.assert_allclose(truth["c_m"], survey.truth["c_m"], rtol=1e-12)
    assert [text == "True" for text in truth["is_reference"]] == [True] * N_REFERENCE + [False] * N_TEST


def test_same_seed_same_bytes_whatever_the_workers(folder, tmp_path):
    assert N_REFERENCE + N_TEST > BLOCK_SIZE, "the test needs two blocks"
    again = write_survey(tmp_path / "again", N_REFERENCE, N_TEST, seed=SEED, workers=1)
    assert contents(again) == contents(folder)


def test_other_seed_other_stars(survey):
    other = simulate_survey(N_REFERENCE, N_TEST, seed=SEED + 1)
    assert not np.isin(other.truth["teff"], survey.truth["teff"]).any()
    assert not np.allclose(other.exposures[0].flux, survey.exposures[0].flux)


def test_blocks_of_stars_do_not_share_their_noise(survey):
    first, second = survey.exposures[:2]
    n_star = len(second.flux)
    pulls = [(e.flux[:n_star] * np.sqrt(e.ivar[:n_star])) for e in (first, second)]
    jumps = [np.diff(pull, axis=1)[:, 500:3500].ravel() for pull in pulls]
    assert abs(np.corrcoef(*jumps)[0, 1]) < 0.5


def test_progress_counts_every_star(tmp_path):
    calls = []
    write_survey(tmp_path / "out", 3, BLOCK_SIZE, seed=1, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(BLOCK_SIZE, BLOCK_SIZE + 3), (BLOCK_SIZE + 3, BLOCK_SIZE + 3)]


def test_existing_output_is_refused_and_replaced_on_request(tmp_path):
    out = write_survey(tmp_path / "out", 4, 2, seed=1)
    before = contents(out)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_survey(out, 2, 1, seed=2)
    assert contents(out) == before
    (out / "notes.txt").write_text("keep me", encoding="utf-8")
    write_survey(out, 2, 1, seed=2, overwrite=True)
    assert len(list((out / "spectra").iterdir())) == 3
    assert (out / "notes.txt").read_text(encoding="utf-8") == "keep me"


def test_survey_without_reference_or_without_test_stars():
    assert len(simulate_survey(0, 3, seed=1).apogee) == 0
    assert len(simulate_survey(3, 0, seed=1).truth) == 3


@pytest.mark.parametrize("numbers", [(0, 0), (-1, 5)])
def test_impossible_numbers_are_refused(numbers):
    with pytest.raises(ValueError, match=r"numbers of stars must not be negative|n_reference must be at least 0"):
        simulate_survey(*numbers, seed=1)


def test_no_workers_is_refused(tmp_path):
    with pytest.raises(ValueError, match="workers must be at least 1"):
        write_survey(tmp_path / "out", 1, 1, seed=1, workers=0)


def test_a_survey_is_shown_in_one_line():
    assert repr(simulate_survey(2, 1, seed=1)) == "<MockSurvey of 2 reference stars and 1 test stars>"
