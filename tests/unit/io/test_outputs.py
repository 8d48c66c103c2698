import contextlib
import errno
import os
import tempfile
from pathlib import Path

import pytest

from bayescannon.io.outputs import (
    OutputExistsError,
    OutputFolderError,
    OutputPermissionError,
    OutputWriteError,
    aside_name,
    check_output_file,
    leftovers,
    put_in_place,
    refuse_existing,
    replacing,
    settle,
    sync_file,
    temporary_name,
)
from bayescannon.numerics.errors import BayesCannonError


def test_refuses_what_exists_unless_told_to_replace_it(tmp_path):
    path = tmp_path / "model.nc"
    refuse_existing(path, overwrite=False)
    path.write_text("old")
    with pytest.raises(OutputExistsError, match=r"model\.nc exists; .*--overwrite"):
        refuse_existing(path, overwrite=False)
    refuse_existing(path, overwrite=True)


def test_a_file_can_be_checked_before_the_work(tmp_path):
    check_output_file(tmp_path / "new.nc", overwrite=False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputFolderError, match=r"is a folder. Give the name of a file"):
        check_output_file(tmp_path, overwrite=True)
    with pytest.raises(FileNotFoundError, match=r"the folder .*missing does not exist; make it first"):
        check_output_file(tmp_path / "missing" / "new.nc", overwrite=False)
    (tmp_path / "old.nc").write_text("old")
    with pytest.raises(OutputExistsError):
        check_output_file(tmp_path / "old.nc", overwrite=False)


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch):
    # by the answer of the system and not by permissions, which do not bind every user
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == tmp_path and mode & os.W_OK))
    with pytest.raises(OutputPermissionError, match=f"the folder {tmp_path}.* is not writable"):
        check_output_file(tmp_path / "new.nc", overwrite=False)


def test_the_file_appears_at_the_end_under_a_name_with_the_same_ending(tmp_path):
    path = tmp_path / "table.csv"
    with replacing(path, overwrite=False) as partial:
        assert partial.suffix == ".csv"
        assert partial.parent == tmp_path
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail():
        with replacing(path, overwrite=True) as partial:
            partial.write_text("half of the n")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_checks_first(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def replace(target):
        with replacing(target, overwrite=False) as partial:
            partial.write_text("new")

    with pytest.raises(OutputExistsError):
        replace(path)
    with pytest.raises(FileNotFoundError, match="make it first"):
        replace(tmp_path / "missing" / "table.csv")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("kind", "built_in"),
    [
        (OutputExistsError, FileExistsError),
        (OutputFolderError, IsADirectoryError),
        (OutputPermissionError, PermissionError),
    ],
)
def test_errors_of_outputs_are_the_package_s_and_the_built_in_kind(kind, built_in):
    assert issubclass(kind, BayesCannonError)
    assert issubclass(kind, built_in)


def test_every_temporary_name_is_another_one_and_can_be_found(tmp_path):
    path = tmp_path / "s.zarr"
    names = [temporary_name(path) for _ in range(20)]
    assert len(set(names)) == 20
    for name in (*names[:2], temporary_name(tmp_path / "s.nc"), temporary_name(tmp_path / "other.zarr")):
        name.mkdir()
    assert leftovers(path) == sorted(names[:2])
    assert leftovers(tmp_path / "missing" / "s.zarr") == []


def make_folder(path, text):
    path.mkdir()
    (path / "zarr.json").write_text(text)
    return path


def test_a_folder_replaces_a_folder(tmp_path):
    path = make_folder(tmp_path / "s.zarr", "old")
    put_in_place(make_folder(temporary_name(path), "new"), path)
    assert (path / "zarr.json").read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    path = make_folder(tmp_path / "s.zarr", "old")
    partial = make_folder(temporary_name(path), "new")
    rename = Path.rename

    def refuse(self, target):
        if self == partial:
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="no"):
        put_in_place(partial, path)
    assert (path / "zarr.json").read_text() == "old"


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_is_no_regular_file_is_never_replaced(tmp_path, overwrite):
    pipe = tmp_path / "model.nc"
    os.mkfifo(pipe)
    for check in (check_output_file, refuse_existing):
        with pytest.raises(OutputExistsError, match=r"model\.nc is a device, a pipe or a socket"):
            check(pipe, overwrite=overwrite)
    with pytest.raises(OutputExistsError, match="never replaced"), replacing(pipe, overwrite=overwrite):
        pass
    assert pipe.is_fifo()


