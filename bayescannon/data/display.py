"""Texts that show the package's objects in notebooks and on terminals."""

import math
import unicodedata
from collections.abc import Mapping
from html import escape

# signs that a terminal obeys or hides: controls (C0, C1, DEL), formats (directions of writing among them), halves of
# surrogates, and separators of lines that are not "\n"
_OBEYED = ("Cc", "Cf", "Cs", "Zl", "Zp")


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


def value_with_error(value: float, error: float, unit: str = "") -> str:
    """
    Return a value with its error as text, with as many decimals as two digits of the error have.

    Parameters
    ----------
    value, error : float
        An error that is not positive and finite is left out; the value then has four digits.
    unit : str
        Is put behind both.

    Examples
    --------
    >>> value_with_error(-1.5263, 2.817, "K"), value_with_error(0.01523, 0.00702), value_with_error(4801.2, 74.7)
    ('-1.5 ± 2.8 K', '0.0152 ± 0.0070', '4801 ± 75')
    >>> value_with_error(0.0312, float("nan"), "dex")
    '0.0312 dex'
    """
    if not (math.isfinite(error) and error > 0):
        return f"{value:.4g} {unit}".strip()
    decimals = max(0, 1 - math.floor(math.log10(float(f"{error:.1e}"))))
    return f"{value:.{decimals}f} ± {error:.{decimals}f} {unit}".strip()


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


def visible(text: str, *, keep: str = "\n") -> str:
    r"""
    Return a text with what a terminal would obey, such as escape codes, written as escapes.

    Parameters
    ----------
    text : str
        Of whatever origin: a file's name, an attribute, the header of a table.
    keep : str
        Controls that stay.

    Examples
    --------
    >>> visible("teff\x1b[2J\u202e")
    'teff\\x1b[2J\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign in keep or unicodedata.category(sign) not in _OBEYED else sign.encode("unicode_escape").decode()
        for sign in text
    )


def as_message(text: str) -> str:
    r"""
    Return a message for a terminal: without escape codes, and with every further line set in.

    A line break in the name of a file then cannot pass for a message of its own.

    Examples
    --------
    >>> print(as_message("a\r\nbayescannon: all is well"))
    a\r
      bayescannon: all is well
    """
    first, *others = visible(text).split("\n")
    return "\n".join([first, *(line if line.startswith(" ") or not line else f"  {line}" for line in others)])
