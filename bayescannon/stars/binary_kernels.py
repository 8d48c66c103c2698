r"""
Compiled kernels of unresolved pairs: the integral of exp(-chi2 / 2) over a star's labels, and over those of a pair.

They work on plain arrays; call them through :mod:`bayescannon.stars.binary`. A pair has the scaled labels x of its
first star, the ratio q of the masses and rho of the light: its spectrum is theta . ((1 - w) v(l_1) + w v(l_2)). q = 0
stands for a star without a companion: then w = 0, and rho integrates to 1.

q is dealt in equal intervals. At the middle of each the optimum in (x, rho) is found from that of the interval before,
and draws are taken from a Student-t distribution there; q is uniform in the interval, and the centre moves with it.
"""

import numpy as np

from bayescannon.models.main_sequence import LESS_EVOLVED, MASS_EXPONENT, SECOND_RADIATION, SOLAR_TEFF
from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.label_density import add_density
from bayescannon.stars.quartic_kernels import solve_positive

_MAX_ITERATIONS = 30
# the optimum is found once a step lowers chi2 by less than this; draws correct what is left
_DECREMENT = 1e-2
# of central differences, in scaled labels and rho
_STEP = 1e-4


@compiled(nogil=True, error_model="numpy")
def _sequence_logg(coefficients, teff, metals):  # type: ignore[no-untyped-def]
    """Return log g on the main sequence: see :meth:`bayescannon.models.main_sequence.MainSequence.logg`."""
    t = np.log(teff / SOLAR_TEFF)
    return (
        coefficients[0] + t * (coefficients[1] + coefficients[2] * t)
        + metals * (coefficients[3] + coefficients[4] * t + coefficients[5] * metals)
    )  # fmt: skip


@compiled(nogil=True, error_model="numpy")
def second_star(sequence, x, q, rho, second):  # type: ignore[no-untyped-def]
    """Fill `second` with the scaled labels of the companion of x (K,); return its share of the light."""
    place, pivot, scale, coefficients, numbers = sequence
    coolest, wavelength, width = numbers
    second[:] = x
    if q <= 0.0:
        return 0.0
    at, ag, am = place
    teff, logg = pivot[at] + scale[at] * x[at], pivot[ag] + scale[ag] * x[ag]
    metals = pivot[am] + scale[am] * x[am] if am >= 0 else 0.0
    # a step of the search may be absurd
    teff = max(teff, 100.0)
    true_teff = teff * q ** (1 / MASS_EXPONENT)
    second_teff = min(teff, max(true_teff, coolest))
    evolved = (logg - _sequence_logg(coefficients, teff, metals)) * np.exp(-(1 - q) / LESS_EVOLVED)
    second_logg = _sequence_logg(coefficients, second_teff, metals) + evolved
    second[at] = (second_teff - pivot[at]) / scale[at]
    second[ag] = (second_logg - pivot[ag]) / scale[ag]
    light = np.log(q) + np.log(10.0) * (logg - second_logg) + width * rho
    c = SECOND_RADIATION / wavelength
    # ln(e^x - 1) without overflow
    light += c / teff + np.log1p(-np.exp(-c / teff)) - c / true_teff - np.log1p(-np.exp(-c / true_teff))
    return 1.0 / (1.0 + np.exp(-light))


@compiled(nogil=True, error_model="numpy")
def _pair_vector(sequence, pairs, point, q, second, u):  # type: ignore[no-untyped-def]
    """Fill u (T,) with (1 - w) v(l_1) + w v(l_2), but for its constant 0; return w. `point` are x and rho."""
    i, j = pairs
    k = len(second)
    w = second_star(sequence, point[:k], q, point[k], second)
    u[0] = 0.0
    for m in range(k):
        u[1 + m] = point[m] + w * (second[m] - point[m])
    for m in range(len(i)):
        u[1 + k + m] = (1.0 - w) * point[i[m]] * point[j[m]] + w * second[i[m]] * second[j[m]]
    return w


@compiled(nogil=True, error_model="numpy")
def _chi2(quartic, u, slope):  # type: ignore[no-untyped-def]
    """Return c - 2 b . u + u^T A u; fill slope (T,) with A u - b."""
    a, b, c = quartic
    chi2 = c
    for m in range(len(b)):
        total = 0.0
        for n in range(len(b)):
            total += a[m, n] * u[n]
        chi2 += u[m] * (total - 2.0 * b[m])
        slope[m] = total - b[m]
    return chi2


