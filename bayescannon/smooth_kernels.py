"""Compiled sweep through a chain of pixels whose neighbours are coupled; :mod:`bayescannon.smooth_process` uses it."""

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def smooth_sweep(normal, right, diagonal, coupling, mean, covariance, pair, log_det):  # type: ignore[no-untyped-def]
    """
    Solve J x = h and find the blocks of J^-1, for the block-tridiagonal J of P pixels with Q terms.

    J has the blocks normal_p + diag(diagonal_p), and -diag(coupling_p) between the pixels p and p + 1. Forward
    elimination and backward substitution: the Kalman smoother in information form.

    Fills mean (P, Q), covariance (P, Q, Q), pair (P - 1, Q), the covariances of a term with itself in the next pixel,
    and log_det (P,), whose sum is ln|J|.
    """
    n_pixel, n_term = right.shape
    # forward, mean and covariance hold the eliminated right sides and the inverses of the eliminated blocks
    for p in range(n_pixel):
        block, y = normal[p].copy(), right[p].copy()
        for i in range(n_term):
            block[i, i] += diagonal[p, i]
        if p > 0:
            c, before = coupling[p - 1], covariance[p - 1]
            y += c * (before @ mean[p - 1])
            for i in range(n_term):
                for j in range(n_term):
                    block[i, j] -= c[i] * before[i, j] * c[j]
        log_det[p] = 2.0 * np.sum(np.log(np.diag(np.linalg.cholesky(block))))
        inverse = np.linalg.inv(block)
        for i in range(n_term):
            for j in range(n_term):
                covariance[p, i, j] = 0.5 * (inverse[i, j] + inverse[j, i])
        mean[p] = y
    mean[n_pixel - 1] = covariance[n_pixel - 1] @ mean[n_pixel - 1]
    for p in range(n_pixel - 2, -1, -1):
        inverse = covariance[p].copy()
        gain = inverse * coupling[p]
        mean[p] = inverse @ mean[p] + gain @ mean[p + 1]
        cross = gain @ covariance[p + 1]
        for i in range(n_term):
            pair[p, i] = cross[i, i]
        covariance[p] = inverse + cross @ gain.T
