"""How the package's objects are shown in notebooks."""

from collections.abc import Mapping
from html import escape


def html_table(title: str, facts: Mapping[str, object]) -> str:
    """
    Return a small HTML table of names and values; all text is escaped.

    Parameters
    ----------
    title : str
        Caption of the table, the kind of object.
    facts : mapping of str to object
        One row each, value as ``str``.

    Examples
    --------
    >>> html_table("Spectra", {"stars": 2})
    '<table><caption>Spectra</caption><tr><th>stars</th><td>2</td></tr></table>'
    """
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts.items())
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"


def listed(names: list[str], *, most: int = 12) -> str:
    """Join names with commas, the first `most` of them and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more
