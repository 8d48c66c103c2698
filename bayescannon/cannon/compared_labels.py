"""How one label of two catalogues compares over a selection of stars: bias, scatter, slope and pulls."""

from dataclasses import dataclass

import numpy as np

from bayescannon.cannon.validation import robust_scatter
from bayescannon.data.labels import Label
from bayescannon.numerics.deming import deming_slope
from bayescannon.numerics.typing import BoolArray, FloatArray


@dataclass(frozen=True)
class ComparedLabel:
    """
    A - B of one label over one selection of stars.

    Attributes
    ----------
    selection : str
        ``"all"``, ``"unflagged"``, or a range of S/N.
    label, unit : str
    n_stars : int
        Stars that have the label in both.
    bias, bias_error : float
        Mean of A - B, and its standard error.
    median : float
    scatter, robust_scatter : float
        Standard deviation, and half of the central 68.3 %, of A - B.
    slope, slope_error : float
        Of A on B, see :func:`bayescannon.numerics.deming.deming_slope`, with the ratio of the mean squared errors of A
        and B. A catalogue without errors counts as exact where the other has some; without any, B does.
    pull_median, pull_width : float
        Median and half of the central 68.3 % of (A - B) / error of the difference; NaN where neither has errors.
    within_error : float
        Share of the stars whose difference is within its error: 0.683 where errors are right.
    """

    selection: str
    label: str
    unit: str
    n_stars: int
    bias: float
    bias_error: float
    median: float
    scatter: float
    robust_scatter: float
    slope: float
    slope_error: float
    pull_median: float
    pull_width: float
    within_error: float


def compare_label(
    label: Label, values: tuple[FloatArray, FloatArray], errors: tuple[FloatArray, FloatArray], selection: str
) -> ComparedLabel:
    """
    Compare one label of the same stars in two catalogues.

    Parameters
    ----------
    label : Label
    values, errors : pairs of float arrays of shape (N,)
        Of A and B. A missing value or error is NaN.
    selection : str
        What stars they are.
    """
    known = np.isfinite(values[0]) & np.isfinite(values[1])
    a, b = (one[known] for one in values)
    off, nothing = a - b, float("nan")
    pull = pulls(values, errors)[known]
    pull = pull[np.isfinite(pull)]
    n_stars = len(off)
    slope, slope_error = deming_slope(b, a, ratio=_ratio(errors, known)) if n_stars else (nothing, nothing)
    return ComparedLabel(
        selection=selection,
        label=label.name,
        unit=label.unit,
        n_stars=n_stars,
        bias=float(off.mean()) if n_stars else nothing,
        bias_error=float(off.std(ddof=1) / np.sqrt(n_stars)) if n_stars > 1 else nothing,
        median=float(np.median(off)) if n_stars else nothing,
        scatter=float(off.std()) if n_stars else nothing,
        robust_scatter=robust_scatter(off),
        slope=slope,
        slope_error=slope_error,
        pull_median=float(np.median(pull)) if len(pull) else nothing,
        pull_width=robust_scatter(pull),
        within_error=float(np.mean(np.abs(pull) <= 1)) if len(pull) else nothing,
    )


def pulls(values: tuple[FloatArray, FloatArray], errors: tuple[FloatArray, FloatArray]) -> FloatArray:
    """
    Return (A - B) / error of the difference of every star.

    An error that one catalogue lacks counts as 0; NaN where both lack it, or the sum is 0.
    """
    variance = np.zeros(len(values[0]))
    for one in errors:
        variance += np.where(np.isfinite(one), one, 0.0) ** 2
    off = values[0] - values[1]
    pull: FloatArray = np.divide(off, np.sqrt(variance), out=np.full(len(off), np.nan), where=variance > 0)
    return pull


def _ratio(errors: tuple[FloatArray, FloatArray], known: BoolArray) -> float:
    """Return the ratio of the mean squared errors of A and B; infinite where B is exact, or neither has errors."""
    squares = [one[known & np.isfinite(one)] ** 2 for one in errors]
    a, b = (float(one.mean()) if len(one) else 0.0 for one in squares)
    return a / b if b > 0 else float("inf")
