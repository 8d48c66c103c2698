"""Compiled kernels of a density of labels, given as the arrays of :class:`bayescannon.label_density.LabelDensity`."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, error_model="numpy")
def add_density(density, x, with_hessian, gradient, gauss, hessian, work):  # type: ignore[no-untyped-def]
    """
    Return -2 ln p at x inside the box; add -1 times the derivatives of ln p to half those of chi2.

    `gauss` gets the part of the curvature that is never negative. `work` is space: two arrays (K,), two (K, K).
    """
    _, _, log_weight, mean, precision, log_cut, saturates = density
    n_component, k = mean.shape
    if n_component == 0:
        return 0.0
    slope, own, curvature, outer = work
    largest = -np.inf
    for m in range(n_component):
        largest = max(largest, _exponent(log_weight, mean, precision, x, m))
    total = 0.0
    slope[:] = 0.0
    curvature[:] = 0.0
    outer[:] = 0.0
    for m in range(n_component):
        share = np.exp(_exponent(log_weight, mean, precision, x, m) - largest)
        if share < 1e-300:
            continue
        total += share
        if with_hessian:
            for p in range(k):
                own[p] = 0.0
                for q in range(k):
                    own[p] += precision[m, p, q] * (x[q] - mean[m, q])
                slope[p] += share * own[p]
            for p in range(k):
                for q in range(k):
                    curvature[p, q] += share * precision[m, p, q]
                    outer[p, q] += share * own[p] * own[q]
    log_q = largest + np.log(total)
    # -ln p = softplus(ln q_cut - ln q) saturates; its derivative by -ln q is the sigmoid
    rate, bend, minus_log = 1.0, 0.0, -log_q
    if saturates:
        minus_log = _softplus(log_cut - log_q)
        rate = np.exp(log_cut - log_q - minus_log)
        bend = rate * (1.0 - rate)
    if with_hessian:
        for p in range(k):
            gradient[p] += rate * slope[p] / total
            for q in range(k):
                square = slope[p] * slope[q] / total**2
                gauss[p, q] += rate * curvature[p, q] / total + bend * square
                hessian[p, q] += rate * ((curvature[p, q] - outer[p, q]) / total + square) + bend * square
    return 2.0 * minus_log


@numba.njit(nogil=True, cache=True, error_model="numpy")
def log_densities(density, x, result):  # type: ignore[no-untyped-def]
    """Fill result (N,) with ln p at x of shape (K, N), up to a constant; -inf outside the box."""
    lower, upper, log_weight, mean, precision, log_cut, saturates = density
    n_component, k = mean.shape
    for n in range(x.shape[1]):
        inside = True
        for p in range(k):
            inside = inside and lower[p] <= x[p, n] <= upper[p]
        if not inside:
            result[n] = -np.inf
            continue
        if n_component == 0:
            result[n] = 0.0
            continue
        largest = -np.inf
        total = 0.0
        for m in range(n_component):
            e = _exponent(log_weight, mean, precision, x[:, n], m)
            if e > largest:
                total = total * np.exp(largest - e) + 1.0
                largest = e
            else:
                total += np.exp(e - largest)
        log_q = largest + np.log(total)
        result[n] = -_softplus(log_cut - log_q) if saturates else log_q


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _exponent(log_weight, mean, precision, x, m):  # type: ignore[no-untyped-def]
    """Return g_m - (x - mu_m)^T P_m (x - mu_m) / 2."""
    k = mean.shape[1]
    square = 0.0
    for p in range(k):
        across = 0.5 * precision[m, p, p] * (x[p] - mean[m, p])
        for q in range(p):
            across += precision[m, p, q] * (x[q] - mean[m, q])
        square += (x[p] - mean[m, p]) * across
    return log_weight[m] - square


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _softplus(t):  # type: ignore[no-untyped-def]
    """Return ln(1 + e^t)."""
    return max(t, 0.0) + np.log1p(np.exp(-abs(t)))
