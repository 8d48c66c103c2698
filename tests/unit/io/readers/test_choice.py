import gzip

import numpy as np
import pytest
from lamost_files import lamost_bytes, sdss_bytes
from survey_files import BLUE, RED, ap_star, primary, vectors, write

from bayescannon.io.prepare_report import PrepareError
from bayescannon.io.readers import registry
from bayescannon.io.readers.choice import AUTO, HEAD, choose_reader, endings_of, file_head, hint_of_other_readers
from bayescannon.io.readers.reader import FITS_ENDINGS, Reader
from bayescannon.io.source_files import find_files


def read_nothing(path):  # noqa: ARG001
    return []


def chosen(folder, given=AUTO):
    return choose_reader(given, find_files(folder, endings_of(given)))


def lrs(folder, *names):
    for name in names:
        (folder / name).write_bytes(lamost_bytes("table"))


def mrs(folder, *names):
    for name in names:
        write(folder / name, primary(), vectors(BLUE, "COADD_B"), vectors(RED, "COADD_R"))


def test_each_survey_is_recognised_by_content(tmp_path):
    for k, (name, make) in enumerate(
        {"lamost-lrs": lrs, "lamost-mrs": mrs, "apogee": lambda f, n: ap_star(f / n)}.items()
    ):
        folder = tmp_path / str(k)
        folder.mkdir()
        make(folder, "a.fits")
        choice = chosen(folder)
        assert (choice.reader.name, choice.named, choice.recognised) == (name, False, 1)
    np.savez(tmp_path / "a.npz", wavelength=np.arange(5000.0, 5003), flux=np.ones(3), ivar=np.ones(3))
    assert choose_reader(AUTO, find_files(tmp_path / "a.npz", endings_of(AUTO))).reader.name == "arrays"


def test_of_several_readers_that_of_most_files_is_taken_and_the_others_are_said(tmp_path):
    lrs(tmp_path, "a.fits", "b.fits")
    mrs(tmp_path, "c.fits")
    choice = chosen(tmp_path)
    assert choice.reader.name == "lamost-lrs"
    assert choice.others["c.fits"].startswith("other reader: it is recognised by lamost-mrs")
    assert "--reader lamost-mrs" in choice.others["c.fits"]
    assert choice.notes == {"files of other readers refused: 1 lamost-mrs": 1}


def test_as_many_files_of_one_reader_as_of_another_are_refused(tmp_path):
    lrs(tmp_path, "a.fits")
    mrs(tmp_path, "c.fits")
    with pytest.raises(PrepareError, match=r"several readers \(1 lamost-lrs, 1 lamost-mrs\); choose one with --reader"):
        chosen(tmp_path)
    assert chosen(tmp_path, "lamost-mrs").reader.name == "lamost-mrs"
    assert chosen(tmp_path, "lamost-mrs").others == {}


def test_of_readers_that_recognise_the_same_file_the_last_registered_is_taken(tmp_path, monkeypatch):
    mine = Reader("mine", read_nothing, recognises=lambda head, path: b"LAMOST" in head)
    monkeypatch.setattr(registry, "_registered", {"mine": mine})
    lrs(tmp_path, "a.fits", "b.fits")
    choice = chosen(tmp_path)
    assert choice.reader is mine
    assert choice.notes == {"files that lamost-lrs and mine recognise: mine was taken, registered last": 2}


def test_files_of_a_folder_that_are_no_spectra_are_left_out_and_said(tmp_path):
    lrs(tmp_path, "a.fits")
    (tmp_path / "broken.fits").write_bytes(b"text")
    np.savez(tmp_path / "labels.npz", teff=np.ones(3))
    choice = chosen(tmp_path)
    assert choice.left_out == ("labels.npz",)
    assert choice.notes == {"files (.npz) left out: no reader recognises spectra in them": 1}
    assert choice.others == {}


def test_if_no_reader_recognises_a_file_the_message_says_which_there_are(tmp_path):
    (tmp_path / "a.fits").write_bytes(sdss_bytes())
    files = find_files(tmp_path, FITS_ENDINGS)
    choice = choose_reader(AUTO, files)
    assert (choice.reader.name, choice.recognised) == ("lamost-lrs", 0)
    assert "--reader chooses one of lamost-lrs, lamost-mrs, apogee, arrays, specutils" in hint_of_other_readers(
        choice, files
    )
    assert hint_of_other_readers(choose_reader("apogee", files), files) == ""


def test_heads_of_files(tmp_path):
    data = lamost_bytes()
    (tmp_path / "a.fits").write_bytes(data)
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(data))
    (tmp_path / "bad.gz").write_bytes(b"\x1f\x8b and no more")
    assert file_head(tmp_path / "a.fits") == file_head(tmp_path / "a.fits.gz") == data[:HEAD]
    assert file_head(tmp_path / "bad.gz") == file_head(tmp_path / "nothing") == file_head(tmp_path) == b""


def test_a_reader_that_fails_on_the_files_of_others_is_left_out_and_said(tmp_path, monkeypatch):
    broken = Reader("broken", read_nothing, recognises=lambda head, path: head[10**9])
    monkeypatch.setattr(registry, "_registered", {"broken": broken})
    lrs(tmp_path, "a.fits", "b.fits")
    choice = chosen(tmp_path)
    assert choice.reader.name == "lamost-lrs"
    assert choice.notes == {
        "files that broken may recognise or not, as it fails on them: IndexError: index out of range": 2
    }
