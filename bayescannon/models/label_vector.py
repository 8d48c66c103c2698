r"""The quadratic label vector :math:`v(\ell)`: its terms, their order and its derivatives.

For K scaled labels the vector holds T = 1 + K + K (K + 1) / 2 terms (Ho et al. 2017, eq. 6):

    v(l) = (1, l_0 ... l_{K-1}, l_0 l_0, l_0 l_1, ..., l_0 l_{K-1}, l_1 l_1, ..., l_{K-1} l_{K-1})

The compiled kernels write the same vector out: 1, the labels, and the products in the order of :func:`term_pairs`.
Labels are scaled, see :class:`bayescannon.data.labels.LabelScaler`.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray


def n_terms(n_labels: int) -> int:
    """Return the number of terms T in the label vector of `n_labels` labels; 21 for five labels."""
    return 1 + n_labels + n_labels * (n_labels + 1) // 2


def term_pairs(n_labels: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """
    Return the label indices (i, j), i <= j, of the quadratic terms, in the order of the label vector.

    Returns
    -------
    i, j : int arrays of shape (K (K + 1) / 2,)
    """
    i, j = np.triu_indices(n_labels)
    return i, j


def term_names(label_names: Sequence[str]) -> list[str]:
    """
    Name the terms of the label vector, for instance ``["1", "teff", "logg", "teff^2", "teff*logg", ...]``.

    Parameters
    ----------
    label_names : sequence of K str
        Names of the labels, in order.
    """
    quadratic = [
        f"{label_names[i]}^2" if i == j else f"{label_names[i]}*{label_names[j]}"
        for i, j in zip(*term_pairs(len(label_names)), strict=True)
    ]
    return ["1", *label_names, *quadratic]


def label_vector(scaled: Any, xp: ModuleType = np) -> Any:
    r"""
    Evaluate :math:`v(\ell)` (Ho et al. 2017, eq. 6).

    Parameters
    ----------
    scaled : array of shape (..., K)
        Scaled labels.
    xp : module
        ``numpy``, or ``pytensor.tensor`` for a symbolic `scaled` whose last dimension has a static length.

    Returns
    -------
    v : array of shape (..., T)
    """
    i, j = term_pairs(scaled.type.shape[-1] if hasattr(scaled, "type") else scaled.shape[-1])
    return xp.concatenate([xp.ones_like(scaled[..., :1]), scaled, scaled[..., i] * scaled[..., j]], axis=-1)


def label_vector_jacobian(scaled: FloatArray) -> FloatArray:
    r"""
    Evaluate the derivative :math:`\partial v_t / \partial \ell_k` of the label vector.

    Parameters
    ----------
    scaled : array of shape (..., K)
        Scaled labels.

    Returns
    -------
    jacobian : array of shape (..., T, K)
    """
    n_labels = scaled.shape[-1]
    i, j = term_pairs(n_labels)
    jacobian = np.zeros((*scaled.shape[:-1], n_terms(n_labels), n_labels))
    jacobian[..., np.arange(1, 1 + n_labels), np.arange(n_labels)] = 1.0
    quadratic = np.arange(1 + n_labels, n_terms(n_labels))
    jacobian[..., quadratic, i] += scaled[..., j]
    jacobian[..., quadratic, j] += scaled[..., i]
    return jacobian
