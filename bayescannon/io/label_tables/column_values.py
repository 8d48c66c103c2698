"""The values of single columns: numbers, names and bits, from whatever a table holds."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.convert import bits, numbers, texts
from bayescannon.data.label_table import MISSING_FLAGS
from bayescannon.data.parts import split
from bayescannon.io.label_tables.found_table import TableError
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray

# texts that stand for a missing number, in lower case
_NO_NUMBER = frozenset(
    ["", "nan", "null", "none", "na", "n/a", "<na>", "nat", "-", "--", "---", "----", "-----", "...", "indef", "undef",
     "undefined", "masked", "\\n", "inf", "-inf", "+inf", "infinity", "-infinity", "?"]
)  # fmt: skip
# and for a missing name
_NO_NAME = frozenset(["nan", "null", "none", "<na>", "n/a", "--", "---", "masked", "\\n"])
# a name longer than this is none
_LONGEST_NAME = 1000
_TRUTHS = {"true": 1, "t": 1, "yes": 1, "y": 1, "false": 0, "f": 0, "no": 0, "n": 0}


def column_numbers(given: Any, name: str, *, place: int | None = None) -> tuple[FloatArray, Any]:
    """
    Return a column as float64, NaN where it is masked, infinite or a text for a missing value; and its unit.

    Parameters
    ----------
    given : array-like
    name : str
        What it is, for messages.
    place : int, optional
        Which element, of a column of arrays.

    Raises
    ------
    TableError
        It does not hold numbers, or not one per row.
    """
    try:
        parts = split(given, name)
        if _is_text(parts.values):
            values, unit = _parsed(parts.values, parts.mask), parts.unit
        else:
            values = numbers(given, name, masked=np.nan)[0].astype(np.float64)
            unit = parts.unit
    except (InputTypeError, ValueError) as error:
        raise TableError(f"the column for {name!r} does not hold numbers: {error}") from error
    if place is not None and values.ndim == 2 and place < values.shape[1]:
        values = values[:, place]
    elif place is not None and values.ndim == 3 and place < min(values.shape[1:]):
        # the diagonal of a covariance
        values = np.sqrt(np.where(values[:, place, place] > 0, values[:, place, place], np.nan))
    if values.ndim != 1:
        raise TableError(
            f"the column for {name!r} must have one value per row; got shape {values.shape}. An element is named as "
            "COLUMN[0]"
        )
    return np.where(np.isfinite(values), values, np.nan), unit


def column_names(given: Any, name: str) -> NDArray[np.str_]:
    """
    Return a column of names as text, empty where it is masked or a text for a missing name.

    Raises
    ------
    TableError
        It holds floating-point numbers, which lose digits, or something else than names.
    """
    try:
        parts = split(given, name)
        if _is_text(parts.values):
            found = [_name(one) for one in parts.values.ravel().tolist()]
            if parts.mask is not None:
                found = ["" if gone else one for one, gone in zip(found, parts.mask.ravel().tolist(), strict=True)]
            _refuse_numbers(found, name)
            # arrays of text reserve the longest for every row
            given = np.array([one if len(one) <= _LONGEST_NAME else "" for one in found], dtype=np.str_)
        return texts(given, f"the column for {name!r}", missing_allowed=True)
    except InputError as error:
        raise TableError(str(error)) from error


def column_bits(given: Any, name: str = "flags") -> NDArray[np.uint64]:
    """
    Return a column as quality bits; a missing value becomes `MISSING_FLAGS`, and True bit 0.

    Raises
    ------
    TableError
        It holds neither whole numbers nor truth values.
    """
    what = f"the column for {name!r}"
    try:
        parts = split(given, what)
        if not _is_text(parts.values):
            return bits(given, what, missing=MISSING_FLAGS)
        found = [_text(one).strip() for one in parts.values.tolist()]
        masked = np.zeros(len(found), bool) if parts.mask is None else parts.mask
        if any(len(one) > 1 and one[0] == "0" and one.isdigit() for one in found):
            raise InputTypeError(
                f"{what} holds numbers such as {next(one for one in found if len(one) > 1 and one[0] == '0')}, which "
                "could be single bits or a decimal number; write whole decimal numbers, or 0x and a hexadecimal one"
            )
        values = [_bit(one, what) for one in found]
        gone = masked | np.array([value is None for value in values], dtype=bool)
        whole = np.array([0 if value is None else value & 0xFFFFFFFFFFFFFFFF for value in values], dtype=np.uint64)
        return np.where(gone, np.uint64(MISSING_FLAGS), whole)
    except InputTypeError as error:
        raise TableError(str(error)) from error


def _bit(text: str, what: str) -> int | None:
    """Read one flag; None if it is missing."""
    if text.lower() in _TRUTHS:
        return _TRUTHS[text.lower()]
    if text.lower() in _NO_NUMBER:
        return None
    try:
        if text[:2].lower() == "0x":
            return int(text, 16)
        value = int(text) if "." not in text and "e" not in text.lower() else float(text)
    except ValueError:
        raise InputTypeError(
            f"{what} holds text, such as {text[:30]!r}; expected whole numbers, which are bits. Names of flags are in "
            "another column than the bits themselves"
        ) from None
    if value != int(value):
        raise InputTypeError(f"{what} must hold whole numbers, which are bits; got {text}")
    return None if value == -9999 else int(value)


def _is_text(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "O":
        return any(isinstance(one, str | bytes) for one in values.ravel().tolist())
    return values.dtype.kind in "SUT"


def _text(one: Any) -> str:
    return one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)


def _parsed(values: NDArray[Any], mask: Any) -> FloatArray:
    """Read numbers that are written as text."""
    found = np.full(values.shape, np.nan).ravel()
    gone = np.zeros(len(found), bool) if mask is None else np.asarray(mask).ravel()
    for row, one in enumerate(values.ravel().tolist()):
        if gone[row]:
            continue
        if isinstance(one, bool):
            raise InputTypeError(f"{one} in row {row + 1} is a truth value")
        text = _text(one).strip() if isinstance(one, str | bytes) else one
        if isinstance(text, str) and text.lower() in _NO_NUMBER:
            continue
        try:
            if isinstance(text, str) and "_" in text:
                raise ValueError
            found[row] = float(text.replace("\u2212", "-") if isinstance(text, str) else text)
        except (TypeError, ValueError):
            shown = repr(text if len(str(text)) <= 40 else str(text)[:37] + "...")
            raise InputTypeError(f"{shown} in row {row + 1} is none{_remedy(str(text), row)}") from None
    return found.reshape(values.shape)


def _remedy(text: str, row: int) -> str:
    """Say what a text could be that is no number, and what to do."""
    if re.fullmatch(r"[-+]?\d{1,3}([.,\u00a0\u202f '’]\d{3})+([.,]\d*)?", text):
        return "; write numbers without signs between their thousands"
    if re.fullmatch(r"[-+]?\d+,\d*", text):
        return "; a decimal comma? Write numbers with a point, or all of them with a comma and ; between the cells"
    if text.endswith("%"):
        return "; write numbers without %, in the label's unit"
    if re.fullmatch(r"[<>~≤≥≲≳].*", text):
        return "; a limit is no measured value: leave the cell empty, or write the number alone"
    if "±" in text or "+/-" in text or "+-" in text:
        return "; write the error into a column of its own, named as e_teff"
    if re.fullmatch(r"[-+]?[\d.]+\s*[^\W\d]+.*", text):
        return "; write the number alone, and its unit with --units NAME=UNIT (units={'NAME': 'UNIT'})"
    return "; is it a second line of names?" if row == 0 else ""


def _name(one: Any) -> str:
    text = _text(one).strip().strip("\0").strip() if one is not None else ""
    return "" if text.lower() in _NO_NAME else text


def _refuse_numbers(found: Sequence[str], name: str) -> None:
    """Raise if all names are numbers that went through floating point, which loses digits of long ones."""
    filled = [one for one in found if one]
    if filled and all(("." in one or "e" in one.lower()) and _is_float(one) for one in filled):
        _ = texts(np.array([float(filled[0])]), f"the column for {name!r}")


def _is_float(text: str) -> bool:
    """Tell whether a text is a whole number with a point or an exponent, as 4.6e+18 or 123.0."""
    try:
        return float(text).is_integer()
    except (ValueError, OverflowError):
        return False
