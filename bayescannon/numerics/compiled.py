"""Compile kernels with numba, kept on disk where there is a place for them, and compiled anew where there is none."""

import logging
from collections.abc import Callable
from typing import Any

import numba

_log = logging.getLogger(__name__)
# whether it was said that kernels are not kept
_said: set[str] = set()


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """
    Return a decorator that compiles a function with :func:`numba.njit`, cached on disk if that is possible.

    numba keeps what it compiled beside the source or below the home folder. If neither is writable, as in an
    installation for many users, or if the disk is full, the function is compiled in every process; that is logged once,
    at level DEBUG. ``NUMBA_CACHE_DIR`` names another folder.

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
            for name in ("load_overload", "save_overload"):
                setattr(cache, name, _guarded(getattr(cache, name)))
        return kernel

    return decorate


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
