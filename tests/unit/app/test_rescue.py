"""The result of a long run is not lost if its place turns out to be no place."""

import errno
import tempfile
from pathlib import Path

import pytest

from bayescannon.app.rescue import write_result
from bayescannon.io.catalogue_provenance import CatalogueError
from bayescannon.io.outputs import OutputExistsError, OutputWriteError, replacing


def writer(fails):
    """A function that writes a file with replacing, and fails on the paths that `fails` tells."""

    def write(path):
        with replacing(path, overwrite=False) as partial:
            partial.write_text("half")
            if fails(path):
                raise OSError(errno.ENOSPC, "No space left on device")
            partial.write_text("result")

    return write


def saved_in(error):
    return Path(str(error.value).rpartition("saved in ")[2])


def test_a_result_is_written_to_its_place(tmp_path):
    write_result(writer(lambda _: False), tmp_path / "model.nc")
    assert (tmp_path / "model.nc").read_text() == "result"


def test_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(OutputWriteError, match=r"model\.nc could not be written: no space left on device\.") as error:
        write_result(writer(lambda path: path.parent.name == "full"), tmp_path / "full" / "model.nc")
    assert saved_in(error).read_text() == "result"
    assert saved_in(error).parent == tmp_path / "here"
    assert saved_in(error).suffix == ".nc"
    assert list((tmp_path / "full").iterdir()) == []


def test_what_another_run_wrote_meanwhile_stays(tmp_path):
    path = tmp_path / ("m" * 200 + ".nc")
    path.write_text("of the other run")
    with pytest.raises(OutputWriteError, match="exists; choose another name") as error:
        write_result(writer(lambda _: False), path)
    assert path.read_text() == "of the other run"
    assert saved_in(error).read_text() == "result"
    assert saved_in(error).parent == tmp_path


def test_a_folder_that_was_removed_meanwhile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputWriteError, match="does not exist") as error:
        write_result(writer(lambda _: False), tmp_path / "gone" / "model.nc")
    assert saved_in(error).read_text() == "result"


def test_a_format_that_cannot_hold_the_text(tmp_path):
    def write(path):
        if path.suffix == ".fits":
            raise CatalogueError("text in a .fits file must be ASCII")
        path.write_text("result")

    with pytest.raises(OutputWriteError, match="must be ASCII") as error:
        write_result(write, tmp_path / "cat.fits")
    assert saved_in(error).suffix == ".ecsv"
    assert saved_in(error).read_text() == "result"


def test_no_place_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    with pytest.raises(OutputWriteError, match=r"no space left on device\. Make room"):
        write_result(writer(lambda _: True), tmp_path / "model.nc")
    (tmp_path / "model.nc").write_text("")
    with pytest.raises(OutputExistsError):
        write_result(writer(lambda path: path.name != "model.nc"), tmp_path / "model.nc")
