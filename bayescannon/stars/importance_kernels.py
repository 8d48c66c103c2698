"""
Compiled kernels that sample a star's posterior by importance, called by :mod:`bayescannon.stars.importance`.

The proposal is a mixture of Student-t distributions, one at each mode. Draws are stored as (label, draw), so that the
quartic of all draws is a few vector operations.
"""

from math import lgamma

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.label_density import add_density, log_densities
from bayescannon.numerics.pareto import smooth_weights, weighted_quantiles
from bayescannon.stars.quartic_kernels import chi2_derivatives

# modes are left out if their -2 ln p exceeds that of the best by more than this
_MODE_DEPTH = 40.0
# optima are the same mode if they are within this many posterior standard deviations
_SAME_MODE = 0.1
# smallest share of the draws per mode, because the Gaussian estimate of its share may be poor
_LEAST_SHARE = 0.1


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


@compiled(nogil=True, error_model="numpy")
def log_target(quartic, pairs, density, x, result, work):  # type: ignore[no-untyped-def]
    """
    Fill result (S,) with -chi2 / 2 + ln p of one star (A, b, c) at x (K, S).

    `work` is scratch space: u (T, S) and across (S,).
    """
    a, b, c = quartic
    i, j = pairs
    u, across = work
    k, t = x.shape[0], len(b)
    u[0] = 0.0
    u[1 : 1 + k] = x
    for m in range(len(i)):
        u[1 + k + m] = x[i[m]] * x[j[m]]
    log_densities(density, x, result)
    result -= 0.5 * c
    for m in range(1, t):
        across[:] = b[m]
        for n in range(1, m):
            weight = a[m, n]
            for s in range(len(across)):
                across[s] -= weight * u[n, s]
        weight = 0.5 * a[m, m]
        for s in range(len(across)):
            result[s] += u[m, s] * (across[s] - weight * u[m, s])


@compiled(nogil=True, error_model="numpy")
def draw_proposal(components, dof, random, x, log_proposal, square):  # type: ignore[no-untyped-def]
    """
    Fill x (K, S) with draws of a mixture of Student-t distributions, and log_proposal (S,) with its log density.

    `components` are the mode (M, K), root (M, K, K) and share (M,) of the mixture. In `random`, noise (K, S) is
    standard normal and stretch (S,) is sqrt(dof / chi2). The number of draws per component is its share, rounded. The
    log density is up to a constant. square (S,) is scratch space.
    """
    mode, root, share = components
    noise, stretch = random
    n_mode, k = mode.shape
    n_draw = x.shape[1]
    first = 0
    summed = 0.0
    for m in range(n_mode):
        summed += share[m]
        last = n_draw if m == n_mode - 1 else int(np.round(summed * n_draw))
        for p in range(k):
            x[p, first:last] = mode[m, p]
            for q in range(k):
                factor = root[m, p, q]
                if factor != 0.0:
                    for s in range(first, last):
                        x[p, s] += factor * (stretch[s] * noise[q, s])
        first = last
    for m in range(n_mode):
        inverse = np.linalg.inv(root[m])
        constant = np.log(share[m])
        for p in range(k):
            constant -= np.log(np.abs(root[m, p, p]))
        square[:] = 0.0
        for p in range(k):
            for s in range(n_draw):
                y = 0.0
                for q in range(p + 1):
                    y += inverse[p, q] * (x[q, s] - mode[m, q])
                square[s] += y * y
        for s in range(n_draw):
            one = constant - 0.5 * (dof + k) * np.log1p(square[s] / dof)
            if m == 0:
                log_proposal[s] = one
            else:
                largest = max(log_proposal[s], one)
                log_proposal[s] = largest + np.log1p(np.exp(min(log_proposal[s], one) - largest))


@compiled(nogil=True, error_model="numpy")
def sample_all(quartics, pairs, density, proposal, dof, random, probabilities, out):  # type: ignore[no-untyped-def]
    """
    Sample every star by importance.

    `quartics` are (a, b, c); `proposal` is (mode, root, share, n_mode) from :func:`collect_modes`. In `random`, noise
    (star, K, S) and stretch (star, S) make the draws; point (star,) and order (star, D) resample D of them with equal
    weight. The arrays in `out` are filled: mean (star, K), covariance (star, K, K), quantiles (star, Q, K), k-hat and
    ESS (star,), the D draws (star, D, K), and ln of the integral of the target (star,).
    """
    a, b, c = quartics
    mode, root, share, n_mode = proposal
    noise, stretch, order, point = random
    mean, covariance, quantiles, k_hat, ess, kept, log_evidence = out
    n_star, k, n_draw = noise.shape
    # the log densities of the proposal leave this constant of the Student-t distribution out
    constant = lgamma(0.5 * (dof + k)) - lgamma(0.5 * dof) - 0.5 * k * np.log(dof * np.pi)
    x, u = np.empty((k, n_draw)), np.empty((b.shape[1], n_draw))
    log_proposal, log_ratio, weight, work = np.empty(n_draw), np.empty(n_draw), np.empty(n_draw), np.empty(n_draw)
    for star in range(n_star):
        n = n_mode[star]
        components = (mode[star, :n], root[star, :n], share[star, :n])
        draw_proposal(components, dof, (noise[star], stretch[star]), x, log_proposal, work)
        log_target((a[star], b[star], c[star]), pairs, density, x, log_ratio, (u, work))
        log_ratio -= log_proposal
        largest = log_ratio.max()
        log_evidence[star] = largest + np.log(np.mean(np.exp(log_ratio - largest))) - constant
        k_hat[star] = smooth_weights(log_ratio, weight)
        ess[star] = 1.0 / np.sum(weight**2)
        for p in range(k):
            mean[star, p] = np.sum(weight * x[p])
            weighted_quantiles(x[p], weight, probabilities, quantiles[star, :, p])
            x[p] -= mean[star, p]
        for p in range(k):
            for q in range(p + 1):
                total = np.sum(weight * x[p] * x[q])
                covariance[star, p, q] = total
                covariance[star, q, p] = total
        _resample(x, mean[star], weight, order[star], point[star], kept[star])


@compiled(nogil=True, error_model="numpy")
def _resample(x, mean, weight, order, point, kept):  # type: ignore[no-untyped-def]
    """Fill kept (D, K) with draws mean + x by systematic resampling in proportion to their weights."""
    n_keep, k = kept.shape
    summed, s = weight[0], 0
    for d in range(n_keep):
        while summed * n_keep < point + d and s < len(weight) - 1:
            s += 1
            summed += weight[s]
        for p in range(k):
            kept[order[d], p] = mean[p] + x[p, s]
