"""The log of stars that a verb refused, a line each: the logger ``bayescannon.stars`` of the standard library."""

import logging
from collections.abc import Iterable

STAR_LOGGER = "bayescannon.stars"
_log = logging.getLogger(STAR_LOGGER)


def is_logged() -> bool:
    """Tell whether anything takes the lines, so that stars need not be looked through for nothing."""
    return _log.isEnabledFor(logging.INFO)


def log_refused(verb: str, refused: Iterable[tuple[str, str]]) -> None:
    """
    Log a line at level INFO for every refused star: the verb, the star or its file, and the reason.

    Parameters
    ----------
    verb : str
    refused : iterable of (star, reason)

    Examples
    --------
    >>> log_refused("prepare", [("a.fits", "not FITS")])
    """
    if is_logged():
        for star, reason in refused:
            _log.info("%s: %s: %s", verb, star, reason)
