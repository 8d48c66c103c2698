"""Compiled sums over a tile of reference stars in single precision, totals in double: see :mod:`mixed_block`."""

import numpy as np

from bayescannon.numerics.compiled import compiled

# stars whose sums are in single precision, and whose logarithms are that of a product
_GROUP = 16
# inverse variances whose product is within the range of double precision
_LOGS = 8


@compiled(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def weigh_tile(flux, ivar, noise, factors, weight, weighted):  # type: ignore[no-untyped-def]
    """
    Fill weight = u / (s^2 + 1 / (scale ivar)), 0 in dead pixels, and weight * (flux - 1); all (star, pixel), float32.

    `noise` (2, pixel) is the scale of ivar and s^2. `factors` (star, pixel) are u; shape (0, 0) means 1.
    """
    factored = factors.shape[0] > 0
    one = np.float32(1.0)
    scale, s2 = noise[0], noise[1]
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            v = ivar[n, p] * scale[p]
            w = v / (one + s2[p] * v)
            if factored:
                w *= factors[n, p]
            weight[n, p] = w
            weighted[n, p] = w * (flux[n, p] - one)


@compiled(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def residual_tile(flux, excess, ivar, noise, factors, counts, filled, sums):  # type: ignore[no-untyped-def]
    """
    Fill u w r and u w^2 r with r = flux - 1 - excess, and u w^2 if asked for; add to the sums over the stars.

    `filled` (2 or 3, star, pixel), float32. `sums` (5, pixel), float64: sum of w, w^2, u w^2 r^2, u w^3 r^2, u w r^2,
    each star times its `counts` (star,), float32. `noise` and `factors` as in :func:`weigh_tile`.
    """
    # loops over few arrays each, for which the compiler can prove that these do not overlap
    one, n_pixel = np.float32(1.0), flux.shape[1]
    scale, s2, wr, w2r = noise[0], noise[1], filled[0], filled[1]
    w, r = np.empty(n_pixel, dtype=np.float32), np.empty(n_pixel, dtype=np.float32)
    w1, w2 = np.empty(n_pixel, dtype=np.float32), np.empty(n_pixel, dtype=np.float32)
    r2, w2r2 = np.empty(n_pixel, dtype=np.float32), np.empty(n_pixel, dtype=np.float32)
    w3r2 = np.empty(n_pixel, dtype=np.float32)
    for first in range(0, flux.shape[0], _GROUP):
        w1[:], w2[:], r2[:], w2r2[:], w3r2[:] = 0.0, 0.0, 0.0, 0.0, 0.0
        for n in range(first, min(first + _GROUP, flux.shape[0])):
            count = counts[n]
            for p in range(n_pixel):
                v = ivar[n, p] * scale[p]
                w[p] = v / (one + s2[p] * v)
            for p in range(n_pixel):
                r[p] = flux[n, p] - one - excess[n, p]
            for p in range(n_pixel):
                wr[n, p] = w[p] * r[p]
            if factors.shape[0] > 0:
                for p in range(n_pixel):
                    wr[n, p] *= factors[n, p]
            for p in range(n_pixel):
                w2r[n, p] = w[p] * wr[n, p]
            if filled.shape[0] > 2:
                squared = filled[2]
                for p in range(n_pixel):
                    squared[n, p] = w[p] * w[p]
                if factors.shape[0] > 0:
                    for p in range(n_pixel):
                        squared[n, p] *= factors[n, p]
            for p in range(n_pixel):
                w1[p] += count * w[p]
            for p in range(n_pixel):
                w2[p] += count * w[p] * w[p]
            for p in range(n_pixel):
                r2[p] += count * wr[n, p] * r[p]
            for p in range(n_pixel):
                w2r2[p] += count * w2r[n, p] * r[p]
            for p in range(n_pixel):
                w3r2[p] += count * w2r[n, p] * r[p] * w[p]
        for p in range(n_pixel):
            sums[0, p] += w1[p]
        for p in range(n_pixel):
            sums[1, p] += w2[p]
        for p in range(n_pixel):
            sums[2, p] += w2r2[p]
        for p in range(n_pixel):
            sums[3, p] += w3r2[p]
        for p in range(n_pixel):
            sums[4, p] += r2[p]


@compiled(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def log_variance_tile(ivar, scale, s2, counts, total):  # type: ignore[no-untyped-def]
    """Add counts ln(1 + s2 scale ivar) to total (pixel,)."""
    one = np.float32(1.0)
    product = np.ones(ivar.shape[1])
    factors = 0
    for n in range(ivar.shape[0]):
        count = counts[n]
        times = int(count)
        if times == count and times <= _GROUP:
            if factors + times > _GROUP:
                for p in range(ivar.shape[1]):
                    total[p] += np.log(product[p])
                product[:] = 1.0
                factors = 0
            factors += times
            for _ in range(times):
                for p in range(ivar.shape[1]):
                    product[p] *= np.float64(one + s2[p] * (ivar[n, p] * scale[p]))
        else:
            for p in range(ivar.shape[1]):
                total[p] += count * np.log(np.float64(one + s2[p] * (ivar[n, p] * scale[p])))
    for p in range(ivar.shape[1]):
        total[p] += np.log(product[p])


@compiled(nogil=True, error_model="numpy")
def look_at_tile(flux, ivar, counts, n_live, logs, extremes):  # type: ignore[no-untyped-def]
    """
    Add to the number of live stars of each pixel, and to their sums of -ln ivar; note extreme values.

    `extremes` (3, pixel), float32: the least and the largest ivar so far, and 0, or NaN where a flux is not finite.
    """
    n_pixel = flux.shape[1]
    count, product = np.empty(n_pixel, dtype=np.float32), np.empty(n_pixel)
    for first in range(0, flux.shape[0], _LOGS):
        last = min(first + _LOGS, flux.shape[0])
        count[:], product[:] = 0.0, 1.0
        once = (counts[first:last] == 1.0).all()
        for n in range(first, last):
            for p in range(n_pixel):
                count[p] += counts[n] if ivar[n, p] > 0 else np.float32(0.0)
            for p in range(n_pixel):
                extremes[0, p] = min(extremes[0, p], ivar[n, p])
            for p in range(n_pixel):
                extremes[1, p] = max(extremes[1, p], ivar[n, p])
            for p in range(n_pixel):
                extremes[2, p] += (flux[n, p] + ivar[n, p]) * np.float32(0.0)
            if once:
                for p in range(n_pixel):
                    product[p] *= np.float64(ivar[n, p]) if ivar[n, p] > 0 else 1.0
            else:
                for p in range(n_pixel):
                    if ivar[n, p] > 0:
                        logs[p] -= counts[n] * np.log(np.float64(ivar[n, p]))
        for p in range(n_pixel):
            n_live[p] += count[p]
        if once:
            for p in range(n_pixel):
                logs[p] -= np.log(product[p])


@compiled(nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def trial_gradient_tile(flux, excess, ivar, scale, counts, s2, total):  # type: ignore[no-untyped-def]
    """Add g at s2 (k, pixel), with theta held fixed, and the squares of its terms to total (2, k, pixel)."""
    one = np.float32(1.0)
    for n in range(flux.shape[0]):
        for k in range(s2.shape[0]):
            for p in range(flux.shape[1]):
                r = flux[n, p] - one - excess[n, p]
                v = ivar[n, p] * scale[p]
                w = v / (one + s2[k, p] * v)
                term = counts[n] * np.float64(w) * (1.0 - np.float64(w * r) * np.float64(r))
                total[0, k, p] += term
                total[1, k, p] += term * term


@compiled(nogil=True)
def squared_residuals_tile(flux, excess, ivar, counts, total):  # type: ignore[no-untyped-def]
    """Add the squared residuals of the live stars, and their number, to total (2, pixel)."""
    one = np.float32(1.0)
    for n in range(flux.shape[0]):
        for p in range(flux.shape[1]):
            if ivar[n, p] > 0:
                r = np.float64(flux[n, p] - one - excess[n, p])
                total[0, p] += counts[n] * r * r
                total[1, p] += counts[n]


@compiled(nogil=True)
def pack_tile(vectors, counted, products):  # type: ignore[no-untyped-def]
    """Fill products (star, T (T + 1) / 2) with vectors_k counted_l, k <= l."""
    for n in range(vectors.shape[0]):
        i = 0
        for k in range(vectors.shape[1]):
            for l in range(k, vectors.shape[1]):  # noqa: E741 - the indices of the paper
                products[n, i] = vectors[n, k] * counted[n, l]
                i += 1
