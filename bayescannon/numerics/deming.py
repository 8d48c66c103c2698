"""A straight line through points of which both coordinates have errors."""

import numpy as np
from numpy.typing import ArrayLike

from bayescannon.numerics.typing import FloatArray

# groups of points that are left out in turn for the error of the slope
_GROUPS = 20


def deming_slope(x: ArrayLike, y: ArrayLike, *, ratio: float) -> tuple[float, float]:
    r"""
    Fit the slope of y on x by Deming's regression, with its jackknife error.

    With :math:`\delta` the ratio of the error variances of y and x and S the second moments,

    .. math:: b = \frac{S_{yy} - \delta S_{xx} + \sqrt{(S_{yy} - \delta S_{xx})^2 + 4 \delta S_{xy}^2}}{2 S_{xy}}

    is the maximum of the likelihood of Gaussian errors. An infinite ratio is least squares of y on x, 0 of x on y.

    Parameters
    ----------
    x, y : arrays of shape (N,)
        Finite.
    ratio : float
        Of the variance of the errors of y to that of the errors of x.

    Returns
    -------
    slope, error : float
        NaN of fewer than three points or of points without spread; the error needs 20 points.

    Examples
    --------
    >>> deming_slope([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], ratio=1.0)[0]
    2.0
    """
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    slope = _slope(first, second, ratio)
    if len(first) < _GROUPS:
        return slope, float("nan")
    group = np.arange(len(first)) % _GROUPS
    without = np.array([_slope(first[group != k], second[group != k], ratio) for k in range(_GROUPS)])
    return slope, float(np.sqrt((_GROUPS - 1) / _GROUPS * np.sum((without - without.mean()) ** 2)))


def _slope(x: FloatArray, y: FloatArray, ratio: float) -> float:
    if len(x) < 3:
        return float("nan")
    dx, dy = x - x.mean(), y - y.mean()
    sxx, syy, sxy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    if not (sxx > 0 and syy > 0 and sxy != 0):
        return float("nan")
    if np.isinf(ratio):
        return sxy / sxx
    difference = syy - ratio * sxx
    root = float(np.hypot(difference, 2 * np.sqrt(ratio) * sxy))
    # of two forms of the same root, the one that does not subtract numbers that are alike
    if difference >= 0:
        return (difference + root) / (2 * sxy)
    return 2 * ratio * sxy / (root - difference)
