"""Inverses of many small positive definite matrices."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.typing import FloatArray


@compiled(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _invert(matrices, inverses, good):  # type: ignore[no-untyped-def]
    """Fill the inverses by L^-T L^-1 with the Cholesky factor L; `good` says where there is one."""
    size = matrices.shape[1]
    lower, back = np.empty((size, size)), np.empty((size, size))
    for p in range(matrices.shape[0]):
        # row by row of the transposed factor, so that inner loops run along memory
        good[p] = True
        lower[:] = matrices[p]
        for j in range(size):
            pivot = lower[j, j]
            if not pivot > 0.0:
                good[p] = False
                break
            scale = 1.0 / np.sqrt(pivot)
            for i in range(j, size):
                lower[j, i] *= scale
            for k in range(j + 1, size):
                factor = lower[j, k]
                for i in range(k, size):
                    lower[k, i] -= factor * lower[j, i]
        if not good[p]:
            continue
        # lower holds U = L^T; back becomes U^-1 transposed, by rows
        back[:] = 0.0
        for j in range(size):
            back[j, j] = 1.0
            for k in range(j):
                factor = lower[k, j]
                for i in range(k + 1):
                    back[j, i] -= factor * back[k, i]
            scale = 1.0 / lower[j, j]
            for i in range(j + 1):
                back[j, i] *= scale
        # M^-1 = U^-1 U^-T, and back = (U^T)^-1
        inverses[p] = 0.0
        for k in range(size):
            for i in range(k + 1):
                factor = back[k, i]
                for j in range(k + 1):
                    inverses[p, i, j] += factor * back[k, j]


def invert_positive(matrices: FloatArray) -> NDArray[np.float64]:
    """
    Return the inverses of symmetric matrices; of those that are not positive definite as :func:`numpy.linalg.inv` does.

    Parameters
    ----------
    matrices : float array of shape (n, T, T)

    Returns
    -------
    inverses : float array of shape (n, T, T)
    """
    matrices = np.ascontiguousarray(matrices, dtype=np.float64)
    inverses, good = np.empty(matrices.shape), np.empty(len(matrices), dtype=bool)
    _invert(matrices, inverses, good)
    if not good.all():
        inverses[~good] = np.linalg.inv(matrices[~good])
    return inverses
