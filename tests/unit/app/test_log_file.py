import logging

import numpy as np
import pytest

import bayescannon as bc
from bayescannon.app.cli import main
from bayescannon.app.log_file import log_file
from bayescannon.data.spectra import Spectra
from bayescannon.data.star_log import log_refused
from bayescannon.io.outputs import OutputFolderError
from bayescannon.mock.survey import write_survey
from bayescannon.numerics.errors import MissingFileError
from tests.helpers import toy


def _lines(path):
    return [line.partition("Z ")[2] for line in path.read_text().splitlines()]


def test_a_line_for_each_refused_star_between_begin_and_end(tmp_path):
    path = tmp_path / "log.txt"
    with log_file(path, "bayescannon prepare x"):
        log_refused("prepare", [("a.fits", "not FITS"), ("b\n\x1b.fits", "cut")])
    assert _lines(path)[1] == "INFO prepare: a.fits: not FITS"
    assert len(_lines(path)) == 4
    assert "\\n" in _lines(path)[2]
    with pytest.raises(RuntimeError), log_file(path, "again"):
        raise RuntimeError("broken")
    assert _lines(path)[0::5] == ["INFO begin: bayescannon prepare x", "ERROR ended by RuntimeError: broken"]
    log_refused("prepare", [("c.fits", "not FITS")])
    assert len(_lines(path)) == 6
    assert logging.getLogger("bayescannon").handlers == []


def test_a_place_that_cannot_be_is_said_before_the_work(tmp_path, capsys):
    with pytest.raises(OutputFolderError), log_file(tmp_path, "x"):
        pass
    with pytest.raises(MissingFileError), log_file(tmp_path / "no" / "log.txt", "x"):
        pass
    assert main(["mock", str(tmp_path / "mock"), "--log-file", str(tmp_path)]) == 1
    assert "must be a file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_error_of_a_command_is_in_its_log(tmp_path, capsys):
    assert main(["label", "no.nc", "no.zarr", "--out", "x.fits", "--log-file", str(tmp_path / "log.txt")]) == 1
    begin, end = _lines(tmp_path / "log.txt")
    assert begin.startswith("INFO begin: bayescannon label no.nc")
    assert "no.nc" in end
    assert "no.nc" in capsys.readouterr().err


def test_every_star_that_is_refused_or_has_no_labels_is_logged(tmp_path):
    model = bc.train(toy.toy_reference(60, ("teff",)))
    ivar = np.full((3, len(model.wavelength)), 1e4, dtype=np.float32)
    ivar[1] = 0
    flux = np.ones_like(ivar)
    spectra = Spectra(model.wavelength, flux, ivar, np.array(["a", "dead", "c"]))
    store = bc.save_spectra(spectra, tmp_path / "store.zarr")
    bc.save_model(model, tmp_path / "model.nc")
    command = ["label", str(tmp_path / "model.nc"), str(store), "--out", str(tmp_path / "rows.ecsv")]
    assert main([*command, "--log-file", str(tmp_path / "log.txt")]) == 0
    found = [line for line in _lines(tmp_path / "log.txt") if line.startswith("INFO label: dead")]
    assert len(found) == 1
    assert found[0].startswith("INFO label: dead: ")
    survey = write_survey(tmp_path / "survey", 2, 0, seed=1)
    (survey / "spectra" / "broken.fits").write_text("no spectrum")
    prepare = ["prepare", str(survey / "spectra"), "--out", str(tmp_path / "new.zarr"), "--workers", "1"]
    assert main([*prepare, "--log-file", str(tmp_path / "log.txt")]) == 0
    assert "INFO prepare: broken.fits: not FITS" in "\n".join(_lines(tmp_path / "log.txt"))
