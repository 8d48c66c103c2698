"""Paths as arguments, and what is said when no file is there."""

import os
from pathlib import Path
from typing import Any

from bayescannon.data.parts import a_kind
from bayescannon.io.urls import local_path
from bayescannon.numerics.errors import InputTypeError


def as_path(given: Any, what: str) -> Path:
    """
    Return an argument as a Path.

    Parameters
    ----------
    given : str or path-like
    what : str
        What lies there, for the message.

    Raises
    ------
    InputTypeError
        It is no path.

    Examples
    --------
    >>> from bayescannon.io.paths import as_path
    >>> as_path(None, "a store")
    Traceback (most recent call last):
    bayescannon.numerics.errors.InputTypeError: the path of a store is expected; got None
    """
    if not isinstance(given, str | os.PathLike):
        got = "None" if given is None else a_kind(given)
        raise InputTypeError(f"the path of {what} is expected; got {got}")
    return local_path(given)


def no_file(path: Path) -> str:
    """Say that no file is at `path`, or that a folder is."""
    if not path.is_dir():
        return f"there is no file {path}"
    store = ", such as a store of spectra" if (path / "zarr.json").exists() else ""
    return f"{path} is a folder{store}, not a file"
