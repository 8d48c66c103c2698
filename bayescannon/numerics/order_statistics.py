"""Values of given ranks without sorting, compiled."""

import numpy as np

from bayescannon.numerics.compiled import compiled

_BINS = 256
# so few values are sorted
_FEW = 24


@compiled(nogil=True, error_model="numpy")
def two_of_rank(values, size, first, second, count):  # type: ignore[no-untyped-def]
    """
    Return the values of ranks `first` <= `second`, from 0, among the first `size` values, none of which is NaN.

    `values` (n,) is changed; `count` is scratch space, whole numbers of shape (256,). Values are counted in bins, and
    those in the bins of the ranks again, until few are left to be sorted.
    """
    while size > _FEW:
        low, high = np.float64(values[0]), np.float64(values[0])
        for p in range(size):
            low, high = min(low, np.float64(values[p])), max(high, np.float64(values[p]))
        per_unit = _BINS / (high - low)
        if not per_unit < np.inf:
            return low, low
        count[:] = 0
        for p in range(size):
            count[min(int((values[p] - low) * per_unit), _BINS - 1)] += 1
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
            place = min(int((values[p] - low) * per_unit), _BINS - 1)
            values[left] = values[p]
            left += 1 if own <= place <= last else 0
        size, first, second = left, first - before, second - before
    ordered = np.sort(values[:size])
    return np.float64(ordered[first]), np.float64(ordered[second])