@compiled(nogil=True, error_model="numpy")
def _prior(density, x, with_hessian, derivatives, work):  # type: ignore[no-untyped-def]
    """Return -2 ln p(x), inf outside the box."""
    lower, upper = density[0], density[1]
    for m in range(len(x)):
        if not lower[m] <= x[m] <= upper[m]:
            return np.inf
    gradient, gauss, hessian = derivatives
    return add_density(density, x, with_hessian, gradient, gauss, hessian, work)


@compiled(nogil=True, error_model="numpy")
def minus_two_log(quartic, pairs, density, sequence, point, q):  # type: ignore[no-untyped-def]
    """Return chi2 - 2 ln p(x) + rho^2 of one star: -2 ln of what is integrated, up to constants."""
    k, t = len(point) - 1, len(quartic[1])
    second, u, slope = np.empty(k), np.empty(t), np.empty(t)
    derivatives = (np.empty(k), np.empty((k, k)), np.empty((k, k)))
    work = (np.empty(k), np.empty(k), np.empty((k, k)), np.empty((k, k)))
    _pair_vector(sequence, pairs, point, q, second, u)
    value = _chi2(quartic, u, slope) + point[k] ** 2
    return value + _prior(density, point[:k], False, derivatives, work)


@compiled(nogil=True, error_model="numpy")
def _descend(quartic, pairs, density, sequence, q, point, gauss, work):  # type: ignore[no-untyped-def]
    """
    Move `point` (x and rho) to the optimum at a ratio of masses; fill gauss with half its Gauss-Newton matrix.

    Return -2 ln of what is integrated there.
    """
    second, u, slope, ahead, back, jacobian, gradient, trial, step, scale, factor, small, density_work = work
    n = len(point)
    k, t = n - 1, len(u)
    damping = 1e-3
    _pair_vector(sequence, pairs, point, q, second, u)
    value = _chi2(quartic, u, slope) + point[k] ** 2 + _prior(density, point[:k], False, small, density_work)
    fresh = True
    for _ in range(_MAX_ITERATIONS):
        if fresh:
            for m in range(n):
                there = point[m]
                point[m] = there + _STEP
                _pair_vector(sequence, pairs, point, q, second, ahead)
                point[m] = there - _STEP
                _pair_vector(sequence, pairs, point, q, second, back)
                point[m] = there
                for p in range(t):
                    jacobian[p, m] = (ahead[p] - back[p]) / (2 * _STEP)
            small[0][:] = 0.0
            small[1][:] = 0.0
            small[2][:] = 0.0
            _prior(density, point[:k], True, small, density_work)
            for m in range(n):
                total = small[0][m] if m < k else point[k]
                for p in range(t):
                    total += jacobian[p, m] * slope[p]
                gradient[m] = -total
            for m in range(n):
                for p in range(t):
                    total = 0.0
                    for r in range(t):
                        total += quartic[0][p, r] * jacobian[r, m]
                    ahead[p] = total
                for o in range(n):
                    total = small[1][m, o] if m < k and o < k else 0.0
                    for p in range(t):
                        total += jacobian[p, o] * ahead[p]
                    gauss[m, o] = total
            gauss[k, k] += 1.0
            for m in range(n):
                scale[m] = gauss[m, m]
        if not solve_positive(gauss, gradient, damping, scale, step, factor):
            damping = max(damping * 10.0, 1e-6)
            fresh = False
            if damping > 1e8:
                break
            continue
        for m in range(n):
            trial[m] = point[m] + step[m]
        _pair_vector(sequence, pairs, trial, q, second, u)
        new = _chi2(quartic, u, slope) + trial[k] ** 2 + _prior(density, trial[:k], False, small, density_work)
        if new <= value:
            done = value - new < _DECREMENT
            point[:] = trial
            value = new
            damping *= 0.1
            fresh = True
            if done:
                break
        else:
            damping = max(damping * 10.0, 1e-6)
            fresh = False
            if damping > 1e8:
                break
    return value


