import os
from pathlib import Path

import numpy as np
import pytest
import zarr
from lamost_files import lamost_bytes

from bayescannon.io.prepare_report import PrepareError
from bayescannon.io.readers.reader import FITS_ENDINGS
from bayescannon.io.source_files import find_files, survey_files


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.fits").write_bytes(lamost_bytes())
    (tmp_path / "sub" / "a.FITS.GZ").write_bytes(b"\x1f\x8b")
    (tmp_path / "notes.txt").write_text("b.fits\n")
    return tmp_path


def test_files_of_a_folder_by_their_endings(folder):
    files = find_files(folder, FITS_ENDINGS)
    assert (files.root, files.names, files.is_folder) == (folder, ("b.fits", "sub/a.FITS.GZ"), True)
    assert find_files(folder, (".txt",)).names == ("notes.txt",)


def test_names_in_a_list_are_counted_once(folder):
    (folder / "list.txt").write_text("# two\nb.fits\nsub/a.FITS.GZ\nb.fits\n", encoding="utf-8-sig")
    files = find_files(folder / "list.txt", FITS_ENDINGS)
    assert (files.names, files.is_folder, files.n_repeated) == (("b.fits", "sub/a.FITS.GZ"), False, 1)


def test_a_text_with_the_readers_ending_is_a_spectrum(folder):
    assert find_files(folder / "notes.txt", FITS_ENDINGS).names == ("b.fits",)
    assert find_files(folder / "notes.txt", (".txt",), (".txt",)).names == ("notes.txt",)


def test_archives_and_groups_are_spectra_by_content(folder):
    np.savez(folder / "a.npz", flux=np.ones(3))
    zarr.open_group(folder / "a.zarr", mode="w")
    for name in ("a.npz", "a.zarr"):
        files = find_files(folder / name, FITS_ENDINGS)
        assert (files.root, files.names) == (folder, (name,))


def test_a_file_with_several_names_is_read_once(folder):
    (folder / "a-link.fits").symlink_to("b.fits")
    os.link(folder / "b.fits", folder / "c-hard.fits")
    (folder / "lost.fits").symlink_to("nowhere")
    outside = folder / "z-outside.fits"
    outside.symlink_to("/dev/null")
    files = find_files(folder, FITS_ENDINGS)
    reason = "same file: it is b.fits, by a link or another path"
    device = "not a file: it is a device, which may never end"
    survey = survey_files(files)
    assert survey.refused == [("a-link.fits", reason), ("c-hard.fits", reason), ("z-outside.fits", device)]
    assert survey.names == ("b.fits", "lost.fits", "sub/a.FITS.GZ")
    # the same path written in two ways
    files = find_files([folder / "b.fits", folder / "sub" / ".." / "b.fits"], FITS_ENDINGS)
    assert [name for name, _ in survey_files(files).refused] == [str(folder / "sub" / ".." / "b.fits")]


def test_the_digest_of_a_survey_changes_with_every_file(folder):
    files = find_files(folder, FITS_ENDINGS)
    digests = {survey_files(files).digest for _ in range(2)}
    os.utime(folder / "b.fits", ns=(5, 5))
    digests.add(survey_files(files).digest)
    (folder / "b.fits").write_bytes(b"other")
    os.utime(folder / "b.fits", ns=(5, 5))
    digests.add(survey_files(files).digest)
    (folder / "b.fits").rename(folder / "c.fits")
    digests.add(survey_files(find_files(folder, FITS_ENDINGS)).digest)
    assert len(digests) == 4


def test_pipes_are_refused_without_opening_them(folder):
    os.mkfifo(folder / "pipe.fits")
    survey = survey_files(find_files(folder, FITS_ENDINGS))
    assert survey.refused == [("pipe.fits", "not a file: it is a pipe, which may never end")]
    with pytest.raises(PrepareError, match="is neither a folder nor a file"):
        find_files(folder / "pipe.fits", FITS_ENDINGS)


def test_names_that_are_no_text(folder):
    odd = os.fsdecode(b"st\xffr.fits")
    (folder / "b.fits").rename(folder / odd)
    assert find_files(folder, FITS_ENDINGS).names == (odd, "sub/a.FITS.GZ")
    (folder / "list.txt").write_bytes(b"st\xffr.fits\n")
    assert find_files(folder / "list.txt", FITS_ENDINGS).names == (odd,)


def test_a_list_that_cannot_be_read(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PrepareError, match=r"notes\.txt cannot be read: Permission denied"):
        find_files(folder / "notes.txt", FITS_ENDINGS)


def test_nothing_to_read(folder):
    with pytest.raises(PrepareError, match=r"no spectra in .*; expected files ending in \.npz"):
        find_files(folder, (".npz",))
    with pytest.raises(PrepareError, match="does not exist"):
        find_files(folder / "nothing", FITS_ENDINGS)


def test_other_files_of_a_folder_are_counted_and_stores_are_one(folder):
    zarr.open_group(folder / "sub" / "a.zarr", mode="w").create_array("flux", data=np.ones(3))
    for name in ("c.fits.bz2", "d.csv", ".hidden"):
        (folder / name).write_bytes(b"")
    files = find_files(folder, (".fits", ".zarr"))
    assert files.names == ("b.fits", "sub/a.zarr")
    said = "files (.bz2, .csv, .gz, .txt) left out: spectra are looked for in files ending in .fits, .zarr"
    assert {text: count for text, count in files.notes.items() if count} == {said: 4}


def test_a_folder_that_cannot_be_read_is_said(folder, monkeypatch):
    def walk(path, on_error):
        on_error(PermissionError(13, "Permission denied", str(path / "sub")))
        yield path, ["sub"], ["b.fits"]

    monkeypatch.setattr(Path, "walk", walk)
    assert find_files(folder, FITS_ENDINGS).notes["folders left out that cannot be read"] == 1
