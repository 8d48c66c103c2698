"""
Convert what users pass to plain arrays: lists, frames, masked arrays, any byte order, numbers with units.

The constructors of the package call these functions. Input with one clear meaning is converted; anything else raises an
error that names it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.display import visible
from bayescannon.data.parts import a_kind, dtype_text, split
from bayescannon.data.units import to_unit
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import BoolArray, FloatArray


def numbers(
    given: Any, name: str, *, unit: Any = None, remedy: str = "", masked: float | None = None
) -> tuple[FloatArray, BoolArray | None]:
    """
    Return numbers as a float array in native byte order and C order, and their mask.

    float32 and float64 keep their type, float16 becomes float32, everything else float64. An array that needs no
    conversion is returned without a copy.

    Parameters
    ----------
    given : array-like
        See :func:`split`.
    name, remedy : str
        For messages.
    unit : astropy unit or str, optional
        Unit of the result; without it the unit of the input is ignored.
    masked : float, optional
        Value of masked numbers; without it they keep the value under the mask.

    Returns
    -------
    values : float array
    mask : bool array of the same shape, or None
        None where nothing is masked.

    Raises
    ------
    InputTypeError
        The values are not numbers.
    bayescannon.data.units.UnitError
        Their unit does not convert.

    Examples
    --------
    >>> import numpy as np
    >>> numbers(np.ma.array([1, 2], mask=[False, True]), "flux", masked=np.nan)
    (array([ 1., nan]), array([False,  True]))
    """
    parts = split(given, name)
    values, mask = parts.values, parts.mask
    if values.dtype.kind == "O":
        values = _objects_to_numbers(values, mask, name)
    if values.dtype.kind not in "fiu":
        raise InputTypeError(f"{name} holds {dtype_text(values)}; expected numbers")
    size = values.dtype.itemsize if values.dtype.kind == "f" else 8
    dtype = np.dtype(np.float32 if size in (2, 4) else np.float64)
    if values.dtype != dtype or not values.dtype.isnative or not values.flags.c_contiguous:
        values = np.array(values, dtype=dtype, order="C")
    if unit is not None:
        values = to_unit(values, parts.unit, unit, name, remedy=remedy)
    if mask is not None and not mask.any():
        mask = None
    if mask is not None and masked is not None:
        values = np.where(mask, values.dtype.type(masked), values)
    return values, mask


def texts(given: Any, name: str, *, missing_allowed: bool = False) -> NDArray[np.str_]:
    """
    Return names as a str array of shape (N,), without leading and trailing blanks.

    Bytes are decoded and whole numbers are written out. Floating-point numbers are refused: they cannot hold every
    digit of a name with 16 or more digits, such as Gaia's source_id.

    Parameters
    ----------
    given : array-like of N names
    name : str
        What they are, for messages.
    missing_allowed : bool
        Return a masked or empty name as ``""`` instead of raising an error.

    Raises
    ------
    InputError
        Floating-point numbers, or a missing name that is not allowed.
    InputTypeError
        Not a sequence of names.

    Examples
    --------
    >>> texts([b"star-1 ", 5, "c"], "id").tolist()
    ['star-1', '5', 'c']
    """
    parts = split(given, name)
    values = parts.values
    if values.ndim != 1:
        raise InputTypeError(f"{name} must have one name per star, for one star [{name}]; got shape {values.shape}")
    missing = np.zeros(len(values), dtype=bool) if parts.mask is None else parts.mask
    kind = values.dtype.kind
    if kind == "f":
        missing = missing | np.isnan(values)
        if not missing.all():
            _refuse_floats(values[~missing][0], name)
        found = np.full(len(values), "", dtype=np.str_)
    elif kind in "SUiu":
        found = np.char.decode(values, "utf-8", "replace") if kind == "S" else values.astype(np.str_)
    elif kind in "OT":
        found = np.array(
            ["" if gone else _text(one, name) for one, gone in zip(values.tolist(), missing, strict=True)],
            dtype=np.str_,
        )
    else:
        raise InputTypeError(f"{name} holds {dtype_text(values)}; expected names")
    if missing.any():
        found = np.where(missing, "", found)
    found = np.strings.strip(found)
    if not all(map(str.isascii, found.tolist())):
        found = np.array([visible(one, keep="") for one in found.tolist()], dtype=np.str_)
    if not missing_allowed and (found == "").any():
        star = int(np.flatnonzero(found == "")[0])
        raise InputError(f"{name} of star {star} is missing; every star needs a name")
    return found


def column(given: Any, name: str) -> NDArray[Any]:
    """
    Return one column of values per star: floats, whole numbers, bools or text in native byte order.

    A masked number becomes NaN, a masked text becomes empty.
    """
    parts = split(given, name)
    kind = parts.values.dtype.kind
    if kind in "SUT" or (kind == "O" and any(isinstance(one, str | bytes) for one in parts.values.ravel())):
        return texts(given, f"column {name!r}", missing_allowed=True)
    if kind in "biu" and (parts.mask is None or not parts.mask.any()):
        values = parts.values
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    if kind == "b":
        return np.where(np.asarray(parts.mask), np.nan, parts.values.astype(np.float64))
    unit = "" if parts.unit is not None else None
    return numbers(given, f"column {name!r}", unit=unit, masked=np.nan, remedy="give plain numbers")[0]


def bits(given: Any, name: str, *, missing: int) -> NDArray[np.uint64]:
    """
    Return quality bits as uint64, with the value `missing` where they are masked, NaN or -9999.

    The sign of a signed 32-bit number is read as bit 31, and booleans are read as bit 0.

    Raises
    ------
    InputTypeError
        The values are not whole numbers.
    """
    parts = split(given, name)
    raw = parts.values
    gone = np.zeros(raw.shape, dtype=bool) if parts.mask is None else parts.mask.copy()
    if raw.dtype.kind == "O":
        raw = _objects_to_numbers(raw, parts.mask, name)
    if raw.dtype.kind not in "biuf":
        raise InputTypeError(f"{name} holds {dtype_text(raw)}; expected whole numbers")
    if raw.dtype.kind == "f":
        gone |= ~np.isfinite(raw)
        broken = raw[~gone & (raw != np.floor(raw))]
        if len(broken):
            raise InputTypeError(f"{name} must hold whole numbers, which are bits; got {broken[0]:g}")
        raw = np.where(gone, 0, raw).astype(np.int64)
    gone |= raw == -9999
    if raw.dtype.kind == "i" and raw.dtype.itemsize <= 4:
        raw = raw.astype(np.int64) & 0xFFFFFFFF
    return np.where(gone, np.uint64(missing), raw.astype(np.uint64)).astype(np.uint64)


def number(given: Any, name: str, *, unit: Any = None, remedy: str = "") -> float:
    """Return one number as a float, NaN where it is masked or None; see :func:`numbers`."""
    if given is None:
        return float("nan")
    values, _ = numbers(given, name, unit=unit, remedy=remedy, masked=np.nan)
    if values.size != 1:
        raise InputTypeError(f"{name} must be one number; got shape {values.shape}")
    return float(values.reshape(()))


def _objects_to_numbers(values: NDArray[Any], mask: BoolArray | None, name: str) -> NDArray[np.float64]:
    """Turn an array of objects into floats, with NaN where a value is missing."""
    gone = np.zeros(values.shape, bool) if mask is None else mask
    odd = next((one for one in values[~gone].ravel() if isinstance(one, str | bytes | bool | complex)), None)
    try:
        if odd is not None:
            raise InputTypeError(f"{name} holds {odd!r} among its values; expected numbers")
        return np.where(gone, np.nan, values).astype(np.float64)
    except InputTypeError:
        raise
    except (TypeError, ValueError) as error:
        raise InputTypeError(
            f"{name} holds objects that are not numbers, or rows of different length: {error}"
        ) from None


def _text(one: Any, name: str) -> str:
    """Return one name as text."""
    if isinstance(one, bytes):
        return one.decode("utf-8", "replace")
    if isinstance(one, float | np.floating):
        return "" if np.isnan(one) else _refuse_floats(one, name)
    if isinstance(one, bool) or not isinstance(one, str | int | np.integer):
        raise InputTypeError(f"{name} holds {one!r}, {a_kind(one)}; expected names")
    return str(one)


def _refuse_floats(first: Any, name: str) -> Any:
    raise InputError(
        f"{name} must be text or whole numbers; got floating-point numbers, such as {float(first)!r}, which cannot "
        "hold every digit of a name with 16 or more digits. Read the column as text or as whole numbers, for instance "
        "with pandas.read_csv(..., dtype={'id': 'str'}), or dtype 'Int64', which also has missing values"
    )
