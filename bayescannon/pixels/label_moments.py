r"""
Exact moments of the label vector for Gaussian labels; v is quadratic in the labels.

With l = m + d, d ~ Normal(0, S) and v(l) = v(m) + J d + q(d), where q holds d_i d_j in the quadratic terms,

    E[v] = v(m) + E[q],     E[d_i d_j] = S_ij,
    Cov(v) = J S J^T + Cov(q),     Cov(d_i d_j, d_k d_l) = S_ik S_jl + S_il S_jk

(Isserlis 1918, Biometrika 12, 134; the covariance of J d and q is of odd order and therefore 0). Since v_0 = 1, the
first row of E[v v^T] is E[v], so one matrix per star holds both.
"""

import numpy as np

from bayescannon.models.label_vector import label_vector, label_vector_jacobian, n_terms, term_pairs
from bayescannon.numerics.packing import changed_products
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import LabelMoments


def vector_products(mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """
    Return E[v v^T] for l ~ Normal(mean, covariance).

    Parameters
    ----------
    mean : float array of shape (star, K)
        Scaled labels.
    covariance : float array of shape (star, K, K)

    Returns
    -------
    products : float array of shape (star, T, T)
    """
    n_label = mean.shape[1]
    i, j = term_pairs(n_label)
    quadratic = slice(1 + n_label, None)
    vectors, jacobian = label_vector(mean), label_vector_jacobian(mean)
    vectors[:, quadratic] += covariance[:, i, j]
    products = jacobian @ covariance @ jacobian.transpose(0, 2, 1)
    products[:, quadratic, quadratic] += (
        covariance[:, i[:, None], i] * covariance[:, j[:, None], j]
        + covariance[:, i[:, None], j] * covariance[:, j[:, None], i]
    )
    products += vectors[:, :, None] * vectors[:, None, :]
    return products


def packed_moments(products: FloatArray) -> LabelMoments:
    """Pack E[v v^T] of shape (star, T, T), whose first row is E[v], for the pixel fit."""
    k, l = np.triu_indices(products.shape[1])  # noqa: E741 - the indices of the paper
    return LabelMoments.uncertain(np.ascontiguousarray(products[:, 0]), products[:, k, l])


def vector_map(matrix: FloatArray, offset: FloatArray) -> FloatArray:
    """
    Return M with v(matrix l + offset) = M v(l), which exists because quadratic functions are closed under affine maps.

    Parameters
    ----------
    matrix : float array of shape (K, K)
    offset : float array of shape (K,)

    Returns
    -------
    map : float array of shape (T, T)
    """
    n_label = len(offset)
    i, j = term_pairs(n_label)
    linear = np.column_stack([offset, matrix])
    result = np.zeros((n_terms(n_label), n_terms(n_label)))
    result[0, 0] = 1.0
    result[1 : 1 + n_label, : 1 + n_label] = linear
    for row, (p, q) in enumerate(zip(i, j, strict=True), start=1 + n_label):
        # (offset_p + g_p . l)(offset_q + g_q . l), term by term
        product = np.outer(linear[p], linear[q])
        product = product + product.T - np.diag(np.diag(product))
        result[row, 0] = product[0, 0]
        result[row, 1 : 1 + n_label] = product[0, 1:]
        result[row, 1 + n_label :] = product[1 + i, 1 + j]
    return result


def standardise_hidden(products: FloatArray, n_label: int) -> FloatArray:
    """Change the hidden components in E[w w^T] to unit variance over the stars, uncorrelated with the label vectors."""
    size = n_terms(n_label)
    if products.shape[1] == size:
        return products
    change = np.eye(products.shape[1])
    total = products.mean(axis=0)
    slope = np.linalg.solve(total[:size, :size], total[:size, size:]).T
    root = np.linalg.cholesky(total[size:, size:] - slope @ total[:size, size:])
    change[size:, size:] = np.linalg.inv(root)
    change[size:, :size] = -change[size:, size:] @ slope
    return changed_products(products, change)
