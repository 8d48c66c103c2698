"""
Compiled Newton steps for many stars and starts at once, with a flat prior; called by :mod:`bayescannon.stars.quartic`.

With half of chi2, phi(x), split into its parts of degree 2, 3 and 4 in the scaled labels x, their Hessians H_2, H_3(x)
and H_4(x) give value and gradient too (Euler):

    grad phi = g + (H_2 + H_3 / 2 + H_4 / 3) x,    phi = c / 2 + g . x + x^T (H_2 / 2 + H_3 / 6 + H_4 / 12) x.

The symmetric coefficients of a star (126 numbers for five labels, where A has 441) are copied into a lane, a column of
arrays of shape (number, lane), so that every operation is one of vectors. A lane that has ended gets the next start. No
operation depends on the other lanes.
"""

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.stars.quartic_kernels import solve_positive

_LANES = 96
# a Newton step would lower chi2 by less than this, which is a step of 1e-6 formal errors
_DECREMENT = 1e-12
# below this steps are taken without comparing chi2, because rounding errors exceed the change
_SURE_DECREMENT = 1e-6
_MAX_ITERATIONS = 200
# after a step that raised chi2
_FIRST_DAMPING = 1e-3
# a smaller one is taken as none
_LEAST_DAMPING = 1e-5
_MAX_DAMPING = 1e12


@compiled(nogil=True, error_model="numpy")
def fill_symmetric(quartic, pairs, places, numbers):  # type: ignore[no-untyped-def]
    """
    Fill `numbers` of one star (A, b, c): c, g, H_2, and the symmetric coefficients of H_3 and H_4.

    `pairs` are the label indices i, j of the quadratic terms, `places` from
    :func:`bayescannon.stars.symmetric.symmetric_places`.
    """
    a, b, c = quartic
    i, j = pairs
    _, _, cubic, quartics, weights = places
    n_pair, k = cubic.shape
    numbers[:] = 0.0
    numbers[0] = c
    for m in range(k):
        numbers[1 + m] = -b[1 + m]
    for q in range(n_pair):
        twice = 2.0 if i[q] == j[q] else 1.0
        numbers[1 + k + q] = a[1 + i[q], 1 + j[q]] - twice * b[1 + k + q]
    for q in range(n_pair):
        for m in range(k):
            numbers[cubic[q, m]] += a[1 + k + q, 1 + m]
        numbers[quartics[q, q]] += 0.5 * a[1 + k + q, 1 + k + q]
        for r in range(q):
            numbers[quartics[q, r]] += a[1 + k + q, 1 + k + r]
    for n in range(1 + k + n_pair, len(numbers)):
        numbers[n] *= weights[n]


@compiled(nogil=True, error_model="numpy")
def _evaluate(n, table, places, x, scratch, out):  # type: ignore[no-untyped-def]
    """Evaluate chi2, half its gradient and half its Hessian of the first n lanes at x (K, lane)."""
    i, j, cubic, quartics, _ = places
    n_pair, k = cubic.shape
    y, h3, h4 = scratch
    value, grad, hess = out
    for l in range(n):  # noqa: E741
        value[l] = table[0, l]
    for m in range(k):
        for l in range(n):  # noqa: E741
            value[l] += 2.0 * table[1 + m, l] * x[m, l]
            grad[m, l] = table[1 + m, l]
    for q in range(n_pair):
        first, second = i[q], j[q]
        weight = 1.0 if first == second else 2.0
        for l in range(n):  # noqa: E741
            y[q, l] = weight * x[first, l] * x[second, l]
    for p in range(n_pair):
        one = cubic[p, 0]
        for l in range(n):  # noqa: E741
            h3[l] = table[one, l] * x[0, l]
        for m in range(1, k):
            one = cubic[p, m]
            for l in range(n):  # noqa: E741
                h3[l] += table[one, l] * x[m, l]
        one = quartics[p, 0]
        for l in range(n):  # noqa: E741
            h4[l] = table[one, l] * y[0, l]
        q = 1
        while q + 1 < n_pair:
            one, two, next_q = quartics[p, q], quartics[p, q + 1], q + 1
            for l in range(n):  # noqa: E741
                h4[l] += table[one, l] * y[q, l] + table[two, l] * y[next_q, l]
            q += 2
        if q < n_pair:
            one = quartics[p, q]
            for l in range(n):  # noqa: E741
                h4[l] += table[one, l] * y[q, l]
        first, second, one = i[p], j[p], 1 + k + p
        for l in range(n):  # noqa: E741
            h2 = table[one, l]
            hess[p, l] = h2 + h3[l] + h4[l]
            value[l] += y[p, l] * (h2 + h3[l] / 3.0 + h4[l] / 6.0)
            h3[l] = h2 + 0.5 * h3[l] + h4[l] / 3.0
        for l in range(n):  # noqa: E741
            grad[first, l] += h3[l] * x[second, l]
        if first != second:
            for l in range(n):  # noqa: E741
                grad[second, l] += h3[l] * x[first, l]


