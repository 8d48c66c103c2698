"""Some values of the primary header of a FITS file, quickly: parsing a card takes astropy ten times as long."""

import re
from collections.abc import Collection
from typing import Any

_BLOCK, _CARD, _KEY = 2880, 80, 8
_END = b"END".ljust(_CARD)
# a value as the FITS standard 4.0, section 4.2, writes it: text, logical, whole number or floating-point number
_VALUE = re.compile(rb"= +(?:'([^']*)'|([TF])|([+-]?\d+)|([+-]?\d*\.\d*(?:[ED][+-]?\d+)?)) *(?:/|$)")


def header_length(data: bytes) -> int:
    """Return the bytes of the primary header, with its padding; 0 if it has no end."""
    for start in range(0, len(data) - _CARD + 1, _CARD):
        if data.startswith(_END, start):
            return -(-(start + _CARD) // _BLOCK) * _BLOCK
    return 0


def header_values(data: bytes, header: Any, keys: Collection[str]) -> dict[str, Any]:
    """
    Return values of the primary header.

    Parameters
    ----------
    data : bytes
        The file, not compressed.
    header : astropy.io.fits.Header
        The same header, asked for values that are not written in a plain way.
    keys : collection of str
        In capitals, of at most 8 letters.

    Returns
    -------
    values : dict
        As astropy gives them; None where there is no such key.

    Examples
    --------
    >>> from astropy.io import fits
    >>> header = fits.Header({"OBJECT": "HD 1", "Z": 1e-4})
    >>> header_values(header.tostring().encode(), header, ("Z", "OBJECT", "RA"))
    {'Z': 0.0001, 'OBJECT': 'HD 1', 'RA': None}
    """
    places: dict[bytes, int] = {}
    for start in range(0, len(data) - _CARD + 1, _CARD):
        if data.startswith(_END, start):
            break
        # the first of several counts
        places.setdefault(data[start : start + _KEY], start)
    found: dict[str, Any] = {}
    for key in keys:
        start = places.get(key.encode().ljust(_KEY), -1)
        match = _VALUE.match(data, start + _KEY, start + _CARD) if start >= 0 else None
        if start < 0:
            found[key] = None
        elif match is None or data.startswith(b"CONTINUE", start + _CARD):
            found[key] = header.get(key)
        else:
            found[key] = _value(*match.groups())
    return found


def _value(text: bytes | None, logical: bytes | None, whole: bytes | None, real: bytes | None) -> Any:
    if text is not None:
        return text.decode("ascii").rstrip()
    if logical is not None:
        return logical == b"T"
    return int(whole) if whole is not None else float((real or b"").replace(b"D", b"E"))
