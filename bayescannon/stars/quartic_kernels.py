"""
Compiled kernels for a star's quartic (A, b, c) and a prior of its labels: value, gradient, Hessian and optimum.

They work on plain arrays; call them through :mod:`bayescannon.stars.quartic`.
"""

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.label_density import add_density

# converged: a Newton step would lower chi2 by less than this, which is a step of 1e-6 formal errors
_DECREMENT = 1e-12
# below this Newton steps are taken without comparing chi2, because rounding errors exceed the change
_SURE_DECREMENT = 1e-6
_MAX_ITERATIONS = 200
_FIRST_DAMPING = 1e-3
_MAX_DAMPING = 1e12


@compiled(nogil=True, error_model="numpy")
def chi2_derivatives(quartic, pairs, x, with_hessian, out, work):  # type: ignore[no-untyped-def]
    """
    Return chi2 of one star (A, b, c) at x; fill `out` with half its gradient, J^T A J and half its Hessian.

    `pairs` are the label indices i, j of the quadratic terms; `work` is scratch space: u (T,), slope (T,) and jacobian
    (T, K).
    """
    a, b, c = quartic
    i, j = pairs
    gradient, gauss, hessian = out
    u, slope, jacobian = work
    k, t = len(x), len(b)
    u[0] = 0.0
    for m in range(k):
        u[1 + m] = x[m]
    for m in range(len(i)):
        u[1 + k + m] = x[i[m]] * x[j[m]]
    chi2 = c
    for m in range(t):
        total = 0.0
        for n in range(t):
            total += a[m, n] * u[n]
        chi2 += u[m] * (total - 2.0 * b[m])
        slope[m] = total - b[m]
    if not with_hessian:
        return chi2
    for m in range(k):
        gradient[m] = slope[1 + m]
        for n in range(t):
            # column m of A J: the linear term, then the quadratic ones
            jacobian[n, m] = a[n, 1 + m]
    for q in range(len(i)):
        gradient[i[q]] += slope[1 + k + q] * x[j[q]]
        gradient[j[q]] += slope[1 + k + q] * x[i[q]]
        for n in range(t):
            jacobian[n, i[q]] += a[n, 1 + k + q] * x[j[q]]
            jacobian[n, j[q]] += a[n, 1 + k + q] * x[i[q]]
    for m in range(k):
        for n in range(k):
            gauss[m, n] = jacobian[1 + m, n]
    for q in range(len(i)):
        for n in range(k):
            gauss[i[q], n] += jacobian[1 + k + q, n] * x[j[q]]
            gauss[j[q], n] += jacobian[1 + k + q, n] * x[i[q]]
    hessian[:] = gauss
    for q in range(len(i)):
        hessian[i[q], j[q]] += slope[1 + k + q]
        hessian[j[q], i[q]] += slope[1 + k + q]
    return chi2


@compiled(nogil=True, error_model="numpy")
def solve_positive(matrix, right, damping, scale, step, factor):  # type: ignore[no-untyped-def]
    """Solve (matrix + damping diag(scale)) step = right by Cholesky; return False unless it is positive definite."""
    k = len(right)
    for m in range(k):
        for n in range(m + 1):
            total = matrix[m, n]
            if m == n:
                total += damping * scale[m]
            for q in range(n):
                total -= factor[m, q] * factor[n, q]
            if m == n:
                # a pivot of the size of rounding errors does not count as positive
                if not total > 1e-13 * (matrix[m, m] + damping * scale[m]):
                    return False
                factor[m, m] = np.sqrt(total)
            else:
                factor[m, n] = total / factor[n, n]
    for m in range(k):
        total = right[m]
        for q in range(m):
            total -= factor[m, q] * step[q]
        step[m] = total / factor[m, m]
    for m in range(k - 1, -1, -1):
        total = step[m]
        for q in range(m + 1, k):
            total -= factor[q, m] * step[q]
        step[m] = total / factor[m, m]
    return True


