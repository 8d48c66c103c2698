"""Compiled steps of expectation-maximisation; :mod:`bayescannon.extreme_deconvolution` uses them."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, error_model="numpy")
def log_components(values, variance, log_weight, mean, covariance, result):  # type: ignore[no-untyped-def]
    """Fill result (N, M) with ln weight_m + ln Normal(x_n; mean_m, covariance_m + diag(variance_n))."""
    n_star, k = values.shape
    factor, y = np.empty((k, k)), np.empty(k)
    constant = -0.5 * k * np.log(2 * np.pi)
    for n in range(n_star):
        for m in range(len(log_weight)):
            _factor(covariance[m], variance[n], factor)
            log_p = log_weight[m] + constant
            for p in range(k):
                y[p] = values[n, p] - mean[m, p]
                for q in range(p):
                    y[p] -= factor[p, q] * y[q]
                y[p] /= factor[p, p]
                log_p -= 0.5 * y[p] ** 2 + np.log(factor[p, p])
            result[n, m] = log_p


@numba.njit(nogil=True, cache=True, error_model="numpy")
def component_moments(values, variance, share, mean, covariance, first, second):  # type: ignore[no-untyped-def]
    """
    Fill first (M, K) and second (M, K, K) with the shared sums of E[x_true - mean_m] and of its outer products.

    Given component m and the measured x_n with V = covariance_m and S_n = diag(variance_n), the true value is Normal
    with mean mean_m + V (V + S)^-1 (x_n - mean_m) and covariance V - V (V + S)^-1 V.
    """
    n_star, k = values.shape
    factor, right, expected = np.empty((k, k)), np.empty((k, k + 1)), np.empty(k)
    first[:] = 0.0
    second[:] = 0.0
    for n in range(n_star):
        for m in range(len(mean)):
            if share[n, m] < 1e-12:
                continue
            _factor(covariance[m], variance[n], factor)
            # L^-1 [V, x - mean], whose products are V (V + S)^-1 V and V (V + S)^-1 (x - mean)
            for c in range(k + 1):
                for p in range(k):
                    total = covariance[m, p, c] if c < k else values[n, p] - mean[m, p]
                    for q in range(p):
                        total -= factor[p, q] * right[q, c]
                    right[p, c] = total / factor[p, p]
            for p in range(k):
                expected[p] = 0.0
                for q in range(k):
                    expected[p] += right[q, p] * right[q, k]
            for p in range(k):
                first[m, p] += share[n, m] * expected[p]
                for c in range(k):
                    left = covariance[m, p, c] + expected[p] * expected[c]
                    for q in range(k):
                        left -= right[q, p] * right[q, c]
                    second[m, p, c] += share[n, m] * left


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _factor(covariance, variance, factor):  # type: ignore[no-untyped-def]
    """Fill factor with the lower Cholesky factor of covariance + diag(variance)."""
    k = len(variance)
    for p in range(k):
        for q in range(p + 1):
            total = covariance[p, q]
            if p == q:
                total += variance[p]
            for r in range(q):
                total -= factor[p, r] * factor[q, r]
            factor[p, q] = np.sqrt(total) if p == q else total / factor[q, q]
