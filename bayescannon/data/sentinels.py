"""Numbers that stand for a missing value in a column, such as -999, 99.99 or 1e20, told from the other values."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import BoolArray, FloatArray

# nines, as -9999.99; in six digits, since single precision has no more
_NINES = re.compile(r"-?(9{2,}(\.9+)?|9\.9+)")
_LIMITS = (-32768.0, 32767.0, -2147483648.0, 2147483647.0)
_HUGE = 1e18
# up to this all surveys mean a missing value
_ALWAYS = -9990.0
# a value is far from the others if it is this many widths (5 to 95 per cent of the distinct values) beyond them
_FAR = 1.0
# a value repeats if it does so this many times, and so many times more often than the others do in the median
_REPEATS = 5
_OFTENER = 4
# below this share of the rows a value that repeats is not worth a word
_SHARE = 0.02


@dataclass(frozen=True)
class Repeated:
    """
    A value of a column and the number of its rows.

    Attributes
    ----------
    value : float
    count : int
    missing : bool
        Whether it stands for a missing value; False is a value that repeats and could do so.
    """

    value: float
    count: int
    missing: bool


def looks_missing(value: float) -> bool:
    """
    Tell whether a number is one that surveys write for a missing value: nines, limits of integers, huge ones.

    Examples
    --------
    >>> [looks_missing(value) for value in (-999.0, 99.99, 1e20, -32768.0, 0.0, 4999.0)]
    [True, True, True, True, False, False]
    """
    return abs(value) >= _HUGE or value in _LIMITS or _NINES.fullmatch(f"{value:.6g}") is not None


def repeated_values(values: FloatArray) -> list[Repeated]:
    """
    Find the values of a column that stand for missing ones, and those that repeat so often that they could.

    A number as surveys write it (see :func:`looks_missing`) is missing if it is far from the other values, or repeats;
    any other number if it is far and repeats. -9990 and below is always missing. What is near the other values, such as
    0 among abundances, is reported only.

    Parameters
    ----------
    values : float array of shape (N,)
        In the unit of the table; NaN is missing already.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.data.sentinels import repeated_values
    >>> repeated_values(np.array([-0.5, 0.1, -999.0, 0.3, -999.0]))
    [Repeated(value=-999.0, count=2, missing=True)]
    """
    values = values[np.isfinite(values)]
    unique, counts = np.unique(values, return_counts=True)
    if not len(unique):
        return []
    odd = np.array([looks_missing(value) for value in unique.tolist()])
    often = _often(counts, counts[~odd])
    # values that repeat do not tell where the others are, if enough others are left
    aside = odd | often if (~(odd | often)).sum() >= _REPEATS else odd
    far = _far(unique, aside)
    # a single 99 is a value like any other, a single -999 is not
    telling = (np.abs(unique) >= 990) | (counts > 1) | ((unique < 0) & (unique[~odd] >= 0).all())
    gone = (unique <= _ALWAYS) | (odd & far & telling) | (odd & often & (np.abs(unique) >= 99)) | (far & often)
    noted = ~gone & often & (counts >= _SHARE * len(values)) & (np.median(counts) == 1)
    return [
        Repeated(float(unique[k]), int(counts[k]), missing=bool(gone[k])) for k in np.flatnonzero(gone | noted).tolist()
    ]


def _often(counts: NDArray[np.intp], others: NDArray[np.intp]) -> BoolArray:
    """Return which values repeat, against the counts of the values that do not look missing."""
    usual = np.median(others) if len(others) else 1.0
    often: BoolArray = (counts >= _REPEATS) & (counts > _OFTENER * usual)
    return often


def _far(unique: FloatArray, odd: BoolArray) -> BoolArray:
    """Return which values are far from those that do not look missing."""
    others = unique[~odd]
    if not len(others):
        return np.abs(unique) >= 99
    low, high = np.quantile(others, [0.05, 0.95])
    width = max(_FAR * (high - low), 0.1 * max(abs(low), abs(high)))
    far: BoolArray = (unique < low - width) | (unique > high + width)
    return far
