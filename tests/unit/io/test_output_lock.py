import os
import subprocess
import sys
import threading

import pytest
from filelock import FileLock

from bayescannon.io.output_lock import OutputBusyError, _acquire, lock_name, locked, was_killed_on

_HOLD = """
import sys, time
from pathlib import Path
from bayescannon.io.output_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of an output."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, tmp_path / "rows.csv"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_process_is_told_which_is_the_first(holder, tmp_path):
    with (
        pytest.raises(OutputBusyError, match=rf"being written by process {holder.pid} on .*-c.*; wait until"),
        locked(tmp_path / "rows.csv"),
    ):
        pass
    with locked(tmp_path / "other.csv"):
        pass


def test_the_lock_of_a_killed_process_counts_for_nothing(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert lock_name(tmp_path / "rows.csv").exists()
    with locked(tmp_path / "rows.csv"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_blocks_of_one_thread_are_nested_and_another_thread_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    errors = []

    def other():
        try:
            with locked(path):
                pass
        except OutputBusyError as error:
            errors.append(str(error))

    with locked(path):
        with locked(path):
            pass
        assert lock_name(path).exists()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert "another thread" in errors[0]
    assert not lock_name(path).exists()
    other()
    assert len(errors) == 1


def test_a_lock_file_that_is_removed_between_opening_and_locking_is_opened_anew(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    acquire = FileLock.acquire
    removed = []

    def late(self, *args, **more):
        found = acquire(self, *args, **more)
        if not removed:
            removed.append(True)
            lock_name(path).unlink()
        return found

    monkeypatch.setattr(FileLock, "acquire", late)
    with locked(path):
        assert lock_name(path).exists()
    assert removed


@pytest.mark.parametrize("error", [OSError(95, "not supported"), OSError(37, "no locks available")])
def test_where_the_file_system_has_no_locks_a_file_stands_for_one(tmp_path, monkeypatch, error):
    monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(error))
    path = tmp_path / "rows.csv"
    with locked(path):
        assert lock_name(path).with_suffix(".held").read_text().startswith(f"{os.getpid()}\n")
        with pytest.raises(OutputBusyError, match=f"process {os.getpid()} on"):
            _acquire(path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_255_bytes_has_a_lock(tmp_path):
    with locked(tmp_path / ("n" * 251 + ".csv")):
        pass


def test_what_the_same_command_finished_before_it_was_killed_is_known(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_text("rows")
    monkeypatch.setattr(sys, "argv", ["bayescannon", "label"])
    assert not was_killed_on(path)
    lock_name(path).write_text('{"pid": 1, "host": "here", "command": "bayescannon train"}')
    assert not was_killed_on(path)
    lock_name(path).write_text('{"pid": 1, "host": "here", "command": "bayescannon label"}')
    assert was_killed_on(path)
    with locked(path):
        assert was_killed_on(path)
    # and not of an output whose lock this process holds
    other = tmp_path / "other.csv"
    with locked(other):
        other.write_text("rows")
        assert not was_killed_on(other)
