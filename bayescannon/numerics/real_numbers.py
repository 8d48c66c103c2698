"""Real numbers as arguments: limits, rates, scales, widths and factors."""

from numbers import Real
from typing import Any

import numpy as np

from bayescannon.numerics.errors import InputError, InputTypeError


def real_number(value: Any, name: str, *, above: float = -np.inf, below: float = np.inf) -> float:
    """
    Return an argument as a finite float.

    Raises
    ------
    InputTypeError
        It is no number; a bool or a text is none.
    InputError
        It is not finite, or not between `above` and `below`.

    Examples
    --------
    >>> from bayescannon.numerics.real_numbers import real_number
    >>> real_number(0.01, "false_alarms", above=0, below=1)
    0.01
    >>> real_number("0.1", "kappa")
    Traceback (most recent call last):
    bayescannon.numerics.errors.InputTypeError: kappa must be a number; got '0.1'
    """
    number = _as_float(value, name)
    if not (np.isfinite(number) and above < number < below):
        bounds = [f"above {above:g}"] * bool(np.isfinite(above)) + [f"below {below:g}"] * bool(np.isfinite(below))
        raise InputError(f"{name} must be {' and '.join(['finite', *bounds])}; got {value}")
    return number


def positive_number(value: Any, name: str) -> float:
    """
    Return an argument as a float above 0, which may be infinite.

    Raises
    ------
    InputTypeError
        It is no number; a bool or a text is none.
    InputError
        It is not positive, or NaN.

    Examples
    --------
    >>> from bayescannon.numerics.real_numbers import positive_number
    >>> positive_number(2, "kappa")
    2.0
    """
    number = _as_float(value, name)
    if not number > 0:
        raise InputError(f"{name} must be positive; got {value}")
    return number


def _as_float(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} must be a number; got {value!r}")
    return float(value)
