"""Memory of this machine, and what needs more of it."""

import os

from bayescannon.numerics.errors import InputError


def memory_of_machine() -> int:
    """Return the bytes of memory of this machine; a large number where that is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**48


def require_memory(n_bytes: int, what: str) -> None:
    """
    Raise an error if `what` needs more memory than this machine has.

    Raises
    ------
    InputError

    Examples
    --------
    >>> require_memory(10**18, "10^12 spectra")
    Traceback (most recent call last):
    bayescannon.numerics.errors.InputError: 10^12 spectra need 1,000,000,000.0 GB of memory, and this machine has ...
    """
    available = memory_of_machine()
    if n_bytes > available:
        raise InputError(
            f"{what} need {n_bytes / 1e9:,.1f} GB of memory, and this machine has {available / 1e9:,.1f} GB; read fewer "
            "at a time"
        )
