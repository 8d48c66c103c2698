"""
Tiles of stars: what is computed of a star does not depend, to the byte, on how many stars are computed with it.

The sums of a matrix product depend on the number of its rows, since libraries take other kernels for few rows and for
what is left over at an end. Products over stars are therefore made of tiles: 128 consecutive stars from the first on,
the last one filled up with zeros. A star has the same place in its tile whether a survey is computed whole or in blocks
of a multiple of 128 stars, with any number of threads or processes.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.tile_size import STAR_TILE
from bayescannon.numerics.typing import FloatArray


def map_tiles[T](function: Callable[[slice], T], n: int, workers: int | None = None) -> list[T]:
    """Call a function on the slices of consecutive tiles of n stars, in threads: see :func:`map_blocks`."""
    return map_blocks(function, n, STAR_TILE, workers)


def star_product(rows: FloatArray, matrix: FloatArray, *, workers: int | None = 1) -> FloatArray:
    """
    Return the product of rows of stars and a matrix, of which each row depends on its own star only.

    Parameters
    ----------
    rows : float array of shape (N, T)
    matrix : float array of shape (T, M)
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    product : float array of shape (N, M)

    Examples
    --------
    >>> import numpy as np
    >>> rows, matrix = np.random.default_rng(0).normal(size=(129, 40)), np.ones((40, 3))
    >>> bool((star_product(rows, matrix)[128] == star_product(rows[128:], matrix)[0]).all())
    True
    """
    result: FloatArray = np.empty((len(rows), matrix.shape[1]), dtype=np.result_type(rows, matrix))

    def one(part: slice) -> None:
        result[part] = (filled_tile(rows[part]) @ matrix)[: part.stop - part.start]

    map_tiles(one, len(rows), workers)
    return result


def filled_tile(rows: FloatArray) -> FloatArray:
    """Return at most 128 rows with rows of zeros after them, contiguous, shape (128, ...)."""
    if len(rows) == STAR_TILE:
        return np.ascontiguousarray(rows)
    result = np.zeros((STAR_TILE, *rows.shape[1:]), dtype=rows.dtype)
    result[: len(rows)] = rows
    return result


def join_tiles(parts: Sequence[Any]) -> Any:
    """
    Join what was computed of tiles: arrays along the stars, dataclasses of them field by field.

    What is the same object in all parts, or None, stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> join_tiles([np.zeros(2), np.ones(1)])
    array([0., 0., 1.])
    """
    first: Any = parts[0]
    if all(part is first for part in parts):
        return first
    if is_dataclass(first):
        kind: Any = type(first)
        names = [item.name for item in fields(first)]
        return kind(**{name: join_tiles([getattr(part, name) for part in parts]) for name in names})
    return np.concatenate(parts)
