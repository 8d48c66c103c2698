"""Symmetric matrices packed as upper triangles, so that weighted sums of outer products are one matrix product."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray


def pack_products(vectors: FloatArray) -> FloatArray:
    """
    Return the products v_k v_l, k <= l, of each vector.

    Parameters
    ----------
    vectors : float array of shape (n, T)

    Returns
    -------
    products : float array of shape (n, T (T + 1) / 2)
    """
    k, l = np.triu_indices(vectors.shape[1])  # noqa: E741 - the indices of the paper
    return vectors[:, k] * vectors[:, l]


def unpack_symmetric(packed: FloatArray, size: int) -> FloatArray:
    """
    Return the symmetric matrices whose upper triangles are packed in rows.

    Parameters
    ----------
    packed : float array of shape (n, T (T + 1) / 2)
    size : int
        T.

    Returns
    -------
    matrices : float array of shape (n, T, T)
    """
    # in C order, whatever the number of rows
    return np.take(packed, _packed_index(size), axis=1)


@lru_cache(maxsize=64)
def _packed_index(size: int) -> NDArray[np.intp]:
    """Return where each element of a symmetric matrix is in its packed upper triangle, shape (size, size)."""
    k, l = np.triu_indices(size)  # noqa: E741
    index = np.empty((size, size), dtype=np.intp)
    index[k, l] = index[l, k] = np.arange(len(k))
    index.flags.writeable = False
    return index


def changed_products(products: FloatArray, change: FloatArray) -> FloatArray:
    """Return M P M^T of symmetric matrices P (n, T, T), by two products of large matrices."""
    size = len(change)
    half = (products.reshape(-1, size) @ change.T).reshape(products.shape)
    return (half.transpose(0, 2, 1).reshape(-1, size) @ change.T).reshape(products.shape)
