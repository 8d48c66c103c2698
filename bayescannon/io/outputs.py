"""
Write results so that a file or folder appears complete or not at all.

Outputs are written under a temporary name in the folder of the final one, synced to the disk, and renamed at the end.
The temporary name is unique. Whoever writes an output holds its lock (:mod:`bayescannon.io.output_lock`), so a
temporary name that exists when the lock is taken was left by a killed process, and :func:`settle` removes it. A link is
followed: what it points to is replaced, and the link stays.
"""

import errno
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayescannon.io.hidden_names import LONGEST_NAME, cut, hidden_name
from bayescannon.io.output_lock import locked, was_killed_on
from bayescannon.numerics.errors import BayesCannonError, MissingFileError
from bayescannon.numerics.truth import truth

# errors of file systems that cannot sync
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
_REPLACE = "exists; choose another name, or replace it with --overwrite (overwrite=True)"

_log = logging.getLogger(__name__)


class OutputExistsError(BayesCannonError, FileExistsError):
    """An output that exists already and is not replaced."""

    def __init__(self, path: Path | str, what: str = _REPLACE) -> None:
        super().__init__(f"{path} {what}")


class OutputFolderError(BayesCannonError, IsADirectoryError):
    """The path of a file to write is that of a folder."""


class OutputPermissionError(BayesCannonError, PermissionError):
    """The folder of an output is not writable."""


class OutputWriteError(BayesCannonError, OSError):
    """An output that could not be written, for instance because the disk is full."""


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """
    Raise an error if `path` exists and may not be replaced.

    Raises
    ------
    OutputExistsError
        It exists and `overwrite` is False, or it is neither a file nor a folder, which is never replaced. What this
        same command made before it was killed is no obstacle.
    InputTypeError
        `overwrite` is neither True nor False.
    """
    replace = truth(overwrite, "overwrite")
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OutputExistsError(path, "is a device, a pipe or a socket, which is never replaced; choose another name")
    if path.exists() and not replace and not was_killed_on(real_path(path)):
        raise OutputExistsError(path)


def check_output_file(path: Path, *, overwrite: bool) -> None:
    """
    Raise an error unless a file can be written at `path`; call it before the work that the file needs.

    Raises
    ------
    OutputExistsError
        `path` exists and `overwrite` is False, or it is a device, a pipe or a socket.
    OutputFolderError
        `path` is a folder.
    InputTypeError
        `overwrite` is neither True nor False.
    MissingFileError
        The folder of `path` does not exist.
    OutputPermissionError
        The folder of `path` is not writable.
    """
    if path.is_dir():
        raise OutputFolderError(f"the output must be a file; {path} is a folder. Give the name of a file")
    refuse_existing(path, overwrite=overwrite)
    folder = real_path(path).parent
    if not folder.is_dir():
        raise MissingFileError(
            f"the folder {folder if path.is_symlink() else path.parent} does not exist; make it first"
        )
    require_writable(folder)


def require_writable(folder: Path) -> None:
    """Raise :class:`OutputPermissionError` unless `folder`, which exists, is writable."""
    writable = os.access(folder, os.W_OK | os.X_OK)
    if writable:
        # permissions alone do not tell: the superuser has them everywhere, and network file systems their own rules
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            writable = False
    if not writable:
        raise OutputPermissionError(f"the folder {folder} is not writable; choose another, or change its permissions")


def real_path(path: Path) -> Path:
    """Return where an output lies: an absolute path, that of the target if `path` is a link."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path.absolute()


@contextmanager
def saying_why(path: Path) -> Iterator[None]:
    """Turn an error of the system that ends the block into one that says in a sentence why `path` is not written."""
    try:
        yield
    except OSError as error:
        if isinstance(error, BayesCannonError):
            raise
        reason = (os.strerror(error.errno) if error.errno else str(error)) or type(error).__name__
        raise OutputWriteError(
            f"{path} could not be written: {reason[:1].lower()}{reason[1:]}. Make room, or choose another place"
        ) from error


def temporary_name(path: Path) -> Path:
    """Return a hidden name in the folder of `path`, with the same ending, that no other process uses."""
    return path.with_name(f"{_start(path)}{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")


def _start(path: Path) -> str:
    """Return the start of the temporary names of `path`; a long name is cut, as file systems allow 255 bytes."""
    room = LONGEST_NAME - len(os.fsencode(f"..partial-{2**22}-{'0' * 8}{path.suffix}"))
    return f".{cut(path.stem, room)}.partial-"


def leftovers(path: Path) -> list[Path]:
    """List the temporary names of `path` that exist, sorted: left by killed processes, or in use by running ones."""
    path = real_path(path)
    start = _start(path)
    if not path.parent.is_dir():
        return []
    return sorted(one for one in path.parent.iterdir() if one.name.startswith(start) and one.suffix == path.suffix)


def aside_name(path: Path) -> Path:
    """Return the hidden name that a folder has while another takes its place."""
    return hidden_name(path, "old")


def settle(path: Path) -> None:
    """
    Finish or undo a replacement that was interrupted, and remove the temporary names that killed processes left.

    The caller holds the lock of `path`. If the old folder was renamed and the new one not yet, the old one gets its
    name back; if both were, the old one is removed.
    """
    path = real_path(path)
    aside = aside_name(path)
    if aside.exists():
        if path.exists():
            remove(aside)
        else:
            aside.rename(path)
            sync_folder(path.parent)
    own = f"{_start(path)}{os.getpid()}-"
    for one in leftovers(path):
        if not one.name.startswith(own):
            remove(one)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its contents; do nothing if neither exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Wait until the contents of a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # file systems that cannot sync say so; their contents are as safe as they can make them
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; Windows has no such call, and opens no folder."""
    if os.name == "posix":
        sync_file(folder)


def sync_all(path: Path) -> None:
    """Wait until a file, or a folder with all that it holds, is on the disk."""
    if not path.is_dir():
        sync_file(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            sync_file(Path(folder, name))
        sync_folder(Path(folder))


def put_in_place(partial: Path, path: Path) -> None:
    """
    Rename a file or folder to `path`, replacing what exists there; both are on the disk at the end.

    A file is replaced in one step. A folder is replaced in three, because no portable call exchanges folders: the old
    folder is renamed to :func:`aside_name`, the new one takes its name, and the old one is removed. If the process is
    killed between them, :func:`settle` finishes or undoes it.
    """
    sync_all(partial)
    if not (partial.is_dir() and path.exists()):
        partial.replace(path)
        sync_folder(path.parent)
        return
    aside = aside_name(path)
    remove(aside)
    path.rename(aside)
    try:
        partial.rename(path)
    except BaseException:
        aside.rename(path)
        raise
    sync_folder(path.parent)
    remove(aside)


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """
    Provide a temporary name for a file, which is renamed to `path` at the end of the block.

    If an exception or an interrupt ends the block early, the temporary file is removed. The temporary name has the
    ending of `path`. The block holds the lock of `path`.

    Raises
    ------
    BayesCannonError
        As :func:`check_output_file`.
    OutputWriteError
        Writing fails, for instance because the disk is full.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "rows.csv", overwrite=False) as partial:
    ...     _ = partial.write_text("id,teff")
    >>> [path.name for path in folder.iterdir()]
    ['rows.csv']
    """
    check_output_file(path, overwrite=overwrite)
    target = real_path(path)
    with locked(target):
        settle(target)
        partial = temporary_name(target)
        try:
            with saying_why(path):
                yield partial
                put_in_place(partial, target)
            _log.info("wrote %s", path)
        finally:
            remove(partial)
