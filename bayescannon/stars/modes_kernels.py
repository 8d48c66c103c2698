"""
Compiled kernels that propose where another minimum of a star's chi2 - 2 ln p may lie, given the best that is known.

Along a line x + t d from a minimum x, chi2 is exactly a quartic in t, c2 t^2 + c3 t^3 + c4 t^4 above its value at x. It
is nowhere lower than at x where rho = 1 - c3^2 / (4 c2 c4) is positive, has a second minimum along the line where
rho < 1/9, and is convex where rho > 1/3. The directions of smallest rho are found from the eigenvectors of the Hessian
by iteration, and the candidates are the second minima along them. They work on plain arrays; call them through
:mod:`bayescannon.stars.modes`.
"""

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.label_density import add_density
from bayescannon.stars.quartic_kernels import chi2_derivatives, solve_positive

# no minimum is searched along a line with a larger rho; at 1/3 chi2 begins to bend down
_LARGEST_RHO = 0.5
# a direction whose rho is above this is not improved: chi2 is nearly a parabola along it
_PARABOLIC = 0.9
_ITERATIONS = 3
# a component of the prior is tried if the minimum with it alone would have at most this more chi2 - 2 ln p
_COMPONENT_DEPTH = 20.0
# as the first of two steps to it predicts
_FIRST_DEPTH = 60.0


@compiled(nogil=True, error_model="numpy")
def propose_all(quartics, pairs, density, best, n_lines, starts):  # type: ignore[no-untyped-def]
    """
    Fill starts (star, S, K) with labels from which another minimum of chi2 - 2 ln p may be reached; NaN where none is.

    `quartics` are (a, b, c); `best` (star, K) is the best minimum known, NaN for stars to be left out. At most
    `n_lines` of the S starts are second minima along lines through `best`, the others minima with one component of the
    prior alone.
    """
    a, b, c = quartics
    i, j = pairs
    n_star, n_slot, k = starts.shape
    t, n_pair = b.shape[1], len(i)
    gradient, gauss, hessian = np.empty(k), np.empty((k, k)), np.empty((k, k))
    derivatives, work = (gradient, gauss, hessian), (np.empty(t), np.empty(t), np.empty((t, k)))
    density_work = (np.empty(k), np.empty(k), np.empty((k, k)), np.empty((k, k)))
    third = np.empty((n_pair, k))
    line_work = (np.empty(n_pair), np.empty(k), np.empty((k, k)), np.empty(k), np.ones(k), np.empty((k, k)))
    found, excess = np.empty((k, k)), np.empty(k)
    starts[:] = np.nan
    for star in range(n_star):
        x = best[star]
        quartic = (a[star], b[star], c[star])
        value = chi2_derivatives(quartic, pairs, x, True, derivatives, work)
        value += add_density(density, x, True, gradient, gauss, hessian, density_work)
        if not np.isfinite(hessian).all():
            continue
        fourth = a[star, 1 + k :, 1 + k :]
        for q in range(n_pair):
            for p in range(k):
                third[q, p] = a[star, 1 + k + q, 1 + p]
            for r in range(n_pair):
                third[q, i[r]] += fourth[q, r] * x[j[r]]
                third[q, j[r]] += fourth[q, r] * x[i[r]]
        _, vectors = np.linalg.eigh(hessian)
        for n in range(k):
            direction = vectors[:, n].copy()
            c2, c3, c4 = _most_folded(hessian, third, fourth, pairs, direction, line_work)
            excess[n] = np.inf
            if c2 > 0.0 and c4 > 0.0 and 1.0 - c3 * c3 / (4.0 * c2 * c4) < _LARGEST_RHO:
                along = (-3.0 * c3 - np.sign(c3) * np.sqrt(max(9.0 * c3 * c3 - 32.0 * c2 * c4, 0.0))) / (8.0 * c4)
                excess[n] = along * along * (c2 + along * (c3 + along * c4))
                found[n] = x + along * direction
        used = 0
        while used < min(n_lines, n_slot):
            lowest = np.argmin(excess)
            if not np.isfinite(excess[lowest]):
                break
            starts[star, used] = found[lowest]
            used += 1
            excess[lowest] = np.inf
            # candidates nearer to this one than to x would end in the same minimum
            for m in range(k):
                if np.isfinite(excess[m]):
                    to_new, to_old = found[m] - found[lowest], found[m] - x
                    if to_new @ hessian @ to_new < to_old @ hessian @ to_old:
                        excess[m] = np.inf
        _propose_components(quartic, pairs, density, x, value, starts[star, used:], derivatives, work)


