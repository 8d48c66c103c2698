"""Symmetric matrices packed as upper triangles, so that weighted sums of outer products are one matrix product."""

import numpy as np

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
    k, l = np.triu_indices(size)  # noqa: E741
    index = np.empty((size, size), dtype=np.intp)
    index[k, l] = index[l, k] = np.arange(len(k))
    return packed[:, index]
