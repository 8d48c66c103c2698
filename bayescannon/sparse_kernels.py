"""Compiled solver of lasso problems, one small one for each pixel; :mod:`bayescannon.sparse_fit` uses it."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def solve_lasso(normal, right, penalty, theta):  # type: ignore[no-untyped-def]
    """
    Minimise x^T M x / 2 - h^T x + sum_k penalty_k |x_k| for each pixel; `theta` (P, T) is start and result.

    Sweeps of coordinate descent find which terms are zero and the signs of the others; then one linear solve
    is exact. Its step ends where the first sign would change, so that every step lowers the objective. Returns
    whether each pixel reached its optimum.
    """
    n_pixel = len(right)
    reached = np.zeros(n_pixel, dtype=np.bool_)
    for p in range(n_pixel):
        m, x, lam = normal[p], theta[p], penalty[p]
        for _ in range(1000):
            _descend(m, right[p], lam, x)
            if _polish(m, right[p], lam, x):
                reached[p] = True
                break
    return reached


@numba.njit(nogil=True, cache=True)
def _descend(m, h, lam, x):  # type: ignore[no-untyped-def]
    """Do one sweep of coordinate descent, from the gradient at x."""
    n_term = len(x)
    c = h - m @ x
    for k in range(n_term):
        old = x[k]
        z = c[k] + m[k, k] * old
        if z > lam[k]:
            new = (z - lam[k]) / m[k, k]
        elif z < -lam[k]:
            new = (z + lam[k]) / m[k, k]
        else:
            new = 0.0
        if new != old:
            x[k] = new
            for j in range(n_term):
                c[j] -= m[j, k] * (new - old)


@numba.njit(nogil=True, cache=True)
def _polish(m, h, lam, x):  # type: ignore[no-untyped-def]
    """Go to the optimum with x's signs, as far as they last; tell whether x is then the optimum."""
    n_term = len(x)
    free = np.empty(n_term, dtype=np.int64)
    n_free = 0
    for k in range(n_term):
        if x[k] != 0.0 or lam[k] == 0.0:
            free[n_free] = k
            n_free += 1
    a, b = np.empty((n_free, n_free)), np.empty(n_free)
    for i in range(n_free):
        k = free[i]
        b[i] = h[k] - lam[k] * np.sign(x[k])
        for j in range(n_free):
            a[i, j] = m[k, free[j]]
    if n_free > 0:
        b = np.linalg.solve(a, b)
    step, first = 1.0, -1
    for i in range(n_free):
        k = free[i]
        if lam[k] > 0.0 and b[i] * x[k] <= 0.0:
            length = x[k] / (x[k] - b[i])
            if length < step or first < 0:
                step, first = length, k
    for i in range(n_free):
        k = free[i]
        x[k] += step * (b[i] - x[k])
    if first >= 0:
        x[first] = 0.0
        return False
    for i in range(n_free):
        x[free[i]] = b[i]
    c = h - m @ x
    for k in range(n_term):
        # rounding leaves a gradient of this size where the terms cancel
        if x[k] == 0.0 and lam[k] > 0.0 and abs(c[k]) > lam[k] * (1.0 + 1e-9) + 1e-13 * abs(h[k]):
            return False
    return True
