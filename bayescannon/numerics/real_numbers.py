"""Real numbers as arguments: scales, widths and factors."""

from numbers import Real
from typing import Any

from bayescannon.numerics.errors import InputError, InputTypeError


def positive_number(value: Any, name: str) -> float:
    """
    Return an argument as a float above 0.

    Raises
    ------
    InputTypeError
        It is no number; a bool is none.
    InputError
        It is not positive, or NaN.

    Examples
    --------
    >>> from bayescannon.numerics.real_numbers import positive_number
    >>> positive_number(2, "kappa")
    2.0
    """
    number = real_number(value, name)
    if not number > 0:
        raise InputError(f"{name} must be positive; got {value}")
    return number


def real_number(value: Any, name: str) -> float:
    """
    Return an argument as a float.

    Raises
    ------
    InputTypeError
        It is no number; a bool is none.

    Examples
    --------
    >>> from bayescannon.numerics.real_numbers import real_number
    >>> real_number("0.1", "kappa")
    Traceback (most recent call last):
    bayescannon.numerics.errors.InputTypeError: kappa must be a number; got '0.1'
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} must be a number; got {value!r}")
    return float(value)
