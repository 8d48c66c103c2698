"""Texts that show the package's objects in notebooks."""

from collections.abc import Mapping
from html import escape


def html_table(title: str, facts: Mapping[str, object]) -> str:
    """
    Return a small HTML table of names and values; all text is escaped.

    Parameters
    ----------
    title : str
        Caption of the table: the type of the object.
    facts : mapping of str to object
        One row per entry: its name, and ``str`` of its value.

    Examples
    --------
    >>> html_table("Spectra", {"stars": 2})
    '<table><caption>Spectra</caption><tr><th>stars</th><td>2</td></tr></table>'
    """
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts.items())
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"


def listed(names: list[str], *, most: int = 12) -> str:
    """Join the first `most` names with commas, and add how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more


def printable(text: str) -> str:
    r"""
    Return the name of a file with bytes that are no text written as escapes, as files and terminals cannot hold them.

    Examples
    --------
    >>> import os
    >>> printable(os.fsdecode(b"star-\xff.fits"))
    'star-\\udcff.fits'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