@compiled(nogil=True, error_model="numpy")
def minimise_all(quartics, pairs, density, starts, out):  # type: ignore[no-untyped-def]
    """
    Minimise chi2 - 2 ln p of every star from its starts (star, start, K) by damped Newton steps, inside the box of p.

    A start of NaN is left out: labels of NaN, an infinite value. The arrays in `out` are filled: labels (star, start,
    K), value, converged and iterations (star, start).
    """
    a, b, c = quartics
    x_out, value_out, converged, iterations = out
    n_star, n_start, k = x_out.shape
    t = b.shape[1]
    lower, upper = density[0], density[1]
    trial, scale, right, step = np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    gradient, gauss, hessian, factor = np.empty(k), np.empty((k, k)), np.empty((k, k)), np.empty((k, k))
    derivatives, work = (gradient, gauss, hessian), (np.empty(t), np.empty(t), np.empty((t, k)))
    density_work = (np.empty(k), np.empty(k), np.empty((k, k)), np.empty((k, k)))
    for star in range(n_star):
        quartic = (a[star], b[star], c[star])
        for start in range(n_start):
            if np.isnan(starts[star, start, 0]):
                x_out[star, start] = np.nan
                value_out[star, start] = np.inf
                iterations[star, start] = 0
                converged[star, start] = False
                continue
            x = np.minimum(np.maximum(starts[star, start], lower), upper)
            damping = _FIRST_DAMPING
            value = chi2_derivatives(quartic, pairs, x, True, derivatives, work)
            value += add_density(density, x, True, gradient, gauss, hessian, density_work)
            n_iteration = 0
            done = False
            while n_iteration < _MAX_ITERATIONS and damping < _MAX_DAMPING and not done:
                n_iteration += 1
                for m in range(k):
                    right[m] = -gradient[m]
                    scale[m] = gauss[m, m]
                _hold_at_walls(x, lower, upper, gradient, right, scale, gauss, hessian)
                # the decrease of chi2 that the Newton step predicts
                decrement = np.inf
                if solve_positive(hessian, right, 0.0, scale, step, factor):
                    decrement = 0.0
                    for m in range(k):
                        decrement += right[m] * step[m]
                # far from the optimum the Hessian may be indefinite; J^T A J never is
                if (
                    decrement > _SURE_DECREMENT
                    and not solve_positive(hessian, right, damping, scale, step, factor)
                    and not solve_positive(gauss, right, damping, scale, step, factor)
                ):
                    damping *= 10.0
                    continue
                stopped = False
                for m in range(k):
                    trial[m] = min(max(x[m] + step[m], lower[m]), upper[m])
                    stopped = stopped or trial[m] != x[m] + step[m]
                new = chi2_derivatives(quartic, pairs, trial, False, derivatives, work)
                new += add_density(density, trial, False, gradient, gauss, hessian, density_work)
                if decrement <= _SURE_DECREMENT or new < value:
                    x[:] = trial
                    # a step cut short by a bound is no sign of convergence
                    done = decrement <= _DECREMENT and not stopped
                    value = new
                    if not done:
                        value = chi2_derivatives(quartic, pairs, x, True, derivatives, work)
                        value += add_density(density, x, True, gradient, gauss, hessian, density_work)
                    damping = damping * 0.1 if damping > 1e-10 else 0.0
                else:
                    damping = max(damping * 10.0, 1e-6)
            x_out[star, start] = x
            value_out[star, start] = value
            iterations[star, start] = n_iteration
            converged[star, start] = done


@compiled(nogil=True, error_model="numpy")
def _hold_at_walls(x, lower, upper, gradient, right, scale, gauss, hessian):  # type: ignore[no-untyped-def]
    """Remove from the equations the labels that are at a bound of the box and would cross it."""
    k = len(x)
    for m in range(k):
        if (x[m] <= lower[m] and gradient[m] > 0.0) or (x[m] >= upper[m] and gradient[m] < 0.0):
            right[m] = 0.0
            scale[m] = 1.0
            for n in range(k):
                gauss[m, n] = gauss[n, m] = hessian[m, n] = hessian[n, m] = 0.0
            gauss[m, m] = hessian[m, m] = 1.0


@compiled(nogil=True, error_model="numpy")
def evaluate_all(quartics, pairs, density, x, value, derivatives):  # type: ignore[no-untyped-def]
    """
    Evaluate chi2 - 2 ln p of every star at its own x (star, K).

    `value` (star,) is filled, and `derivatives` with half the gradient, the Gauss-Newton matrix and the Hessian.
    """
    a, b, c = quartics
    gradient, gauss, hessian = derivatives
    t, k = b.shape[1], x.shape[1]
    work = (np.empty(t), np.empty(t), np.empty((t, k)))
    density_work = (np.empty(k), np.empty(k), np.empty((k, k)), np.empty((k, k)))
    for n in range(len(x)):
        own = (gradient[n], gauss[n], hessian[n])
        value[n] = chi2_derivatives((a[n], b[n], c[n]), pairs, x[n], True, own, work)
        value[n] += add_density(density, x[n], True, gradient[n], gauss[n], hessian[n], density_work)
