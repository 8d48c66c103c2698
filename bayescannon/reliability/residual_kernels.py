"""Compiled kernels of spectral novelty: averages of residuals over blocks of pixels, medians, small systems."""

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.stars.quartic_kernels import solve_positive

_BINS = 256
# so few values are sorted
_FEW = 24


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
    count = np.empty(_BINS, dtype=np.int64)
    for n in range(n_star):
        result[n] = np.nan
        if not wanted[n]:
            continue
        size = 0
        for p in range(n_value):
            kept[size] = values[n, p]
            size += 1 if values[n, p] > 0.0 else 0
        if size:
            low, high = _two_middle(kept, size, count)
            result[n] = 0.5 * (np.sqrt(low) + np.sqrt(high))


@compiled(nogil=True, error_model="numpy")
def _two_middle(kept, size, count):  # type: ignore[no-untyped-def]
    """Return the two middle values of the first `size`, the same twice for an odd number; `kept` is changed."""
    first, second = (size - 1) // 2, size // 2
    while size > _FEW:
        low, high = np.float64(kept[0]), np.float64(kept[0])
        for p in range(size):
            low, high = min(low, np.float64(kept[p])), max(high, np.float64(kept[p]))
        per_unit = _BINS / (high - low)
        if not per_unit < np.inf:
            return low, low
        count[:] = 0
        for p in range(size):
            count[min(int((kept[p] - low) * per_unit), _BINS - 1)] += 1
        before, own = 0, 0
        while before + count[own] <= first:
            before += count[own]
            own += 1
        last = own
        passed = before + count[own]
        while passed <= second:
            last += 1
            passed += count[last]
        if passed - before == size:
            break
        left = 0
        for p in range(size):
            place = min(int((kept[p] - low) * per_unit), _BINS - 1)
            kept[left] = kept[p]
            left += 1 if own <= place <= last else 0
        size, first, second = left, first - before, second - before
    ordered = np.sort(kept[:size])
    return np.float64(ordered[first]), np.float64(ordered[second])


@compiled(nogil=True, error_model="numpy")
def solve_all(matrix, right, solution, solved):  # type: ignore[no-untyped-def]
    """Solve positive definite systems (star, K, K) of right sides (star, K); tell which are, in solved (star,)."""
    n_star, k = right.shape
    scale, factor = np.ones(k), np.empty((k, k))
    for n in range(n_star):
        solved[n] = solve_positive(matrix[n], right[n], 0.0, scale, solution[n], factor)
