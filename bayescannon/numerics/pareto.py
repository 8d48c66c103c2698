"""
Compiled Pareto smoothing of importance weights and weighted quantiles.

Smoothing after Vehtari, Simpson, Gelman, Yao & Gabry 2024 (JMLR 25, 72), with the tail fit of Zhang & Stephens 2009
(Technometrics 51, 316) and its weak prior on the shape. Tests require the same numbers as ``psislw`` of arviz_stats.
"""

import numpy as np

from bayescannon.numerics.compiled import compiled

# Zhang & Stephens 2009: scale of the prior of the inverse bound; the grid has this many points and sqrt(n) more
_PRIOR_BOUND = 3.0
_GRID_POINTS = 30
# Vehtari et al. 2024: the prior shape is 0.5, with the weight of ten tail values
_PRIOR_SHAPE, _PRIOR_SHAPE_WEIGHT = 0.5, 10.0
# bins of the weighted quantiles
_N_BINS = 512


@compiled(nogil=True)
def tail_length(n_draw):  # type: ignore[no-untyped-def]
    """Return how many of the largest weights are smoothed: 3 sqrt(S), or S / 5 of few draws (Vehtari et al. 2024)."""
    return int(3 * np.sqrt(n_draw)) if n_draw > 225 else n_draw // 5


@compiled(nogil=True, error_model="numpy")
def fit_pareto(tail):  # type: ignore[no-untyped-def]
    """Fit shape and scale of a generalised Pareto distribution to ascending excesses (n,)."""
    n = len(tail)
    quartile = tail[int(n / 4 + 0.5) - 1]
    if quartile <= tail[0]:
        return np.nan, np.nan
    n_grid = _GRID_POINTS + int(np.sqrt(n))
    inverse, score = np.empty(n_grid), np.empty(n_grid)
    for g in range(n_grid):
        bound = (1 - np.sqrt(n_grid / (g + 0.5))) / (_PRIOR_BOUND * quartile) + 1 / tail[n - 1]
        shape = 0.0
        for t in range(n):
            shape += np.log1p(-bound * tail[t])
        shape /= n
        inverse[g] = bound
        score[g] = n * (np.log(-bound / shape) - shape - 1)
    weight = np.exp(score - score.max())
    weight /= weight.sum()
    weight[weight < 10 * np.finfo(np.float64).eps] = 0.0
    bound = (inverse * weight).sum() / weight.sum()
    shape = 0.0
    for t in range(n):
        shape += np.log1p(-bound * tail[t])
    shape /= n
    scale = -shape / bound
    return (n * shape + _PRIOR_SHAPE * _PRIOR_SHAPE_WEIGHT) / (n + _PRIOR_SHAPE_WEIGHT), scale


@compiled(nogil=True, error_model="numpy")
def smooth_weights(log_ratio, weight):  # type: ignore[no-untyped-def]
    """
    Fill weight (S,) with smoothed weights of sum 1 from log ratios (S,); return the shape k-hat.

    k-hat is inf where too few draws have any weight, and 0 where the weights in the tail are all equal.
    """
    n = len(log_ratio)
    largest = log_ratio.max()
    if not np.isfinite(largest):
        weight[:] = 0.0
        return np.inf
    for s in range(n):
        weight[s] = np.exp(log_ratio[s] - largest)
    n_tail = tail_length(n)
    order = np.argsort(weight)
    first = n - n_tail
    cut = weight[order[first - 1]]
    shape = np.inf
    if cut > 0.0:
        if 1.0 - weight[order[first]] < 1e-12:
            shape = 0.0
        else:
            tail = np.empty(n_tail)
            for t in range(n_tail):
                tail[t] = weight[order[first + t]] - cut
            shape, scale = fit_pareto(tail)
            if np.isnan(shape):
                shape = np.inf
            elif scale > 0.0:
                for t in range(n_tail):
                    log_rest = np.log1p(-(t + 0.5) / n_tail)
                    excess = -log_rest if shape == 0.0 else np.expm1(-shape * log_rest) / shape
                    weight[order[first + t]] = min(cut + scale * excess, 1.0)
    weight /= weight.sum()
    return shape


@compiled(nogil=True, error_model="numpy")
def weighted_quantiles(values, weight, probabilities, result):  # type: ignore[no-untyped-def]
    """
    Fill result (Q,) with the smallest values at which the summed weights (S,) reach ascending probabilities.

    The values are binned, and only those in the bin of a quantile are sorted.
    """
    low, high = values.min(), values.max()
    if not high > low:
        result[:] = low
        return
    per_unit = _N_BINS / (high - low)
    total = np.zeros(_N_BINS)
    bins = np.empty(len(values), dtype=np.int64)
    for s in range(len(values)):
        bins[s] = min(int((values[s] - low) * per_unit), _N_BINS - 1)
        total[bins[s]] += weight[s]
    before, met = 0.0, 0
    for p in range(len(probabilities)):
        while met < _N_BINS - 1 and before + total[met] < probabilities[p]:
            before += total[met]
            met += 1
        members = np.flatnonzero(bins == met)
        members = members[np.argsort(values[members])]
        summed = before
        result[p] = high
        for member in members:
            summed += weight[member]
            if summed >= probabilities[p]:
                result[p] = values[member]
                break
