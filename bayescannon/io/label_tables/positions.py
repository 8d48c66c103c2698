"""Right ascension and declination in degrees, from numbers with or without a unit and from sexagesimal text."""

import re
from typing import Any

import numpy as np

from bayescannon.data.parts import split
from bayescannon.data.units import to_unit
from bayescannon.io.label_tables.column_values import column_names, column_numbers
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.label_tables.table_options import TableOptions
from bayescannon.numerics.typing import FloatArray

_SIXTIES = re.compile(r"([-+\u2212]?)\s*(\d+)\s*[:hd°\s]\s*(\d+)\s*[:m'′\s]\s*(\d+\.?\d*)\s*[s\"″]*", re.IGNORECASE)
_ENOUGH = 5


def read_position(columns: tuple[Any, Any], options: TableOptions) -> tuple[FloatArray, FloatArray, list[str]]:
    """
    Read positions.

    Sexagesimal right ascensions are in hours, unless their unit or their text says degrees. Right ascensions are
    brought to 0 to 360 degrees. Sentinels, and positions of exactly (0, 0), are missing.

    Parameters
    ----------
    columns : tuple of two columns of shape (N,)
        Right ascension and declination.
    options : TableOptions
        The units, if not those of the columns, and which values stand for a missing one.

    Returns
    -------
    ra, dec : float arrays of shape (N,)
        In degrees, NaN where missing.
    notes : list of str

    Raises
    ------
    TableError
        A column holds neither numbers nor sexagesimal text.
    bayescannon.data.units.UnitError
        A unit is no angle.
    """
    notes: list[str] = []
    found = []
    for name, column in zip(("ra", "dec"), columns, strict=True):
        values, said = _angle(column, name, options.units.get(name))
        lost = options.is_missing(name, values)
        beyond = ~lost & (np.abs(values) > 400)
        if 2 * beyond.sum() > (np.isfinite(values) & ~lost).sum():
            raise TableError(
                f"the column for {name!r} holds {values[beyond][0]:g} and alike, which are no degrees; "
                f"--units {name}=UNIT (units={{{name!r}: 'UNIT'}}) says the unit, such as arcsec"
            )
        lost |= beyond
        if lost.any():
            notes.append(f"{name}: {int(lost.sum())} of {len(values)} rows hold {values[lost][0]:g} or alike: missing")
        found.append((np.where(lost, np.nan, values), said))
        notes += said
    (ra, _), (dec, _) = found
    nowhere = (ra == 0) & (dec == 0)
    if nowhere.sum() > 1:
        notes.append(f"position: {int(nowhere.sum())} rows with ra = dec = 0 are taken as missing")
        ra, dec = np.where(nowhere, np.nan, ra), np.where(nowhere, np.nan, dec)
    known = np.isfinite(ra) & np.isfinite(dec)
    if known.sum() >= _ENOUGH and np.abs(ra[known]).max() <= 2 * np.pi and np.abs(dec[known]).max() <= np.pi / 2:
        notes.append("ra and dec are within 6.3 and 1.6 and taken as degrees; --units ra=rad,dec=rad if they are not")
    elif known.sum() >= _ENOUGH and ra[known].min() >= 0 and 12 < ra[known].max() <= 24 and np.ptp(dec[known]) > 10:
        notes.append("ra is within 0 and 24 and taken as degrees; --units ra=hourangle if it is hours")
    return ra % 360, dec, notes


def _angle(column: Any, name: str, unit: Any) -> tuple[FloatArray, list[str]]:
    """Return a column in degrees, and what was taken for granted."""
    own = split(column, name).unit
    wanted = unit or (own if own is not None and str(own) else None)
    try:
        values, _ = column_numbers(column, name)
    except TableError:
        sixties = _sexagesimal(column, name)
        if sixties is None:
            raise
        values, said_degrees = sixties
        hours = name == "ra" and not said_degrees and (wanted is None or not str(wanted).startswith("deg"))
        return values * (15 if hours else 1), [
            f"{name} is text as 12 34 56.7, taken as {'hours' if hours else 'degrees'}"
        ]
    if wanted is None:
        return values, []
    degrees = to_unit(values, wanted, "deg", f"the column for {name!r}", remedy="give it in degrees")
    return degrees, [] if str(wanted) in ("deg", "degree", "degrees") else [
        f"{name} converted from {wanted} to degrees"
    ]


def _sexagesimal(column: Any, name: str) -> tuple[FloatArray, bool] | None:
    """Read text as 12:34:56.7 or 12h34m56.7s; also whether it says degrees. None if a row cannot be read."""
    rows = column_names(column, name).tolist()
    values = np.full(len(rows), np.nan)
    for row, text in enumerate(rows):
        if not text:
            continue
        match = _SIXTIES.fullmatch(text)
        if match is None:
            return None
        values[row] = (-1 if match[1] in ("-", "\u2212") else 1) * (
            int(match[2]) + int(match[3]) / 60 + float(match[4]) / 3600
        )
    filled = [text for text in rows if text]
    return values, bool(filled) and all("d" in text.lower() or "°" in text for text in filled)
