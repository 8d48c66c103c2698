"""Compiled kernels of spectral novelty: averages of residuals over blocks of pixels, medians, small systems."""

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.order_statistics import two_of_rank
from bayescannon.stars.quartic_kernels import solve_positive


@compiled(nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})
def average_blocks(flux, prediction, noise, size, mean, variance):  # type: ignore[no-untyped-def]
    """
    Fill mean and variance (star, block): residuals averaged over blocks of `size` pixels with inverse variances.

    A block without live pixels has a mean of 0 and an infinite variance.
    """
    n_star, n_pixel = flux.shape
    for n in range(n_star):
        for block in range(mean.shape[1]):
            total, moment = 0.0, 0.0
            for p in range(block * size, min((block + 1) * size, n_pixel)):
                total += noise[n, p]
                moment += noise[n, p] * (flux[n, p] - prediction[n, p])
            mean[n, block] = moment / total if total > 0.0 else 0.0
            variance[n, block] = 1.0 / total if total > 0.0 else np.inf


@compiled(nogil=True, error_model="numpy")
def median_roots(values, wanted, result):  # type: ignore[no-untyped-def]
    """Fill result (star,) with the median root of the positive values of each star that is wanted; NaN elsewhere."""
    n_star, n_value = values.shape
    kept = np.empty(n_value, dtype=values.dtype)
    count = np.empty(256, dtype=np.int64)
    for n in range(n_star):
        result[n] = np.nan
        if not wanted[n]:
            continue
        size = 0
        for p in range(n_value):
            kept[size] = values[n, p]
            size += 1 if values[n, p] > 0.0 else 0
        if size:
            low, high = two_of_rank(kept, size, (size - 1) // 2, size // 2, count)
            result[n] = 0.5 * (np.sqrt(low) + np.sqrt(high))


@compiled(nogil=True, error_model="numpy")
def solve_all(matrix, right, solution, solved):  # type: ignore[no-untyped-def]
    """Solve positive definite systems (star, K, K) of right sides (star, K); tell which are, in solved (star,)."""
    n_star, k = right.shape
    scale, factor = np.ones(k), np.empty((k, k))
    for n in range(n_star):
        solved[n] = solve_positive(matrix[n], right[n], 0.0, scale, solution[n], factor)
