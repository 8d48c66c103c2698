"""
Compiled kernels that sample a star's posterior by importance, called by :mod:`bayescannon.stars.importance`.

The proposal is a mixture of Student-t distributions, one at each mode. Draws are stored as (label, draw), so that the
quartic of all draws is a few vector operations.
"""

from math import lgamma

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.label_density import add_density, log_densities
from bayescannon.numerics.pareto import smooth_tail, weighted_quantiles
from bayescannon.numerics.vector_functions import exp_all, log_all, normal_pairs, random_bits
from bayescannon.stars.newton_kernels import fill_symmetric
from bayescannon.stars.quartic_kernels import chi2_derivatives

# modes are left out if their -2 ln p exceeds that of the best by more than this
_MODE_DEPTH = 40.0
# optima are the same mode if they are within this many posterior standard deviations
_SAME_MODE = 0.1
# smallest share of the draws per mode, because the Gaussian estimate of its share may be poor
_LEAST_SHARE = 0.1
# draws whose target is computed at once
_DRAWS = 128
_PER_DOUBLE = 2.0**-53


@compiled(nogil=True, error_model="numpy")
def collect_modes(quartics, pairs, density, optima, proposal):  # type: ignore[no-untyped-def]
    """
    Collect the distinct modes of every star among the optima of its starts.

    `quartics` are (a, b, c); `optima` are the labels (star, start, K), their -2 ln p and whether they converged, both
    (star, start). The arrays in `proposal` are filled: mode (star, M, K); root (star, M, K, K), Cholesky factors of the
    inverse of half the Hessian at the mode; share (star, M) of the draws; and n_mode (star,), 0 for a star without a
    proper mode.
    """
    a, b, c = quartics
    labels, value, converged = optima
    mode, root, share, n_mode = proposal
    n_star, _, k = labels.shape
    n_most, t = mode.shape[1], b.shape[1]
    gradient, gauss, hessian = np.empty(k), np.empty((k, k)), np.empty((k, k))
    derivatives, work = (gradient, gauss, hessian), (np.empty(t), np.empty(t), np.empty((t, k)))
    density_work = (np.empty(k), np.empty(k), np.empty((k, k)), np.empty((k, k)))
    for star in range(n_star):
        found = 0
        best = np.inf
        curvature = np.empty((n_most, k, k))
        for start in np.argsort(value[star]):
            if found == n_most or value[star, start] > best + _MODE_DEPTH:
                break
            x = labels[star, start]
            new = converged[star, start]
            for m in range(found):
                apart = x - mode[star, m]
                new = new and apart @ curvature[m] @ apart > _SAME_MODE**2
            if not new:
                continue
            chi2_derivatives((a[star], b[star], c[star]), pairs, x, True, derivatives, work)
            add_density(density, x, True, gradient, gauss, hessian, density_work)
            # at a bound of the box the Hessian may be indefinite; then J^T A J is used
            curvature[found] = hessian
            if not _factor_of_inverse(hessian, root[star, found]):
                curvature[found] = gauss
                if not _factor_of_inverse(gauss, root[star, found]):
                    continue
            mode[star, found] = x
            best = min(best, value[star, start])
            log_volume = 0.0
            for q in range(k):
                log_volume += np.log(root[star, found, q, q])
            share[star, found] = np.exp(-0.5 * (value[star, start] - best) + log_volume)
            found += 1
        n_mode[star] = found
        if found:
            total = share[star, :found].sum()
            for m in range(found):
                share[star, m] = max(share[star, m] / total, _LEAST_SHARE)
            share[star, :found] /= share[star, :found].sum()


