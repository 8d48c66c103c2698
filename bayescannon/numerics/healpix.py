"""
Pixels of the sky in the nested scheme of HEALPix (Gorski et al. 2005, ApJ 622, 759).

Twelve faces are split into four, again and again: a pixel of order k has a quarter of the area of one of order k - 1,
and its number, shifted by two bits, is that of the pixel around it.
"""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray

# the finest order whose numbers fit into 64 bits
FINEST = 29


def nested_pixels(ra: FloatArray, dec: FloatArray, order: int = FINEST) -> NDArray[np.int64]:
    """
    Return the pixels of positions.

    Parameters
    ----------
    ra, dec : float arrays of shape (N,)
        In degrees, finite.
    order : int
        From 0 to 29.

    Returns
    -------
    pixel : int array of shape (N,)

    Examples
    --------
    >>> nested_pixels(np.array([10.0, 45.0]), np.array([0.0, 89.9]), 0).tolist()
    [4, 0]
    """
    side = 1 << order
    quarter = np.mod(np.asarray(ra, dtype=np.float64), 360.0) / 90.0
    height = np.sin(np.deg2rad(dec))
    # the belt around the equator
    along, across = side * (0.5 + quarter), side * 0.75 * height
    rising, falling = (np.floor(x).astype(np.int64) for x in (along - across, along + across))
    first, second = rising >> order, falling >> order
    face = np.where(first == second, first | 4, np.where(first < second, first, second + 8))
    x, y = falling & (side - 1), side - 1 - (rising & (side - 1))
    # the caps around the poles: sqrt(3 (1 - |z|)), without loss of digits at the pole
    is_cap = np.abs(height) > 2 / 3
    width = side * np.sqrt(6.0) * np.sin(np.deg2rad((90.0 - np.abs(dec)) / 2))
    sector = np.minimum(quarter.astype(np.int64), 3)
    left, right = (
        np.minimum((share * width).astype(np.int64), side - 1)
        for share in (quarter - sector, 1 - (quarter - sector))
    )  # fmt: skip
    is_north = np.asarray(dec) >= 0
    face = np.where(is_cap, np.where(is_north, sector, sector + 8), face)
    x = np.where(is_cap, np.where(is_north, side - 1 - right, left), x)
    y = np.where(is_cap, np.where(is_north, side - 1 - left, right), y)
    # the face of a position a rounding error beyond the last one
    pixel: NDArray[np.int64] = ((face % 12) << (2 * order)) + _spread(x) + (_spread(y) << 1)
    return pixel


def _spread(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put a zero between the bits of numbers below 2^29."""
    spread = values.astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F), (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):  # fmt: skip
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread.astype(np.int64)
