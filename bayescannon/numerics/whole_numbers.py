"""Whole numbers as arguments: numbers of stars, folds, draws and threads, and seeds."""

from numbers import Integral
from typing import Any

from bayescannon.numerics.errors import InputError, InputTypeError


def whole_number(value: Any, name: str, *, least: int = 0) -> int:
    """
    Return an argument as an int.

    Raises
    ------
    InputTypeError
        It is no whole number; a bool or a float is none.
    InputError
        It is below `least`.

    Examples
    --------
    >>> from bayescannon.numerics.whole_numbers import whole_number
    >>> whole_number(7, "n_starts", least=1)
    7
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputTypeError(f"{name} must be a whole number from {least} up; got {value!r}")
    if value < least:
        raise InputError(f"{name} must be at least {least}; got {value}")
    return int(value)
