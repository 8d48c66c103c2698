"""Writing results so that nothing half-written ever looks complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayescannon.numerics.errors import MissingFileError


class OutputExistsError(FileExistsError):
    """An output is already there and may only be replaced on request."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists; choose another name, or replace it with --overwrite (overwrite=True)")


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
    IsADirectoryError
        `path` is a folder.
    FileNotFoundError
        The folder of `path` does not exist.
    PermissionError
        Nothing may be written to the folder of `path`.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file")
    refuse_existing(path, overwrite=overwrite)
    if not path.parent.is_dir():
        raise MissingFileError(f"the folder {path.parent} does not exist; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"nothing may be written to the folder {path.parent}; choose another, or its permissions")


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """
    Give a temporary name beside `path` (with the same ending) to write to, renamed to `path` at the end.

    Raises
    ------
    OSError
        As :func:`check_output_file`.
    """
    check_output_file(path, overwrite=overwrite)
    partial = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
