"""Arguments that are true or false."""

from typing import Any

import numpy as np

from bayescannon.numerics.errors import InputTypeError


def truth(value: Any, name: str) -> bool:
    """
    Return an argument as a bool; a text such as ``"no"``, which Python takes for true, is refused.

    Raises
    ------
    InputTypeError
        It is neither True nor False.

    Examples
    --------
    >>> from bayescannon.numerics.truth import truth
    >>> truth("no", "overwrite")
    Traceback (most recent call last):
    bayescannon.numerics.errors.InputTypeError: overwrite must be True or False; got 'no'
    """
    if not isinstance(value, bool | np.bool_):
        raise InputTypeError(f"{name} must be True or False; got {value!r}")
    return bool(value)
