"""Compiled sums over the reference stars for a block of pixels, called by :mod:`bayescannon.pixels.fit`."""

import numpy as np

from bayescannon.numerics.compiled import compiled


@compiled(nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def weigh(flux, ivar, s2, weight, weighted_flux):  # type: ignore[no-untyped-def]
    """Fill weight = 1 / (s2 + 1/ivar), 0 in dead pixels, and weight * flux; all (star, pixel)."""
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            w = ivar[n, p] / (1.0 + s2[p] * ivar[n, p])
            weight[n, p] = w
            weighted_flux[n, p] = w * flux[n, p]


@compiled(nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def scatter_sums(flux, prediction, spread, weight, factors, counts, w2r, sums):  # type: ignore[no-untyped-def]
    """
    Fill w2r = u w^2 r and sums = sum of w, w^2, u w^2 r^2, u w^3 r^2, u w r^2 over the stars, shape (5, pixel).

    Each star is multiplied by its `counts` (star,). `spread` (star, pixel), the variance from uncertain labels, is
    added to r^2; shape (0, 0) means no variance. `factors` (star, pixel) are u; shape (0, 0) means 1.
    """
    sums[:] = 0.0
    spreads, factored = spread.shape[0] > 0, factors.shape[0] > 0
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            w = weight[n, p]
            r = flux[n, p] - prediction[n, p]
            r2 = r * r + spread[n, p] if spreads else r * r
            if factored:
                r *= factors[n, p]
                r2 *= factors[n, p]
            w2r[n, p] = w * w * r
            w1 = counts[n] * w
            sums[0, p] += w1
            sums[1, p] += w1 * w
            sums[2, p] += w1 * w * r2
            sums[3, p] += w1 * w * w * r2
            sums[4, p] += w1 * r2


@compiled(nogil=True)
def fixed_theta_gradient(flux, prediction, ivar, counts, s2):  # type: ignore[no-untyped-def]
    """Evaluate g at s2 of shape (k, pixel) with theta held fixed; shape (k, pixel)."""
    g = np.zeros_like(s2)
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            r2 = (flux[n, p] - prediction[n, p]) ** 2
            for k in range(s2.shape[0]):
                w = ivar[n, p] / (1.0 + s2[k, p] * ivar[n, p])
                g[k, p] += counts[n] * (w - w * w * r2)
    return g


@compiled(nogil=True)
def residual_variance(flux, prediction, ivar, counts):  # type: ignore[no-untyped-def]
    """Average the squared residuals over the live stars; shape (pixel,)."""
    total, n_live = np.zeros(flux.shape[1]), np.zeros(flux.shape[1])
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            if ivar[n, p] > 0.0:
                total[p] += counts[n] * (flux[n, p] - prediction[n, p]) ** 2
                n_live[p] += counts[n]
    return total / n_live


@compiled(nogil=True)
def minus_log_weights(weight, counts):  # type: ignore[no-untyped-def]
    """Sum -ln w over the live stars; shape (pixel,)."""
    total = np.zeros(weight.shape[1])
    for n in range(weight.shape[0]):
        for p in range(weight.shape[1]):
            if weight[n, p] > 0.0:
                total[p] -= counts[n] * np.log(weight[n, p])
    return total