@compiled(nogil=True, error_model="numpy")
def _solve(n, place, damping, system, factor, out):  # type: ignore[no-untyped-def]
    """
    Solve (hess + damping diag(hess)) step = -grad of the first n lanes by Cholesky.

    `place` (K, K) is where a pair of labels is in hess; `positive` (lane,) becomes 1 where the matrix is positive
    definite and 0 elsewhere, and `decrement` is -grad . step. `system` is (hess, grad), `out` these three arrays.
    """
    hess, grad = system
    step, positive, decrement = out
    k = len(place)
    for l in range(n):  # noqa: E741
        positive[l] = 1.0
        decrement[l] = 0.0
    for m in range(k):
        for q in range(m + 1):
            own = place[m, q]
            for l in range(n):  # noqa: E741
                factor[own, l] = hess[own, l]
            if q == m:
                for l in range(n):  # noqa: E741
                    factor[own, l] += damping[l] * hess[own, l]
            for r in range(q):
                one, two = place[m, r], place[q, r]
                for l in range(n):  # noqa: E741
                    factor[own, l] -= factor[one, l] * factor[two, l]
            if q == m:
                # a pivot of the size of rounding errors does not count as positive
                for l in range(n):  # noqa: E741
                    whole = factor[own, l]
                    sound = whole > 1e-13 * hess[own, l] and hess[own, l] > 0.0
                    positive[l] = positive[l] if sound else 0.0
                    factor[own, l] = np.sqrt(whole if sound else 1.0)
            else:
                below = place[q, q]
                for l in range(n):  # noqa: E741
                    factor[own, l] /= factor[below, l]
    for m in range(k):
        for l in range(n):  # noqa: E741
            step[m, l] = -grad[m, l]
        for r in range(m):
            one = place[m, r]
            for l in range(n):  # noqa: E741
                step[m, l] -= factor[one, l] * step[r, l]
        own = place[m, m]
        for l in range(n):  # noqa: E741
            step[m, l] /= factor[own, l]
    for back in range(k):
        m = k - 1 - back
        for r in range(m + 1, k):
            one = place[r, m]
            for l in range(n):  # noqa: E741
                step[m, l] -= factor[one, l] * step[r, l]
        own = place[m, m]
        for l in range(n):  # noqa: E741
            step[m, l] /= factor[own, l]
            decrement[l] -= grad[m, l] * step[m, l]


@compiled(nogil=True, error_model="numpy")
def _gauss_newton(a, b, place, x, damping, hess, grad, work):  # type: ignore[no-untyped-def]
    """
    Fill the step (K,) of one lane with the Gauss-Newton matrix; return False unless it is positive definite.

    It is the Hessian `hess` (pair,) without the second derivatives of the model.
    """
    matrix, factor, scale, right, step, u = work
    k = len(x)
    n_pair = len(hess)
    u[0] = 0.0
    for m in range(k):
        u[1 + m] = x[m]
    for m in range(k):
        for n in range(m, k):
            u[1 + k + place[m, n]] = x[m] * x[n]
    for m in range(k):
        right[m] = -grad[m]
        for n in range(m, k):
            q = place[m, n]
            slope = -b[1 + k + q]
            for t in range(1, 1 + k + n_pair):
                slope += a[1 + k + q, t] * u[t]
            matrix[m, n] = hess[q] - (2.0 * slope if m == n else slope)
            matrix[n, m] = matrix[m, n]
        scale[m] = matrix[m, m]
    return solve_positive(matrix, right, damping, scale, step, factor)


@compiled(nogil=True)
def _empty(n):  # type: ignore[no-untyped-def]
    return np.empty((n, _LANES))


