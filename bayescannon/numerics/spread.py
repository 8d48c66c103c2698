"""Choose points that are spread over a set of points."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray


def spread_rows(points: FloatArray, n_rows: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """
    Draw rows one by one, with probabilities in proportion to the square distance from the nearest one before.

    This is the seeding of k-means++ (Arthur & Vassilvitskii 2007, section 2.2): the rows cover the points, and a
    distant point alone is not sure to be among them. The first n of a longer draw are the same.

    Parameters
    ----------
    points : float array of shape (N, K)
    n_rows : int
        At most N.
    rng : numpy.random.Generator

    Returns
    -------
    rows : int array of shape (n_rows,)
        All different.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.repeat([[0.0], [10.0], [20.0]], [97, 2, 1], axis=0)
    >>> spread_rows(points, 3, np.random.default_rng(0)) > 96
    array([False,  True,  True])
    """
    rows = np.empty(n_rows, dtype=np.intp)
    left = np.ones(len(points), dtype=bool)
    distance = np.full(len(points), np.inf)
    for n in range(n_rows):
        # before the first, and where every point left has the place of a chosen one, all are equally likely
        weight = np.where(left, distance if n else 1.0, 0.0)
        summed = np.cumsum(weight if weight.any() else left)
        rows[n] = min(np.searchsorted(summed, rng.random() * summed[-1], side="right"), len(points) - 1)
        left[rows[n]] = False
        distance = np.minimum(distance, ((points - points[rows[n]]) ** 2).sum(axis=1))
    return rows