@compiled(nogil=True, error_model="numpy")
def _factor_of_inverse(matrix, root):  # type: ignore[no-untyped-def]
    """Fill the lower triangular root with root root^T = matrix^-1; return False unless matrix is positive definite."""
    k = len(matrix)
    # Cholesky factor of the matrix with its rows and columns reversed
    factor = np.zeros((k, k))
    for m in range(k):
        for n in range(m, k):
            total = matrix[k - 1 - m, k - 1 - n]
            for q in range(m):
                total -= factor[m, q] * factor[n, q]
            if n == m:
                if not total > 1e-13 * matrix[k - 1 - m, k - 1 - m]:
                    return False
                factor[m, m] = np.sqrt(total)
            else:
                factor[n, m] = total / factor[m, m]
    root[:] = 0.0
    # its inverse, column by column, transposed and reversed back
    for column in range(k):
        for m in range(column, k):
            total = 1.0 if m == column else 0.0
            for q in range(column, m):
                total -= factor[m, q] * root[k - 1 - column, k - 1 - q]
            root[k - 1 - column, k - 1 - m] = total / factor[m, m]
    return True


@compiled(nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def log_target(numbers, places, density, x, result, work):  # type: ignore[no-untyped-def]
    """
    Fill result (S,) with -chi2 / 2 + ln p of one star at x (K, S).

    `numbers` and `places` are those of :mod:`bayescannon.stars.symmetric`, the numbers as coefficients of monomials.
    `work` is scratch space: products of two labels (pair, 128) and across (128,).
    """
    i, j, cubic, quartics, _ = places
    product, across = work
    n_pair, k = cubic.shape
    n_draw, size = x.shape[1], len(across)
    if len(density[2]) or np.isfinite(density[0]).any() or np.isfinite(density[1]).any():
        log_densities(density, x, result)
    else:
        result[:] = 0.0
    # so few draws at once that what is computed of them stays in the fastest memory
    for first in range(0, n_draw, size):
        n = min(size, n_draw - first)
        for p in range(n_pair):
            one, two = i[p], j[p]
            for s in range(n):
                product[p, s] = x[one, first + s] * x[two, first + s]
        for s in range(n):
            result[first + s] -= 0.5 * numbers[0]
        for m in range(k):
            slope = numbers[1 + m]
            for s in range(n):
                result[first + s] -= slope * x[m, first + s]
        for p in range(n_pair):
            # every monomial once: with labels and pairs that do not come before the second label of this pair
            two = j[p]
            constant = numbers[1 + k + p]
            for s in range(n):
                across[s] = constant
            for m in range(two, k):
                weight = numbers[cubic[p, m]]
                for s in range(n):
                    across[s] += weight * x[m, first + s]
            q = 0
            while i[q] < two:
                q += 1
            while q + 1 < n_pair:
                weight, other, next_q = numbers[quartics[p, q]], numbers[quartics[p, q + 1]], q + 1
                for s in range(n):
                    across[s] += weight * product[q, s] + other * product[next_q, s]
                q += 2
            if q < n_pair:
                weight = numbers[quartics[p, q]]
                for s in range(n):
                    across[s] += weight * product[q, s]
            for s in range(n):
                result[first + s] -= product[p, s] * across[s]


@compiled(nogil=True, error_model="numpy")
def fill_monomials(quartic, pairs, places, numbers):  # type: ignore[no-untyped-def]
    """Fill `numbers` of one star (A, b, c) so that half of chi2 is c / 2 and the sum of monomials, see `log_target`."""
    fill_symmetric(quartic, pairs, places, numbers)
    i, j, cubic, _, weights = places
    n_pair, k = cubic.shape
    for q in range(n_pair):
        if i[q] == j[q]:
            numbers[1 + k + q] *= 0.5
    for n in range(1 + k + n_pair, len(numbers)):
        numbers[n] /= weights[n]


@compiled(nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def draw_proposal(components, dof, random, x, log_proposal, work):  # type: ignore[no-untyped-def]
    """
    Fill x (K, S) with draws of a mixture of Student-t distributions, and log_proposal (S,) with its log density.

    `components` are the mode (M, K), root (M, K, K) and share (M,) of the mixture. In `random`, noise (K, S) is
    standard normal and stretch (S,) is sqrt(dof / chi2). The number of draws per component is its share, rounded. The
    log density is up to a constant. `work` is scratch space, three arrays (S,).
    """
    mode, root, share = components
    noise, stretch = random
    square, log, scratch = work
    n_mode, k = mode.shape
    n_draw = x.shape[1]
    first = 0
    summed = 0.0
    for m in range(n_mode):
        summed += share[m]
        last = n_draw if m == n_mode - 1 else int(np.round(summed * n_draw))
        for p in range(k):
            for s in range(first, last):
                x[p, s] = 0.0
            for q in range(p + 1):
                factor = root[m, p, q]
                for s in range(first, last):
                    x[p, s] += factor * noise[q, s]
            centre = mode[m, p]
            for s in range(first, last):
                x[p, s] = centre + stretch[s] * x[p, s]
        first = last
    for m in range(n_mode):
        constant = np.log(share[m])
        for p in range(k):
            constant -= np.log(np.abs(root[m, p, p]))
        for s in range(n_draw):
            square[s] = 0.0
        if n_mode == 1:
            for p in range(k):
                for s in range(n_draw):
                    square[s] += noise[p, s] * noise[p, s]
            for s in range(n_draw):
                square[s] *= stretch[s] * stretch[s]
        else:
            inverse = np.linalg.inv(root[m])
            for p in range(k):
                for s in range(n_draw):
                    y = 0.0
                    for q in range(p + 1):
                        y += inverse[p, q] * (x[q, s] - mode[m, q])
                    square[s] += y * y
        for s in range(n_draw):
            square[s] = 1.0 + square[s] / dof
        log_all(square, log, scratch)
        if m == 0:
            for s in range(n_draw):
                log_proposal[s] = constant - 0.5 * (dof + k) * log[s]
            continue
        for s in range(n_draw):
            one = constant - 0.5 * (dof + k) * log[s]
            square[s] = -abs(log_proposal[s] - one)
            log_proposal[s] = max(log_proposal[s], one)
        exp_all(square, log, scratch)
        for s in range(n_draw):
            square[s] = 1.0 + log[s]
        log_all(square, log, scratch)
        for s in range(n_draw):
            log_proposal[s] += log[s]


@compiled(nogil=True, error_model="numpy")
def draw_random(seed, dof, noise, stretch, order):  # type: ignore[no-untyped-def]
    """
    Fill noise (K, S) with normal numbers, stretch (S,) with sqrt(dof / chi2), and order (D,) with a permutation.

    Return a number from 0 to 1. All are of the star's `seed`, a uint64; dof is an odd whole number.
    """
    k, n_draw = noise.shape
    bits, work = np.empty(n_draw, dtype=np.uint64), (np.empty(n_draw), np.empty(n_draw))
    other = np.empty(n_draw)
    place = 0
    for row in range(0, k + 1, 2):
        random_bits(seed, place, bits)
        place += n_draw
        # the last row is of chi2
        if row + 1 < k:
            normal_pairs(bits, noise[row], noise[row + 1], work)
        elif row + 1 == k:
            normal_pairs(bits, noise[row], other, work)
        else:
            normal_pairs(bits, other, stretch, work)
    stretch[:] = 1.0
    for _ in range(int(dof) // 2):
        random_bits(seed, place, bits)
        place += n_draw
        for s in range(n_draw):
            stretch[s] *= (float(np.int64(bits[s] >> np.uint64(11))) + 0.5) * _PER_DOUBLE
    log_all(stretch, work[0], work[1])
    for s in range(n_draw):
        stretch[s] = np.sqrt(dof / (other[s] * other[s] - 2.0 * work[0][s]))
    n_keep = len(order)
    more = np.empty(n_keep + 1, dtype=np.uint64)
    random_bits(seed, place, more)
    for d in range(n_keep):
        order[d] = d
    for d in range(n_keep - 1, 0, -1):
        chosen = int((float(np.int64(more[d] >> np.uint64(11))) + 0.5) * _PER_DOUBLE * (d + 1))
        order[d], order[chosen] = order[chosen], order[d]
    return (float(np.int64(more[n_keep] >> np.uint64(11))) + 0.5) * _PER_DOUBLE


@compiled(nogil=True, error_model="numpy")
def sample_all(quartics, layout, density, proposal, dof, random, probabilities, out):  # type: ignore[no-untyped-def]
    """
    Sample every star by importance; `random` are the stars' seeds (star,) and the number S of draws.

    `quartics` are (a, b, c), `layout` the pairs of labels and the places of
    :func:`bayescannon.stars.symmetric.symmetric_places`; `proposal` is (mode, root, share, n_mode) from
    :func:`collect_modes`. The arrays in `out` are filled: mean (star, K), covariance (star, K, K), quantiles
    (star, Q, K), k-hat and ESS (star,), D draws of equal weight (star, D, K), and ln of the integral of the target
    (star,).
    """
    a, b, c = quartics
    pairs, places = layout
    seeds, n_draw = random
    mode, root, share, n_mode = proposal
    mean, covariance, quantiles, k_hat, ess, kept, log_evidence = out
    n_star, k = mean.shape
    # the log densities of the proposal leave this constant of the Student-t distribution out
    constant = lgamma(0.5 * (dof + k)) - lgamma(0.5 * dof) - 0.5 * k * np.log(dof * np.pi)
    noise, x, stretch = np.empty((k, n_draw)), np.empty((k, n_draw)), np.empty(n_draw)
    order, numbers = np.empty(kept.shape[1], dtype=np.int64), np.empty(len(places[4]))
    log_proposal, log_ratio, weight = np.empty(n_draw), np.empty(n_draw), np.empty(n_draw)
    work = (np.empty(n_draw), np.empty(n_draw), np.empty(n_draw))
    own = (np.empty((len(pairs[0]), _DRAWS)), np.empty(_DRAWS))
    for star in range(n_star):
        n = n_mode[star]
        components = (mode[star, :n], root[star, :n], share[star, :n])
        point = draw_random(seeds[star], dof, noise, stretch, order)
        draw_proposal(components, dof, (noise, stretch), x, log_proposal, work)
        fill_monomials((a[star], b[star], c[star]), pairs, places, numbers)
        log_target(numbers, places, density, x, log_ratio, own)
        largest = -np.inf
        for s in range(n_draw):
            log_ratio[s] -= log_proposal[s]
            largest = max(largest, log_ratio[s])
        if largest > -np.inf and largest < np.inf:
            for s in range(n_draw):
                log_ratio[s] -= largest
            exp_all(log_ratio, weight, work[0])
            log_evidence[star] = largest + np.log(np.mean(weight)) - constant
            k_hat[star] = smooth_tail(weight)
        else:
            weight[:] = 0.0
            log_evidence[star], k_hat[star] = np.nan, np.inf
        _moments(x, weight, mean[star], covariance[star], ess[star : star + 1])
        for p in range(k):
            weighted_quantiles(x[p], weight, probabilities, quantiles[star, :, p])
        _resample(x, weight, order, point, kept[star])


@compiled(nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def _moments(x, weight, mean, covariance, ess):  # type: ignore[no-untyped-def]
    """Fill mean (K,), covariance (K, K) and ESS (1,) of draws x (K, S) with weights of sum 1."""
    k, n_draw = x.shape
    squares = 0.0
    for s in range(n_draw):
        squares += weight[s] * weight[s]
    ess[0] = 1.0 / squares
    for p in range(k):
        total = 0.0
        for s in range(n_draw):
            total += weight[s] * x[p, s]
        mean[p] = total
    for p in range(k):
        for q in range(p + 1):
            total = 0.0
            for s in range(n_draw):
                total += weight[s] * (x[p, s] - mean[p]) * (x[q, s] - mean[q])
            covariance[p, q] = total
            covariance[q, p] = total


@compiled(nogil=True, error_model="numpy")
def _resample(x, weight, order, point, kept):  # type: ignore[no-untyped-def]
    """Fill kept (D, K) with draws x by systematic resampling in proportion to their weights."""
    n_keep, k = kept.shape
    summed, s = weight[0], 0
    for d in range(n_keep):
        while summed * n_keep < point + d and s < len(weight) - 1:
            s += 1
            summed += weight[s]
        for p in range(k):
            kept[order[d], p] = x[p, s]