@compiled(nogil=True, error_model="numpy")
def minimise_flat(quartics, pairs, places, starts, out):  # type: ignore[no-untyped-def]
    """
    Minimise chi2 of every star from its starts (star, start, K) by damped Newton steps.

    A start of NaN is left out: labels of NaN, an infinite value. The arrays in `out` are filled: labels (star, start,
    K), value, converged and iterations (star, start).
    """
    a, b, c = quartics
    x_out, value_out, converged, iterations = out
    n_star, n_start, k = starts.shape
    i, j, _, _, weights = places
    n_pair, n_number = len(i), len(weights)
    place = np.empty((k, k), dtype=np.int64)
    for q in range(n_pair):
        place[i[q], j[q]] = place[j[q], i[q]] = q
    table, numbers, known = np.empty((n_number, _LANES)), np.empty(n_number), -1
    x, before, grad, step = _empty(k), _empty(k), _empty(k), _empty(k)
    hess, factor = _empty(n_pair), _empty(n_pair)
    scratch = (_empty(n_pair), np.empty(_LANES), np.empty(_LANES))
    value, least, damping = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    positive, decrement = np.empty(_LANES), np.empty(_LANES)
    job, count = np.empty(_LANES, dtype=np.int64), np.empty(_LANES, dtype=np.int64)
    work = (np.empty((k, k)), np.empty((k, k)), np.empty(k), np.empty(k), np.empty(k), np.empty(1 + k + n_pair))
    own_x, own_grad, own_hess = np.empty(k), np.empty(k), np.empty(n_pair)
    n_job, next_job, n = n_star * n_start, 0, 0
    while True:
        # lanes that are free get the next starts
        while n < _LANES and next_job < n_job:
            star, start = next_job // n_start, next_job % n_start
            if np.isnan(starts[star, start, 0]):
                x_out[star, start] = np.nan
                value_out[star, start] = np.inf
                iterations[star, start] = 0
                converged[star, start] = False
                next_job += 1
                continue
            if known != star:
                fill_symmetric((a[star], b[star], c[star]), pairs, places, numbers)
                known = star
            for m in range(n_number):
                table[m, n] = numbers[m]
            for m in range(k):
                x[m, n] = before[m, n] = starts[star, start, m]
            least[n], damping[n], job[n], count[n] = np.inf, 0.0, next_job, 0
            n += 1
            next_job += 1
        if n == 0:
            break
        _evaluate(n, table, places, x, scratch, (value, grad, hess))
        _solve(n, place, damping, (hess, grad), factor, (step, positive, decrement))
        l = 0  # noqa: E741
        while l < n:
            star, start = job[l] // n_start, job[l] % n_start
            ended, good = False, False
            if not value[l] < least[l]:
                # the step raised chi2: back, and a shorter one
                damping[l] = max(damping[l] * 10.0, _FIRST_DAMPING)
                for m in range(k):
                    x[m, l] = before[m, l]
                least[l] = np.inf
                count[l] += 1
                ended = count[l] >= _MAX_ITERATIONS or not damping[l] < _MAX_DAMPING
            else:
                if least[l] < np.inf:  # a step that lowered chi2
                    damping[l] = damping[l] * 0.1 if damping[l] > _LEAST_DAMPING else 0.0
                moves = positive[l] == 1.0
                if not moves:
                    for m in range(k):
                        own_x[m], own_grad[m] = x[m, l], grad[m, l]
                    for q in range(n_pair):
                        own_hess[q] = hess[q, l]
                    if _gauss_newton(a[star], b[star], place, own_x, damping[l], own_hess, own_grad, work):
                        moves = True
                        decrement[l] = np.inf
                        for m in range(k):
                            step[m, l] = work[4][m]
                count[l] += 1
                if not moves:
                    damping[l] = max(damping[l] * 10.0, _FIRST_DAMPING)
                    least[l] = np.inf
                elif decrement[l] <= _SURE_DECREMENT and damping[l] > 0.0:
                    # so near to the minimum nothing is damped
                    damping[l] = 0.0
                    least[l] = np.inf
                else:
                    good = decrement[l] <= _DECREMENT
                    ended = good
                    least[l] = np.inf if decrement[l] <= _SURE_DECREMENT else value[l]
                    for m in range(k):
                        before[m, l] = x[m, l]
                        x[m, l] += step[m, l]
                ended = ended or count[l] >= _MAX_ITERATIONS or not damping[l] < _MAX_DAMPING
            if not ended:
                l += 1  # noqa: E741
                continue
            for m in range(k):
                x_out[star, start, m] = x[m, l] if good else before[m, l]
            value_out[star, start] = value[l] - decrement[l] if good else value[l]
            converged[star, start] = good
            iterations[star, start] = count[l]
            # the last lane takes the place of the one that ended
            n -= 1
            for m in range(n_number):
                table[m, l] = table[m, n]
            for m in range(k):
                x[m, l], before[m, l], step[m, l], grad[m, l] = x[m, n], before[m, n], step[m, n], grad[m, n]
            for q in range(n_pair):
                hess[q, l] = hess[q, n]
            value[l], least[l], damping[l], positive[l] = value[n], least[n], damping[n], positive[n]
            decrement[l], job[l], count[l] = decrement[n], job[n], count[n]
