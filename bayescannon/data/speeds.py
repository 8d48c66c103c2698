"""Speeds as users give them: plain numbers in km/s, Quantities, or texts such as "5km/s"."""

import re
from typing import Any

import numpy as np

from bayescannon.data.convert import number
from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.data.units import to_unit
from bayescannon.numerics.errors import InputError

KM_PER_S = "km/s"
_TEXT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")


def speed(given: Any, name: str) -> float:
    """
    Return a speed that is not negative, in km/s.

    Parameters
    ----------
    given : float, Quantity or str
        A number without a unit is in km/s.
    name : str
        What it is, for messages.

    Raises
    ------
    InputTypeError
        It is no number.
    InputError
        It is negative, not finite or not less than that of light, or a text that is no number with a unit.
    bayescannon.data.units.UnitError
        Its unit is not one of a speed.

    Examples
    --------
    >>> speed("5km/s", "the velocity prior"), speed("300 m/s", "the velocity prior"), speed(20, "the velocity prior")
    (5.0, 0.3, 20.0)
    >>> speed("0.5 Angstrom", "the velocity prior")
    Traceback (most recent call last):
    bayescannon.data.units.UnitError: the velocity prior is in Angstrom, which does not convert to km / s; give ...
    """
    remedy = "give it as a speed, such as 5km/s"
    if isinstance(given, str):
        found = _TEXT.fullmatch(given)
        if found is None:
            raise InputError(f"{name} must be a speed, such as 5km/s; got {given!r}")
        value = float(to_unit(np.array([float(found[1])]), found[2] or None, KM_PER_S, name, remedy=remedy)[0])
    else:
        value = number(given, name, unit=KM_PER_S, remedy=remedy)
    if not 0 <= value < np.inf:
        raise InputError(f"{name} must be finite and not negative; got {given!r}")
    if 1000 * value >= SPEED_OF_LIGHT:
        raise InputError(f"{name} must be less than the speed of light, 299792 km/s; got {given!r}; {remedy}")
    return value
