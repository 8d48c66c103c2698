import logging

import pytest

from bayescannon.app.cli import main
from bayescannon.app.log_file import log_file
from bayescannon.data.star_log import log_refused
from bayescannon.io.outputs import OutputFolderError
from bayescannon.numerics.errors import MissingFileError


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
