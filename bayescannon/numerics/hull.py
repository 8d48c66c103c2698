"""
Distances outside the convex hull of reference points, without its facets, whose number grows fast with the dimension.

A point x is outside the hull of points r_m exactly if there is a direction u with u . x > h(u) = max_m u . r_m, the
hull's support function. Many fixed directions give a signed margin, a lower bound of the distance outside.
"""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.tiles import star_product
from bayescannon.numerics.typing import FloatArray

_BLOCK = 1024


def fixed_directions(n_label: int, n_direction: int = 2000, *, seed: int = 0) -> NDArray[np.float64]:
    """
    Return unit vectors, shape (n, K): both directions of every axis, and others spread evenly at random.

    One label has two directions only.
    """
    axes = np.concatenate([np.eye(n_label), -np.eye(n_label)])
    if n_label == 1:
        return axes
    drawn = np.random.default_rng(seed).standard_normal((max(n_direction - len(axes), 0), n_label))
    return np.concatenate([axes, drawn / np.linalg.norm(drawn, axis=1, keepdims=True)])


def hull_margin(
    points: FloatArray,
    reference: FloatArray,
    directions: FloatArray,
    *,
    leave_one_out: bool = False,
    workers: int | None = None,
) -> NDArray[np.float64]:
    r"""
    Return the signed margin :math:`\max_u (u \cdot x - h(u))` outside the hull, over directions u.

    Parameters
    ----------
    points : float array of shape (N, K)
        A point with a value that is not finite gets NaN.
    reference : float array of shape (M, K)
    directions : float array of shape (n, K)
        Unit vectors.
    leave_one_out : bool
        Point n is compared with the hull of the reference points other than point n.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    margin : float array of shape (N,)
        Positive: certainly outside, and at least this far. Negative: not outside along any of the directions.
    """
    projected = reference @ directions.T
    if leave_one_out:
        order = np.argpartition(projected, -2, axis=0)
        first, each = order[-1], np.arange(len(directions))
        support, second = projected[first, each], projected[order[-2], each]
    else:
        support = projected.max(axis=0)
    margin = np.empty(len(points))

    def one(part: slice) -> None:
        reach = star_product(points[part], directions.T) - support
        if leave_one_out:
            rows = first - part.start
            mine = (rows >= 0) & (rows < len(reach))
            reach[rows[mine], each[mine]] += (support - second)[mine]
        margin[part] = reach.max(axis=1)

    map_blocks(one, len(points), _BLOCK, workers)
    return np.where(np.isfinite(points).all(axis=1), margin, np.nan)
