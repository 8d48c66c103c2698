"""What was probably meant by a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, or ""; of alike ones that with the same beginning."""
    close = get_close_matches(name, list(known), n=5, cutoff=0.7)
    begin = name[:4]
    return next((one for one in close if one.startswith(begin)), close[0] if close else "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the question at the end of a complaint about a name, or "" if no known name is close."""
    close = closest(name, known)
    return f"; did you mean {close}?" if close else ""
