"""Arrays as texts that a page can hold and unpack: deflated, in base64, with what is needed to read them."""

import base64
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# steps of codes, and the code of values that are not finite
_STEPS = 65534
_MISSING = 65535
# a range is wide where the central 98 % of the values fill less than this share of it
_WIDE = 0.02

# values beyond it stand for nothing, and their differences could overflow
_HUGE = 1e300

# how the page names types of numbers
_TYPES = {"f8": "<f8", "f4": "<f4", "u2": "<u2", "u1": "|u1", "i4": "<i4"}


def pack(values: ArrayLike, kind: str = "f8") -> dict[str, Any]:
    """
    Return an array exactly, row after row.

    Parameters
    ----------
    values : array
    kind : str
        ``f8``, ``f4``, ``u2``, ``u1`` or ``i4``.

    Returns
    -------
    packed : dict
        ``kind``, ``shape`` and ``data``, which JSON can hold.
    """
    array = np.ascontiguousarray(values, dtype=_TYPES[kind])
    return {"kind": kind, "shape": list(array.shape), "data": _text(array.tobytes())}


def pack_values(values: ArrayLike, steps: int = _STEPS) -> dict[str, Any]:
    """
    Return values as codes of 16 bits.

    Their steps are equal: the range / `steps`. Of values whose range is much wider than that of most of them,
    asinh((value - median) / width) has equal steps.

    Parameters
    ----------
    values : float array of any shape
        NaN, infinite values and those beyond 1e300 become NaN.
    steps : int
        At most 65534. Fewer make a shorter text.

    Returns
    -------
    packed : dict
        As :func:`pack`, with ``low`` and ``step`` of the codes, and ``centre`` and ``width`` of asinh if it is used.

    Examples
    --------
    >>> packed = pack_values([4600.0, 4700.0, float("nan"), 5000.0])
    >>> packed["low"], round(packed["step"], 5)
    (4600.0, 0.0061)
    """
    array = np.asarray(values, dtype=np.float64)
    known = np.abs(array) < _HUGE
    mapped, stretch = array, {}
    if known.any():
        low, inner_low, centre, inner_high, high = np.quantile(array[known], [0, 0.01, 0.5, 0.99, 1])
        if 0 < inner_high - inner_low < _WIDE * (high - low):
            stretch = {"centre": float(centre), "width": float(inner_high - inner_low)}
            mapped = np.arcsinh((array - stretch["centre"]) / stretch["width"])
            low, high = mapped[known].min(), mapped[known].max()
        step = (high - low) / steps or 1.0
    else:
        low, step = 0.0, 1.0
    codes = np.full(array.shape, _MISSING, dtype=np.uint16)
    codes[known] = np.rint((mapped[known] - low) / step)
    return pack(codes, "u2") | {"low": float(low), "step": float(step)} | stretch


def unpack_values(packed: dict[str, Any]) -> NDArray[np.float64]:
    """Return the values that the page reads from what :func:`pack_values` made."""
    codes = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), dtype="<u2").astype(np.float64)
    values: NDArray[np.float64] = packed["low"] + packed["step"] * np.where(codes == _MISSING, np.nan, codes)
    if "width" in packed:
        values = packed["centre"] + packed["width"] * np.sinh(values)
    return values.reshape(packed["shape"])


def pack_codes(values: ArrayLike) -> dict[str, Any] | None:
    """Return whole numbers exactly, in as few bits as hold them; None if they do not fit into 16 bits."""
    array = np.asarray(values)
    low = int(array.min()) if array.size else 0
    reach = int(array.max()) - low if array.size else 0
    if reach >= _MISSING:
        return None
    # unsigned numbers of 64 bits may be beyond the signed ones
    codes = (array - array.min()) if array.size and array.dtype == np.uint64 else array.astype(np.int64) - low
    return pack(codes, "u1" if reach < 256 else "u2") | {"low": float(low), "step": 1.0}


def pack_texts(texts: Iterable[str]) -> dict[str, Any]:
    """Return texts exactly; line feeds in them become blanks."""
    joined = "\n".join(str(text).replace("\n", " ") for text in texts)
    return {"kind": "text", "data": _text(joined.encode("utf-8", "replace"))}


def size_of(packed: dict[str, Any]) -> int:
    """Return the length of what was packed [bytes]."""
    return len(packed["data"])


def _text(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 6)).decode("ascii")
