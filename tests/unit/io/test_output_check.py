"""Outputs that cannot be written are told before the work, each in a sentence, and nothing on the disk changes."""

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from bayescannon.io.output_check import Output, OutputNameError, check_outputs, require_room
from bayescannon.io.outputs import OutputExistsError, OutputFolderError, OutputPermissionError, OutputWriteError
from bayescannon.numerics.errors import BayesCannonError, MissingFileError

LONG = "n" * 256


def _file(path, **more):
    return Output(Path(path), "--out", **more)


def _folder(path):
    return Output(Path(path), "--out", is_folder=True)


def _state(folder):
    return sorted((str(path), path.lstat().st_mtime_ns) for path in [folder, *folder.rglob("*")])


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "store.zarr").mkdir()
    (tmp_path / "store.zarr" / "zarr.json").write_text("{}")
    (tmp_path / "spectra").mkdir()
    (tmp_path / "broken").symlink_to("nowhere/at/all")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to-file").symlink_to("file")
    os.link(tmp_path / "file", tmp_path / "hard")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


BAD = [
    # name, as a file, as a folder
    ("", "is the name of no file", "is the name of no folder"),
    (".", "is the name of no file", "is the name of no folder"),
    ("..", "is the name of no file", "is the name of no folder"),
    ("/", "is the name of no file", "is the name of no folder"),
    ("~/x", "begins with '~', which only a shell replaces", "begins with '~'"),
    ("~somebody/x", "begins with '~'", "begins with '~'"),
    ("deep/~/x", "~/x begins with '~'", "~/x begins with '~'"),
    ("a\0b", "has a sign of number 0", "has a sign of number 0"),
    (LONG, r"is too long \(256 bytes", r"is too long \(256 bytes"),
    ("d/" * 2100 + "x", "is too long", "is too long"),
    ("ü" * 128, r"is too long \(256 bytes", "is too long"),
    ("loop", "is a link in a loop of links", "is a link in a loop of links"),
    ("broken", "nowhere/at does not exist", "nowhere/at, which broken points to, does not exist"),
    ("file/x", "file is a file, and the folder of file/x is wanted there", "file is a file, and the folder"),
    ("pipe", "is a device, a pipe or a socket", "is not a folder"),
    ("folder", "is a folder. Give the name of a file", None),
    ("file", None, "is not a folder"),
    ("no/x", "the folder no does not exist; make it first", None),
]


@pytest.mark.parametrize(("name", "file", "folder"), BAD)
def test_bad_names_and_places(place, name, file, folder):
    before = _state(place)
    for output, fault in ((_file(name), file), (_folder(name), folder)):
        if fault is None:
            check_outputs([output], overwrite=True)
            continue
        with pytest.raises(BayesCannonError, match=fault) as caught:
            check_outputs([output], overwrite=True)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400 + 2 * len(str(place))
    assert _state(place) == before


def test_what_exists_is_replaced_only_if_asked(place):
    for output in (_file("file"), _file("to-file"), _folder("folder")):
        with pytest.raises(OutputExistsError, match="--overwrite"):
            check_outputs([output], overwrite=False)
        check_outputs([output], overwrite=True)
    check_outputs([Output(place / "folder", "--figures", is_added_to=True)], overwrite=False)
    check_outputs([Output(Path(), "out", is_added_to=True)], overwrite=False)


def test_parents_are_made_or_not(place):
    check_outputs([_file("new/deep/x", makes_parents=True), _folder("new/store")], overwrite=False)
    with pytest.raises(MissingFileError, match="make it first"):
        check_outputs([_file("new/deep/x")], overwrite=False)
    with pytest.raises(OutputFolderError):
        check_outputs([_file("file/deep/x", makes_parents=True)], overwrite=False)
    assert not (place / "new").exists()


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["file", "to-file", "hard", "./folder/../file"])
def test_an_output_that_is_also_an_input_is_refused_by_whatever_name(name):
    with pytest.raises(OutputNameError, match=f"--out: {Path(name)} is also read, as file; choose another name"):
        check_outputs([_file(name)], [Path("file")], overwrite=True)


def test_inputs_and_outputs_within_each_other(place):
    spectra, store = Path("spectra"), Path("store.zarr")
    with pytest.raises(OutputNameError, match=r"lies in the store store\.zarr, which is read"):
        check_outputs([_file("store.zarr/labels.csv")], [store], overwrite=False)
    with pytest.raises(OutputNameError, match=r"spectra is read, and lies in .*, which would be replaced"):
        check_outputs([_folder(place)], [spectra], overwrite=True)
    with pytest.raises(OutputNameError, match="is also read"):
        check_outputs([_folder("store.zarr")], [store], overwrite=True)
    # a store beside the spectra that it is made of, in one folder, harms none
    check_outputs([_folder("spectra/s.zarr")], [spectra, Path("no-such-input"), Path("4000:7000:1")], overwrite=False)


@pytest.mark.usefixtures("place")
def test_two_outputs_of_one_name_are_refused():
    with pytest.raises(OutputNameError, match="--refused and --out are the same, x; choose two names"):
        check_outputs([_folder("x"), Output(Path("x"), "--refused")], overwrite=False)


def test_a_disk_that_is_too_full_is_found_before(place, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, 10**8))
    require_room(place / "x", 9 * 10**7)
    check_outputs([_file("a", size=5 * 10**7)], overwrite=False)
    with pytest.raises(OutputWriteError, match=r"needs about 95\.4 MiB, and .* has 95\.4 MiB left\. Make room"):
        require_room(place / "x", 10**8)
    # both together are too much
    with pytest.raises(OutputWriteError):
        check_outputs([_file("a", size=5 * 10**7), _folder("b")], overwrite=False) or check_outputs(
            [_file("a", size=5 * 10**7), Output(Path("b"), "--json", size=6 * 10**7)], overwrite=False
        )

    def untold(_):
        raise OSError(errno.ENOSYS, "")

    monkeypatch.setattr(shutil, "disk_usage", untold)
    require_room(place / "x", 10**18)


@pytest.mark.usefixtures("place")
def test_a_folder_that_may_not_be_written_to(monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for output in (_file("new"), _folder("new"), Output(Path("folder"), "--figures", is_added_to=True)):
        with pytest.raises(OutputPermissionError, match="is not writable"):
            check_outputs([output], overwrite=False)
