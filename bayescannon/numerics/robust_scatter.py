"""Mean and covariance of points, of which a few are far outside and count little."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import BoolArray, FloatArray

# degrees of freedom of the Student-t; of K + 3 parts of the weight of a central point an outlier at d has (K + 3) / d^2
_DOF = 3.0
_ROUNDS, _TOLERANCE = 100, 1e-6
# an outlier is so many standard deviations away: of 11,000 real giants with labels of a survey none is
_OUTLYING = 10.0
# more outliers than this share, and than so many, are a population of their own
_FEW_SHARE, _FEW = 0.02, 2
# widths below this fraction of the largest are raised to it, so that collinear points have distances
_MIN_RELATIVE_WIDTH = 0.01


def robust_distance(points: FloatArray) -> NDArray[np.float64]:
    """
    Return how far each point is from the others, in standard deviations of a Gaussian core.

    Mean and covariance are those of a multivariate Student-t with three degrees of freedom, by maximum likelihood
    (Lange, Little & Taylor 1989, J. Am. Stat. Assoc. 84, 881); distances are scaled so that their median is that of a
    Gaussian.

    Parameters
    ----------
    points : float array of shape (N, K)
        Finite, N > K.

    Returns
    -------
    distance : float array of shape (N,)
    """
    from scipy.stats import chi2

    n_axis = points.shape[1]
    mean, covariance = np.median(points, axis=0), np.atleast_2d(np.cov(points, rowvar=False))
    square = _square_distance(points, mean, covariance)
    for _ in range(_ROUNDS):
        before, weight = square, (_DOF + n_axis) / (_DOF + square)
        mean = weight @ points / weight.sum()
        off = points - mean
        covariance = (weight[:, None] * off).T @ off / len(points)
        square = _square_distance(points, mean, covariance)
        if np.abs(square - before).max() <= _TOLERANCE * max(square.max(), 1.0):
            break
    middle = np.median(square)
    result: NDArray[np.float64] = np.sqrt(square * (chi2.median(n_axis) / middle if middle > 0 else 1.0))
    return result


def few_outliers(points: FloatArray) -> BoolArray:
    """
    Tell which points, shape (N,), are outliers: ten standard deviations away, and few.

    If more than two, and more than 2 % of all, are that far, they are no outliers but a population, and none is told.
    """
    outlying: BoolArray = robust_distance(points) > _OUTLYING
    if outlying.sum() > max(_FEW, _FEW_SHARE * len(points)):
        return np.zeros(len(points), dtype=bool)
    return outlying


def _square_distance(points: FloatArray, mean: FloatArray, covariance: FloatArray) -> NDArray[np.float64]:
    """Return squared Mahalanobis distances."""
    result: NDArray[np.float64] = (((points - mean) @ whitening(covariance)) ** 2).sum(axis=1)
    return result


def whitening(covariance: FloatArray) -> NDArray[np.float64]:
    """Return W, shape (K, K), with W^T C W = 1 for a covariance C whose widths are bounded below."""
    values, vectors = np.linalg.eigh(covariance)
    width = np.sqrt(np.maximum(values, 0.0))
    least = max(_MIN_RELATIVE_WIDTH * width[-1], np.finfo(float).tiny)
    result: NDArray[np.float64] = vectors / np.maximum(width, least)
    return result
