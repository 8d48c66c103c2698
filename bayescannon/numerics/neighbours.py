"""Exact mean distances to the nearest points of a reference set, by a k-d tree."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.threads import n_cores
from bayescannon.numerics.typing import FloatArray


def mean_distance(
    points: FloatArray,
    reference: FloatArray,
    *,
    neighbours: int,
    root: bool = False,
    leave_one_out: bool = False,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """
    Return the mean (squared) Euclidean distance of points to their nearest reference points, exactly.

    Parameters
    ----------
    points : float array of shape (N, K)
        A point with a value that is not finite gets NaN.
    reference : float array of shape (M, K)
        Finite.
    neighbours : int
        Number of nearest reference points in the mean.
    root : bool
        Average distances, not their squares.
    leave_one_out : bool
        `points` are the reference points, in the same order, and none is its own neighbour.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    distance : float array of shape (N,)

    Raises
    ------
    InputError
        Fewer reference points than `neighbours`, or shapes that do not match.
    """
    if points.ndim != 2 or reference.ndim != 2 or points.shape[1] != reference.shape[1]:
        raise InputError(
            f"points and reference must have the same number of columns; got shapes {points.shape} and "
            f"{reference.shape}"
        )
    available = len(reference) - leave_one_out
    if not 1 <= neighbours <= available:
        raise InputError(
            f"neighbours must be between 1 and the number of reference stars, {max(available, 0)}; got {neighbours}. "
            "Take more reference stars or fewer neighbours"
        )
    if leave_one_out and len(points) != len(reference):
        raise InputError(
            f"leave_one_out needs the {len(reference)} reference points as points; got {len(points)} points. Give the "
            "reference points"
        )
    usable = np.isfinite(points).all(axis=1)
    result = np.full(len(points), np.nan)
    if not usable.any():
        return result
    k = neighbours + leave_one_out
    distance, index = cKDTree(reference).query(points[usable], k=np.arange(1, k + 1), workers=workers or n_cores())
    if leave_one_out:
        # among duplicates the point itself need not come first; if it was not found, the last one is equally near
        own = index == np.flatnonzero(usable)[:, None]
        own[~own.any(axis=1), -1] = True
        distance = distance[~own].reshape(-1, neighbours)
    result[usable] = (distance if root else distance**2).mean(axis=1)
    return result
