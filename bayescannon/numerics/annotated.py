"""Values against the types that annotate them: of choices in Python, and of TOML files."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from types import UnionType
from typing import Any, get_args, get_origin

_TYPE_TEXT: dict[Any, tuple[str, str]] = {
    str: ("a text", "texts"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "truth values"),
}


def fits_type(value: Any, wanted: Any) -> bool:
    """
    Tell whether a value is of an annotated type, with its members.

    Parameters
    ----------
    value : object
    wanted : type
        str, int, float, bool, None, Sequence or Mapping of these, or a union. A whole number fits float; a bool fits
        bool only, and a text is no sequence.
    """
    origin, members = get_origin(wanted), get_args(wanted)
    if origin is UnionType:
        return any(fits_type(value, member) for member in members)
    if origin is Sequence:
        return isinstance(value, list | tuple) and all(fits_type(member, members[0]) for member in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(fits_type(member, members[1]) for member in value.values())
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, {int: Integral, float: Real}.get(wanted, wanted))


def type_text(wanted: Any, *, plural: bool = False) -> str:
    """
    Name an annotated type in words.

    Examples
    --------
    >>> from bayescannon.numerics.annotated import type_text
    >>> type_text(Mapping[str, Sequence[float]])
    'a table of lists of numbers'
    """
    origin, members = get_origin(wanted), get_args(wanted)
    if origin is UnionType:
        return " or ".join(type_text(member, plural=plural) for member in members if member is not type(None))
    if origin in (Sequence, Mapping):
        kind = "list" if origin is Sequence else "table"
        return f"{f'{kind}s' if plural else f'a {kind}'} of {type_text(members[-1], plural=True)}"
    return _TYPE_TEXT[wanted][plural]
