"""Numbers as arguments: limits, rates and widths."""

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
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{name} must be a number; got {value!r}")
    number = float(value)
    if not (np.isfinite(number) and above < number < below):
        bounds = [f"above {above:g}"] * bool(np.isfinite(above)) + [f"below {below:g}"] * bool(np.isfinite(below))
        raise InputError(f"{name} must be {' and '.join(['finite', *bounds])}; got {value}")
    return number
