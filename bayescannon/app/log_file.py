"""The log file of a command: when it began and ended, its warnings, and a line for every star that it refused."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayescannon.data.display import visible

PACKAGE_LOGGER = "bayescannon"
_log = logging.getLogger(PACKAGE_LOGGER)


class _OneLine(logging.Formatter):
    """Write a record as one line, whatever names of files are in it."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Return the time in UTC, whatever the machine's zone."""
        return time.strftime(datefmt or "%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with line ends and other controls as escapes."""
        return visible(super().format(record), keep="")


@contextmanager
def verbose_log(is_verbose: bool) -> Iterator[None]:
    """Print what is logged on standard error during a block; False does nothing."""
    if not is_verbose:
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(message)s"))
    with _added(handler):
        yield


@contextmanager
def _added(handler: logging.Handler) -> Iterator[None]:
    """Give a handler what the package logs, from INFO on."""
    level = _log.level
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    try:
        yield
    finally:
        _log.setLevel(level)
        _log.removeHandler(handler)
        handler.close()


@contextmanager
def log_file(path: Path | None, command: str) -> Iterator[None]:
    """
    Append to a log file during a block; None does nothing.

    Parameters
    ----------
    path : Path or None
    command : str
        The first line of the block says it, and the last how it ended.

    Raises
    ------
    OutputFolderError, MissingFileError, OutputPermissionError
        `path` is a folder, or its folder does not exist or is not writable.
    """
    if path is None:
        yield
        return
    # imported here so that --help is quick
    from bayescannon.io.outputs import OutputFolderError, require_writable, saying_why
    from bayescannon.numerics.errors import MissingFileError

    if path.is_dir():
        raise OutputFolderError(f"the log must be a file; {path} is a folder. Give the name of a file")
    if not path.absolute().parent.is_dir():
        raise MissingFileError(f"the folder {path.parent} does not exist; make it first")
    require_writable(path.absolute().parent)
    with saying_why(path):
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    with _added(handler):
        try:
            _log.info("begin: %s", command)
            yield
            _log.info("end")
        except BaseException as error:
            _log.error("ended by %s: %s", type(error).__name__, error)
            raise
