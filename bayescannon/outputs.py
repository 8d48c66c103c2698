"""Writing results so that nothing half-written ever looks complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class OutputExistsError(FileExistsError):
    """An output is already there and may only be replaced on request."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists; choose another name, or replace it with --overwrite (overwrite=True)")


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise :class:`OutputExistsError` if `path` exists and may not be replaced."""
    if path.exists() and not overwrite:
        raise OutputExistsError(path)


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """
    Give a temporary name beside `path` (with the same ending) to write to, renamed to `path` at the end.

    Raises
    ------
    OutputExistsError
        `path` exists and `overwrite` is False.
    FileNotFoundError
        The folder of `path` does not exist.
    """
    refuse_existing(path, overwrite=overwrite)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist; make it first")
    partial = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