@compiled(nogil=True, error_model="numpy")
def _most_folded(hessian, third, fourth, pairs, direction, work):  # type: ignore[no-untyped-def]
    """
    Move a direction (K,) to a smaller rho, and return the coefficients c2, c3, c4 of chi2 along it.

    Where c3^2 / (c2 c4) is largest its gradient vanishes, which is a fixed point of
    (4 F / c4 + 2 H / c2) d = 2 grad(c3) / c3 with half the Hessian H and 4 F d = grad(c4).
    """
    i, j = pairs
    k, n_pair = len(direction), len(i)
    square, slope, matrix, step, scale, factor = work
    for iteration in range(_ITERATIONS + 1):
        c2, c3, c4 = 0.0, 0.0, 0.0
        for m in range(k):
            for n in range(k):
                c2 += direction[m] * hessian[m, n] * direction[n]
        slope[:] = 0.0
        matrix[:] = 0.0
        for q in range(n_pair):
            square[q] = direction[i[q]] * direction[j[q]]
        for q in range(n_pair):
            across, pull = 0.0, 0.0
            for n in range(k):
                across += third[q, n] * direction[n]
                slope[n] += 2.0 * third[q, n] * square[q]
            for r in range(n_pair):
                pull += fourth[q, r] * square[r]
            c3 += 2.0 * across * square[q]
            c4 += pull * square[q]
            slope[i[q]] += 2.0 * across * direction[j[q]]
            slope[j[q]] += 2.0 * across * direction[i[q]]
            matrix[i[q], j[q]] += 0.5 * pull
            matrix[j[q], i[q]] += 0.5 * pull
        if not (c2 > 0.0 and c4 > 0.0 and c3 != 0.0) or iteration == _ITERATIONS:
            break
        if c3 * c3 < 4.0 * c2 * c4 * (1.0 - _PARABOLIC):
            break
        for m in range(k):
            slope[m] *= 2.0 / c3
            for n in range(k):
                matrix[m, n] = 4.0 * matrix[m, n] / c4 + 2.0 * hessian[m, n] / c2
        if not solve_positive(matrix, slope, 0.0, scale, step, factor):
            for m in range(k):
                for n in range(k):
                    matrix[m, n] = 6.0 * hessian[m, n] / c2
            if not solve_positive(matrix, slope, 0.0, scale, step, factor):
                break
        direction[:] = step
    return c2, c3, c4


@compiled(nogil=True, error_model="numpy")
def _propose_components(quartic, pairs, density, x, value, starts, derivatives, work):  # type: ignore[no-untyped-def]
    """
    Fill starts (S, K) with the minima of chi2 and one component of a mixture each, those of lowest value first.

    Two Gauss-Newton steps from x lead there; `value` is chi2 - 2 ln p at x. A density that saturates is nearly flat
    where its components overlap, so its components are no minima.
    """
    _, _, log_weight, mean, precision, _, saturates = density
    n_component, k = mean.shape
    if saturates or n_component < 2 or len(starts) == 0:
        return
    gradient, gauss, _ = derivatives
    found, excess = np.empty((n_component, k)), np.full(n_component, np.inf)
    scale, step, factor = np.ones(k), np.empty(k), np.empty((k, k))
    chi2 = chi2_derivatives(quartic, pairs, x, True, derivatives, work)
    first_gradient, first_gauss = gradient.copy(), gauss.copy()
    for m in range(n_component):
        right = -first_gradient - precision[m] @ (x - mean[m])
        if not solve_positive(first_gauss + precision[m], right, 0.0, scale, step, factor):
            continue
        found[m] = x + step
        away = found[m] - mean[m]
        predicted = chi2 + 2.0 * (first_gradient @ step) + step @ first_gauss @ step
        predicted += away @ precision[m] @ away - 2.0 * log_weight[m] - value
        if predicted > _FIRST_DEPTH:
            continue
        own = chi2_derivatives(quartic, pairs, found[m], True, derivatives, work)
        right = -gradient - precision[m] @ away
        if not solve_positive(gauss + precision[m], right, 0.0, scale, step, factor):
            continue
        found[m] += step
        away = found[m] - mean[m]
        excess[m] = own + 2.0 * (gradient @ step) + step @ gauss @ step
        excess[m] += away @ precision[m] @ away - 2.0 * log_weight[m] - value
    for n in range(len(starts)):
        lowest = np.argmin(excess)
        if not excess[lowest] < _COMPONENT_DEPTH:
            break
        starts[n] = found[lowest]
        excess[lowest] = np.inf