def test_a_text_does_not_allow_to_replace(tmp_path):
    path = tmp_path / "model.nc"
    path.write_text("old")
    with pytest.raises(BayesCannonError, match="overwrite must be True or False; got 'no'"):
        check_output_file(path, overwrite="no")
    assert path.read_text() == "old"


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(tmp_path):
    def write():
        with replacing(tmp_path / "model.nc", overwrite=False) as partial:
            partial.write_text("half")
            raise OSError(errno.ENOSPC, "whatever")

    with pytest.raises(OutputWriteError, match=r"model\.nc could not be written: no space left on device\. Make room"):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed(tmp_path, exists):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "model.nc", tmp_path / "link.nc"
    link.symlink_to("far/model.nc")
    if exists:
        target.write_text("old")
    with replacing(link, overwrite=True) as partial:
        assert partial.parent == tmp_path / "far"
        partial.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    lost = tmp_path / "lost.nc"
    lost.symlink_to("nowhere/model.nc")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; make it first"):
        check_output_file(lost, overwrite=False)


def test_names_may_be_as_long_as_the_file_system_allows(tmp_path):
    for letter in ("n", "ü", "星"):
        path = tmp_path / (letter * (250 // len(letter.encode())) + ".nc")
        with replacing(path, overwrite=False) as partial:
            partial.write_text("new")
            assert leftovers(path) == [partial]
        assert path.read_text() == "new"


def test_a_folder_that_only_seems_writable(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: (_ for _ in ()).throw(OSError(errno.EROFS, "")))
    with pytest.raises(OutputPermissionError, match="is not writable"):
        check_output_file(tmp_path / "model.nc", overwrite=False)


def _folder(path, text):
    path.mkdir()
    (path / "part").write_text(text)
    return path


class Killed(BaseException):
    """Stands for the end of a process: no clean-up is to be counted on."""


@pytest.mark.parametrize("step", range(12))
def test_a_folder_is_never_lost_at_whichever_operation_the_process_is_killed(tmp_path, monkeypatch, step):
    path = _folder(tmp_path / "store", "old")
    partial = _folder(temporary_name(path), "new")
    count = 0

    def deadly(call):
        def wrapped(*args, **more):
            nonlocal count
            count += 1
            if count > step:  # nothing runs after the kill, the clean-up included
                raise Killed
            return call(*args, **more)

        return wrapped

    with monkeypatch.context() as patch:
        for owner, name in ((type(path), "rename"), (os, "fsync"), (os, "unlink"), (os, "rmdir")):
            patch.setattr(owner, name, deadly(getattr(owner, name)))
        with contextlib.suppress(Killed):
            put_in_place(partial, path)
    settle(path)
    assert (path / "part").read_text() in ("old", "new")
    assert not aside_name(path).exists()


def test_temporary_names_of_killed_processes_are_removed_before_a_write(tmp_path):
    path = tmp_path / "rows.csv"
    stale = tmp_path / ".rows.partial-1-00000000.csv"
    other = tmp_path / ".other.partial-1-00000000.csv"
    for one in (stale, other):
        one.write_text("half")
    with replacing(path, overwrite=False) as partial:
        partial.write_text("new")
    assert sorted(one.name for one in tmp_path.iterdir()) == [other.name, "rows.csv"]


def test_the_file_is_synced_before_and_its_folder_after_it_gets_its_name(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("bayescannon.io.outputs.sync_file", lambda path: synced.append((path.suffix, path.exists())))
    with replacing(tmp_path / "rows.csv", overwrite=False) as partial:
        partial.write_text("new")
    assert synced == [(".csv", True), ("", True)]


def test_a_file_system_that_cannot_sync_is_no_error(tmp_path, monkeypatch):
    def unable(_):
        raise OSError(errno.EINVAL, "invalid argument")

    monkeypatch.setattr(os, "fsync", unable)
    sync_file(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "input/output error")))
    with pytest.raises(OSError, match="input/output"):
        sync_file(tmp_path)
