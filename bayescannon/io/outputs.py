"""
Write results so that a file or folder appears complete or not at all.

Outputs are written under a temporary name in the folder of the final one, and renamed at the end. The temporary name is
unique, so that two processes that write the same output do not overwrite each other's temporary files.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayescannon.numerics.errors import BayesCannonError, MissingFileError
from bayescannon.numerics.truth import truth

_REPLACE = "exists; choose another name, or replace it with --overwrite (overwrite=True)"


class OutputExistsError(BayesCannonError, FileExistsError):
    """An output that exists already and is not replaced."""

    def __init__(self, path: Path | str, what: str = _REPLACE) -> None:
        super().__init__(f"{path} {what}")


class OutputFolderError(BayesCannonError, IsADirectoryError):
    """The path of a file to write is that of a folder."""


class OutputPermissionError(BayesCannonError, PermissionError):
    """The folder of an output is not writable."""


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """
    Raise an error if `path` exists and may not be replaced.

    Raises
    ------
    OutputExistsError
        It exists and `overwrite` is False, or it is neither a file nor a folder, which is never replaced.
    InputTypeError
        `overwrite` is neither True nor False.
    """
    replace = truth(overwrite, "overwrite")
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OutputExistsError(path, "is a device, a pipe or a socket, which is never replaced; choose another name")
    if path.exists() and not replace:
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
    if not path.parent.is_dir():
        raise MissingFileError(f"the folder {path.parent} does not exist; make it first")
    require_writable(path.parent)


def require_writable(folder: Path) -> None:
    """Raise :class:`OutputPermissionError` unless `folder`, which exists, is writable."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputPermissionError(f"the folder {folder} is not writable; choose another, or change its permissions")


def temporary_name(path: Path) -> Path:
    """Return a hidden name in the folder of `path`, with the same ending, that no other process uses."""
    return path.with_name(f".{path.stem}.partial-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")


def leftovers(path: Path) -> list[Path]:
    """List the temporary names of `path` that exist, sorted: left by killed processes, or in use by running ones."""
    start = f".{path.stem}.partial-"
    if not path.parent.is_dir():
        return []
    return sorted(one for one in path.parent.iterdir() if one.name.startswith(start) and one.suffix == path.suffix)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its contents; do nothing if neither exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def put_in_place(partial: Path, path: Path) -> None:
    """
    Rename a file or folder to `path`, replacing what exists there.

    A file is replaced in one step. A folder is replaced in two, because no portable call exchanges folders: the old
    folder is renamed, the new one takes its name, and the old one is removed, or renamed back if the second step fails.
    """
    if not (partial.is_dir() and path.exists()):
        partial.replace(path)
        return
    old = temporary_name(path)
    path.rename(old)
    try:
        partial.rename(path)
    except BaseException:
        old.rename(path)
        raise
    remove(old)


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """
    Provide a temporary name for a file, which is renamed to `path` at the end of the block.

    If an exception or an interrupt ends the block early, the temporary file is removed. The temporary name has the
    ending of `path`.

    Raises
    ------
    BayesCannonError
        As :func:`check_output_file`.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "rows.csv", overwrite=False) as partial:
    ...     _ = partial.write_text("id,teff")
    >>> [path.name for path in folder.iterdir()]
    ['rows.csv']
    """
    check_output_file(path, overwrite=overwrite)
    partial = temporary_name(path)
    try:
        yield partial
        put_in_place(partial, path)
    finally:
        remove(partial)
