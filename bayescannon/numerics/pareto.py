"""
Compiled Pareto smoothing of importance weights and weighted quantiles.

Smoothing after Vehtari, Simpson, Gelman, Yao & Gabry 2024 (JMLR 25, 72), with the tail fit of Zhang & Stephens 2009
(Technometrics 51, 316) and its weak prior on the shape. Tests require the same numbers as ``psislw`` of arviz_stats.
"""

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.order_statistics import two_of_rank
from bayescannon.numerics.vector_functions import log_all

# Zhang & Stephens 2009: scale of the prior of the inverse bound; the grid has this many points and sqrt(n) more
_PRIOR_BOUND = 3.0
_GRID_POINTS = 30
# Vehtari et al. 2024: the prior shape is 0.5, with the weight of ten tail values
_PRIOR_SHAPE, _PRIOR_SHAPE_WEIGHT = 0.5, 10.0
# factors whose product is taken before the logarithm
_FACTORS = 4
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
    bounds, shapes = np.empty(n_grid + 1), np.empty(n_grid + 1)
    for g in range(n_grid):
        bounds[g] = (1 - np.sqrt(n_grid / (g + 0.5))) / (_PRIOR_BOUND * quartile) + 1 / tail[n - 1]
    bounds[n_grid] = 0.0
    work = (np.empty(n_grid + 1), np.empty(n_grid + 1), np.empty(n_grid + 1))
    _mean_logs(tail, bounds, shapes, work)
    score = np.full(n_grid, -np.inf)
    for g in range(n_grid):
        score[g] = n * (np.log(-bounds[g] / shapes[g]) - shapes[g] - 1)
    weight = np.exp(score - score.max())
    weight /= weight.sum()
    weight[weight < 10 * np.finfo(np.float64).eps] = 0.0
    bound = (bounds[:n_grid] * weight).sum() / weight.sum()
    bounds[0] = bound
    _mean_logs(tail, bounds[:1], shapes[:1], (work[0][:1], work[1][:1], work[2][:1]))
    shape = shapes[0]
    scale = -shape / bound
    return (n * shape + _PRIOR_SHAPE * _PRIOR_SHAPE_WEIGHT) / (n + _PRIOR_SHAPE_WEIGHT), scale


@compiled(nogil=True, error_model="numpy")
def _mean_logs(tail, bounds, result, work):  # type: ignore[no-untyped-def]
    """Fill result (G,) with the means of ln(1 - bound t) over the tail; work is scratch space, three arrays (G,)."""
    product, log, mantissa = work
    result[:] = 0.0
    product[:] = 1.0
    n = len(tail)
    for t in range(n):
        for g in range(len(bounds)):
            product[g] *= 1.0 - bounds[g] * tail[t]
        # a logarithm of every few factors: more could be too large for a number
        if t % _FACTORS == _FACTORS - 1 or t == n - 1:
            log_all(product, log, mantissa)
            for g in range(len(bounds)):
                result[g] += log[g]
                product[g] = 1.0
    for g in range(len(bounds)):
        result[g] /= n


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
    return smooth_tail(weight)


@compiled(nogil=True, error_model="numpy")
def smooth_tail(weight):  # type: ignore[no-untyped-def]
    """Smooth weights (S,), of which the largest is 1, in place to a sum of 1; return k-hat as `smooth_weights` does."""
    n = len(weight)
    n_tail = tail_length(n)
    first = n - n_tail
    cut, least = two_of_rank(weight.copy(), n, first - 1, first, np.empty(256, dtype=np.int64))
    shape = np.inf
    if cut > 0.0:
        if 1.0 - least < 1e-12:
            shape = 0.0
        else:
            member, found = np.empty(n_tail, dtype=np.int64), 0
            for s in range(n):
                if weight[s] > cut:
                    member[found] = s
                    found += 1
            # of equal weights at the cut as many as are missing
            s = 0
            while found < n_tail:
                if weight[s] == cut:
                    member[found] = s
                    found += 1
                s += 1
            member = member[np.argsort(weight[member])]
            tail = weight[member] - cut
            shape, scale = fit_pareto(tail)
            if np.isnan(shape):
                shape = np.inf
            elif scale > 0.0:
                for t in range(n_tail):
                    log_rest = np.log1p(-(t + 0.5) / n_tail)
                    excess = -log_rest if shape == 0.0 else np.expm1(-shape * log_rest) / shape
                    weight[member[t]] = min(cut + scale * excess, 1.0)
    weight /= weight.sum()
    return shape


@compiled(nogil=True, error_model="numpy")
def weighted_quantiles(values, weight, probabilities, result):  # type: ignore[no-untyped-def]
    """
    Fill result (Q,) with the smallest values at which the summed weights (S,) reach ascending probabilities.

    The values are binned, and only those in the bin of a quantile are sorted.
    """
    n, n_quantile = len(values), len(probabilities)
    low, high = values[0], values[0]
    for s in range(n):
        low, high = min(low, values[s]), max(high, values[s])
    if not high > low:
        result[:] = low
        return
    per_unit = _N_BINS / (high - low)
    total, bins = np.zeros(_N_BINS), np.empty(n, dtype=np.int64)
    for s in range(n):
        bins[s] = min(int((values[s] - low) * per_unit), _N_BINS - 1)
    for s in range(n):
        total[bins[s]] += weight[s]
    met, before = np.empty(n_quantile, dtype=np.int64), np.empty(n_quantile)
    wanted = np.zeros(_N_BINS, dtype=np.bool_)
    summed, own = 0.0, 0
    for p in range(n_quantile):
        while own < _N_BINS - 1 and summed + total[own] < probabilities[p]:
            summed += total[own]
            own += 1
        met[p], before[p] = own, summed
        wanted[own] = True
    some, n_some = np.empty(n, dtype=np.int64), 0
    for s in range(n):
        some[n_some] = s
        n_some += 1 if wanted[bins[s]] else 0
    members = np.empty(n_some, dtype=np.int64)
    for p in range(n_quantile):
        size = 0
        for m in range(n_some):
            members[size] = some[m]
            size += 1 if bins[some[m]] == met[p] else 0
        chosen = members[:size]
        summed = before[p]
        result[p] = high
        for member in chosen[np.argsort(values[chosen])]:
            summed += weight[member]
            if summed >= probabilities[p]:
                result[p] = values[member]
                break
