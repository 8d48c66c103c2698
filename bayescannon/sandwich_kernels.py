"""Compiled sums over blocks of consecutive pixels; :mod:`bayescannon.sandwich` uses them."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def block_sums(slope, design, inverse, weight, residual, size, meat, expected):  # type: ignore[no-untyped-def]
    """
    Fill meat = sum over blocks of s s^T and what right, independent noise makes of it, both (star, K, K).

    s = sum of w r J over the pixels of a block, `slope` J (star, K, pixel); with `design` Z (star, K + R, pixel) and
    `inverse` Q^-1 (star, K + R, K + R), the residuals' covariance is W^-1 - Z Q^-1 Z^T.
    """
    n_star, n_label, n_pixel = slope.shape
    n_all = design.shape[1]
    s, own, cross = np.empty(n_label), np.empty((n_label, n_label)), np.empty((n_label, n_all))
    for star in range(n_star):
        meat[star], expected[star] = 0.0, 0.0
        for first in range(0, n_pixel, size):
            s[:], own[:], cross[:] = 0.0, 0.0, 0.0
            for p in range(first, min(first + size, n_pixel)):
                w = weight[star, p]
                if w == 0.0:
                    continue
                for i in range(n_label):
                    wj = w * slope[star, i, p]
                    s[i] += wj * residual[star, p]
                    for j in range(n_label):
                        own[i, j] += wj * slope[star, j, p]
                    for j in range(n_all):
                        cross[i, j] += wj * design[star, j, p]
            for i in range(n_label):
                for j in range(n_label):
                    meat[star, i, j] += s[i] * s[j]
                    total = own[i, j]
                    for k in range(n_all):
                        for m in range(n_all):
                            total -= cross[i, k] * inverse[star, k, m] * cross[j, m]
                    expected[star, i, j] += total