@compiled(nogil=True, error_model="numpy")
def integrate_all(quartics, pairs, density, sequence, edges, start, draws, out):  # type: ignore[no-untyped-def]
    """
    Integrate the likelihood of every star over x and rho, and over q uniform between `edges` (G + 1,).

    `start` (star, K) are labels from which the optimum at the first interval is found. `draws` are Student-t variables
    z (G, S, K + 1), their log density (G, S) and places in the intervals from -1/2 to 1/2, (G, S). Edges that are one
    number twice are that q. Of `out` are filled: the log of the integral (star,) up to a constant that is the same for
    all edges; the log of the integral for each interval (star, G); the mean and the variance of q, w, x and l_2
    (star, 2 + 2 K); the point of the largest value (star, K + 2): x, rho, q; and the effective number of draws (star,).
    """
    a, b, c = quartics
    normal, log_normal, within = draws
    log_integral, by_interval, mean, variance, best, ess = out
    n_star, k, t = len(start), start.shape[1], b.shape[1]
    n_interval, n_draw = within.shape
    n = k + 1
    point, gauss, root = np.empty(n), np.empty((n, n)), np.empty((n_interval, n, n))
    centre, moved = np.empty((n_interval, n)), np.empty(n)
    second, u, slope = np.empty(k), np.empty(t), np.empty(t)
    small = (np.empty(k), np.empty((k, k)), np.empty((k, k)))
    density_work = (np.empty(k), np.empty(k), np.empty((k, k)), np.empty((k, k)))
    work = (
        second, u, slope, np.empty(t), np.empty(t), np.empty((t, n)), np.empty(n), np.empty(n), np.empty(n),
        np.empty(n), np.empty((n, n)), small, density_work,
    )  # fmt: skip
    values = np.empty((n_interval, n_draw, 2 + 2 * k))
    log_weight = np.empty((n_interval, n_draw))
    for star in range(n_star):
        quartic = (a[star], b[star], c[star])
        point[:k] = start[star]
        point[k] = 0.0
        lowest = np.inf
        # from the most massive companion, which is like the first star, down
        for g in range(n_interval - 1, -1, -1):
            q = 0.5 * (edges[g] + edges[g + 1])
            value = _descend(quartic, pairs, density, sequence, q, point, gauss, work)
            centre[g] = point
            _root_of_inverse(gauss, root[g])
            if value < lowest:
                lowest = value
                best[star, :n] = point
                best[star, n] = q
        largest = -np.inf
        for g in range(n_interval):
            q_middle, width = 0.5 * (edges[g] + edges[g + 1]), edges[g + 1] - edges[g]
            log_volume = 0.0
            for m in range(n):
                log_volume += np.log(root[g, m, m])
            for s in range(n_draw):
                q = q_middle + within[g, s] * width
                other = g
                if within[g, s] > 0 and g < n_interval - 1:
                    other = g + 1
                elif within[g, s] < 0 and g > 0:
                    other = g - 1
                share = abs(within[g, s])
                for m in range(n):
                    total = centre[g, m] + share * (centre[other, m] - centre[g, m])
                    for p in range(m + 1):
                        total += root[g, m, p] * normal[g, s, p]
                    moved[m] = total
                w = _pair_vector(sequence, pairs, moved, q, second, u)
                value = _chi2(quartic, u, slope) + moved[k] ** 2
                value += _prior(density, moved[:k], False, small, density_work)
                log_weight[g, s] = -0.5 * value - log_normal[g, s] + log_volume
                largest = max(largest, log_weight[g, s])
                values[g, s, 0], values[g, s, 1] = q, w
                values[g, s, 2 : 2 + k] = moved[:k]
                values[g, s, 2 + k :] = second
        if not np.isfinite(largest):
            log_integral[star] = np.nan
            by_interval[star] = np.nan
            mean[star], variance[star], best[star] = np.nan, np.nan, np.nan
            ess[star] = 0.0
            continue
        total, square = 0.0, 0.0
        mean[star], variance[star] = 0.0, 0.0
        for g in range(n_interval):
            own = 0.0
            for s in range(n_draw):
                weight = np.exp(log_weight[g, s] - largest)
                own += weight
                square += weight * weight
                for m in range(2 + 2 * k):
                    mean[star, m] += weight * values[g, s, m]
                    variance[star, m] += weight * values[g, s, m] ** 2
            total += own
            by_interval[star, g] = largest + np.log(own / n_draw)
        log_integral[star] = largest + np.log(total / (n_interval * n_draw))
        ess[star] = total * total / square
        for m in range(2 + 2 * k):
            mean[star, m] /= total
            variance[star, m] = max(variance[star, m] / total - mean[star, m] ** 2, 0.0)


@compiled(nogil=True, error_model="numpy")
def _root_of_inverse(matrix, root):  # type: ignore[no-untyped-def]
    """Fill the lower triangular root with root root^T = matrix^-1; a matrix that is not positive gets a small one."""
    n = len(matrix)
    inverse = np.linalg.inv(matrix + np.eye(n) * 1e-12 * np.trace(matrix))
    inverse = 0.5 * (inverse + inverse.T)
    root[:] = 0.0
    for m in range(n):
        for p in range(m + 1):
            total = inverse[m, p]
            for r in range(p):
                total -= root[m, r] * root[p, r]
            if m == p:
                root[m, m] = np.sqrt(max(total, 1e-12 * inverse[m, m], 1e-300))
            else:
                root[m, p] = total / root[p, p]
