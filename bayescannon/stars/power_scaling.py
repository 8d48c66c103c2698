"""
Compiled power-scaling sensitivity of draws to a density (Kallioinen et al. 2024, StatComp 34, 57).

Tests require the same numbers as ``power_scale_sense`` of arviz_stats.
"""

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.pareto import smooth_weights


@compiled(nogil=True, error_model="numpy")
def power_scaling(draws, log_density, low, high, result):  # type: ignore[no-untyped-def]
    """
    Fill result (K,) with the sensitivity of each label in draws (S, K) to a power of a density with logarithm (S,).

    `low` < 1 < `high` are the powers. The result is the mean, over both powers, of the distance between the
    distributions of the weighted and the unweighted draws, divided by the absolute log2 of the power.
    """
    n_draw, n_label = draws.shape
    result[:] = 0.0
    if log_density.max() - log_density.min() < 1e-12:
        return
    weight = np.empty(n_draw)
    for power in (low, high):
        smooth_weights((power - 1.0) * log_density, weight)
        for k in range(n_label):
            order = np.argsort(draws[:, k])
            values = draws[order, k]
            distance = max(_distance(values, weight[order]), _distance(-values[::-1], weight[order][::-1]))
            result[k] += 0.5 * distance / np.abs(np.log2(power))


@compiled(nogil=True, error_model="numpy")
def _distance(values, weight):  # type: ignore[no-untyped-def]
    """Return the cumulative Jensen-Shannon distance between ascending draws with and without weights of sum 1."""
    n = len(values)
    divergence, bound, q = 0.0, 0.0, 0.0
    for s in range(n - 1):
        width = values[s + 1] - values[s]
        p = (s + 1.0) / n
        q += weight[s]
        middle = np.log2(0.5 * (p + q))
        divergence += width * p * (np.log2(p) - middle)
        if q > 0.0:
            divergence += width * q * (np.log2(q) - middle)
        bound += width * (p + q)
    return np.sqrt(max(divergence, 0.0) / bound)
