"""
Write results so that a file or folder appears whole or not at all.

Everything is written under a temporary name beside its final one and renamed at the end. The temporary name is
unique, so that two processes that write the same output do not touch each other's parts.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayescannon.numerics.errors import BayesCannonError, MissingFileError

_REPLACE = "exists; choose another name, or replace it with --overwrite (overwrite=True)"


class OutputExistsError(BayesCannonError, FileExistsError):
    """An output is already there: it may only be replaced on request, or not at all."""

    def __init__(self, path: Path | str, what: str = _REPLACE) -> None:
        super().__init__(f"{path} {what}")


class OutputFolderError(BayesCannonError, IsADirectoryError):
    """A folder is where a file is to be written."""


class OutputPermissionError(BayesCannonError, PermissionError):
    """Nothing may be written to the folder of an output."""


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise :class:`OutputExistsError` if `path` exists and may not be replaced."""
    if path.exists() and not overwrite:
        raise OutputExistsError(path)


def check_output_file(path: Path, *, overwrite: bool) -> None:
    """
    Raise unless a file can be written at `path`; call it before the work that leads to the file.

    Raises
    ------
    OutputExistsError
        `path` exists and `overwrite` is False.
    OutputFolderError
        `path` is a folder.
    MissingFileError
        The folder of `path` does not exist.
    OutputPermissionError
        Nothing may be written to the folder of `path`.
    """
    if path.is_dir():
        raise OutputFolderError(f"{path} is a folder; give the name of a file")
    refuse_existing(path, overwrite=overwrite)
    if not path.parent.is_dir():
        raise MissingFileError(f"the folder {path.parent} does not exist; make it first")
    require_writable(path.parent)


def require_writable(folder: Path) -> None:
    """Raise :class:`OutputPermissionError` unless files can be made in `folder`, which exists."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputPermissionError(
            f"nothing may be written to the folder {folder}; choose another, or change its permissions"
        )


def temporary_name(path: Path) -> Path:
    """Return a name beside `path`, with the same ending, that no other process uses."""
    return path.with_name(f".{path.stem}.partial-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")


def leftovers(path: Path) -> list[Path]:
    """List what killed processes left of their attempts to write `path`, sorted; or what others write just now."""
    start = f".{path.stem}.partial-"
    if not path.parent.is_dir():
        return []
    return sorted(one for one in path.parent.iterdir() if one.name.startswith(start) and one.suffix == path.suffix)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; do nothing where there is neither."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def put_in_place(partial: Path, path: Path) -> None:
    """
    Rename a file or folder to `path`, replacing what is there.

    A file is replaced in one step. A folder is replaced in two, as no portable call exchanges folders: the old one
    moves aside first, moves back if the second step fails, and is removed last.
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
    Give a temporary name beside `path` (with the same ending) to write a file to, renamed to `path` at the end.

    Whatever ends the block early, an exception or an interrupt, removes what was written.

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
