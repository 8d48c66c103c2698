"""Locks of outputs, so that two processes never write the same one; the second is told which process is the first."""

import errno
import json
import os
import shlex
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from bayescannon.io.hidden_names import hidden_name
from bayescannon.numerics.errors import BayesCannonError

# what the system says where a file system has no locks
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)
# times that a lock file which another process has just removed is opened anew
_ATTEMPTS = 20
# the locks of this process: the thread that holds each, and how many blocks it is in
_held: dict[str, tuple[int, int]] = {}
_guard = threading.Lock()
# outputs that an earlier process of this command had finished
_killed: set[str] = set()


class OutputBusyError(BayesCannonError):
    """An output that another process, or another thread, is writing."""


def lock_name(path: Path) -> Path:
    """Return the hidden file beside an output whose lock is that of the output."""
    return hidden_name(path, "lock")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """
    Hold the lock of an output during a block; blocks of one thread may be nested.

    The lock ends with the process, however that ends. On a file system without locks a file stands for it, and the file
    of a process that is not running any more counts for nothing.

    Parameters
    ----------
    path : Path
        The output, links resolved; its folder exists and is writable.

    Raises
    ------
    OutputBusyError
        Another process or thread holds the lock; the message names its number, host and command.

    Examples
    --------
    >>> import tempfile
    >>> output = Path(tempfile.mkdtemp()) / "rows.csv"
    >>> with locked(output), locked(output):
    ...     lock_name(output).name, lock_name(output).exists()
    ('.rows.csv.lock', True)
    >>> lock_name(output).exists()
    False
    """
    key = _key(path)
    me = threading.get_ident()
    with _guard:
        holder, depth = _held.get(key, (me, 0))
        if holder != me:
            raise OutputBusyError(f"{path} is being written by another thread of this process; wait until it has ended")
        lock = None if depth else _acquire(path)
        _held[key] = (me, depth + 1)
    try:
        yield
    finally:
        with _guard:
            _held[key] = (me, depth)
            if lock is not None:
                del _held[key]
                _release(lock, lock_name(path))


def was_killed_on(path: Path) -> bool:
    """
    Tell whether this same command held the lock of an output and was killed.

    Then the lock file is there, and nobody holds it. An output that exists is what that command was allowed to write: a
    command that may not replace an output takes no lock where one exists. The answer for a path stays the same in a
    process.
    """
    key = _key(path)
    if key in _killed or key in _held or not sys.argv[0]:
        return key in _killed
    with suppress(OSError, ValueError, KeyError, TypeError, OutputBusyError):
        if json.loads(lock_name(path).read_text(encoding="utf-8"))["command"] == _command():
            with locked(path):
                _killed.add(key)
    return key in _killed


def _key(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100, as Path.absolute keeps ".."


def _command() -> str:
    """Return the command that this process is, as it is written into locks."""
    return shlex.join(sys.argv)[:500]


def _acquire(path: Path) -> BaseFileLock:
    """Take the lock, or raise an error that names the process which holds it."""
    place = lock_name(path)
    for _ in range(_ATTEMPTS):
        try:
            lock = _take(place)
        except Timeout:
            raise OutputBusyError(
                f"{path} is being written by {_holder(place)}; wait until it has ended, or choose another name"
            ) from None
        if lock is not None:
            return lock
    raise OutputBusyError(f"{path} is being written by other processes, one after the other; choose another name")


def _take(place: Path) -> BaseFileLock | None:
    """Lock the file at `place`; None if another process removed that file meanwhile."""
    opened: list[int] = []
    native = FileLock(place, timeout=0, thread_local=False, fallback_to_soft=False, on_acquired=opened.append)
    try:
        native.acquire()
    except (OSError, NotImplementedError) as error:
        if isinstance(error, Timeout) or (isinstance(error, OSError) and error.errno not in _NO_LOCKS):
            raise
        place.unlink(missing_ok=True)
        soft = SoftFileLock(_stand_in(place), timeout=0, thread_local=False)
        soft.acquire()
        return soft
    # a lock on a file that has no name any more excludes nobody
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(opened[0]), place.stat()):
            me = {"pid": os.getpid(), "host": socket.gethostname(), "command": _command()}
            os.ftruncate(opened[0], 0)
            os.pwrite(opened[0], json.dumps(me).encode(), 0)
            return native
    native.release()
    return None


def _release(lock: BaseFileLock, place: Path) -> None:
    """Remove the lock's file while the lock is held, and release the lock."""
    if isinstance(lock, FileLock):
        place.unlink(missing_ok=True)
    lock.release()


def _stand_in(place: Path) -> Path:
    """Return the file that stands for a lock where the file system has none."""
    return place.with_suffix(".held")


def _holder(place: Path) -> str:
    """Describe the process that holds the lock at `place`, as it wrote in the file."""
    text = ""
    for one in (place, _stand_in(place)):
        with suppress(OSError):
            text = text or one.read_text(encoding="utf-8", errors="replace")
    try:
        found = json.loads(text)
        return f"process {found['pid']} on {found['host']} ({found['command']})"
    except (ValueError, KeyError, TypeError):
        # the file of a file system without locks: number and host, a line each
        lines = [*text.split("\n"), "", ""]
        return f"process {lines[0]} on {lines[1]}" if lines[0].isdigit() else "another process"
