"""Compile kernels with numba, kept on disk where there is a place for them, and compiled anew where there is none."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import numba

_log = logging.getLogger(__name__)
# whether it was said that kernels are not kept, and that one is compiled
_said: set[str] = set()
_told_of: set[str] = set()
_COMPILES = (
    "kernels are compiled and kept for later calls, which may take a minute; after an installation "
    "python -m bayescannon.app.compile_kernels compiles all"
)


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """
    Return a decorator that compiles a function with :func:`numba.njit`, cached on disk if that is possible.

    numba keeps what it compiled beside the source, or below the home folder where that cannot be written. If neither
    is writable, or if the disk is full, the function is compiled in every process; that is logged once, at level DEBUG.
    ``NUMBA_CACHE_DIR`` names another folder. That a kernel is compiled is said once, on a terminal.

    Parameters
    ----------
    **options
        Of :func:`numba.njit`.

    Examples
    --------
    >>> @compiled(nogil=True)
    ... def double(x):
    ...     return 2 * x
    >>> double(4)
    8
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            kernel = numba.njit(cache=True, **options)(function)
        except RuntimeError as error:  # no place for the cache
            _say(str(error))
            return numba.njit(**options)(function)
        cache = getattr(kernel, "_cache", None)
        if cache is not None:
            cache.load_overload = _told(_guarded(cache.load_overload))
            cache.save_overload = _guarded(cache.save_overload)
        return kernel

    return decorate


def _told(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of a cache that says once that a kernel that is not kept on disk is compiled."""

    def told(*args: Any, **more: Any) -> Any:
        kernel = load(*args, **more)
        if kernel is None and not _told_of:
            _told_of.add(_COMPILES)
            _log.info(_COMPILES)
            if sys.stderr is not None and sys.stderr.isatty():
                sys.stderr.write(f"bayescannon: {_COMPILES}\n")
        return kernel

    return told


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of a cache that does nothing where its files cannot be read or written."""

    def guarded(*args: Any, **more: Any) -> Any:
        try:
            return method(*args, **more)
        except OSError as error:
            _say(str(error))
            return None

    return guarded


def _say(reason: str) -> None:
    if not _said:
        _said.add(reason)
        _log.debug("compiled kernels are not kept on disk (%s); set NUMBA_CACHE_DIR to a writable folder", reason)
