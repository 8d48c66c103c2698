r"""
Fit the population of coefficients (mu, tau) by maximum marginal likelihood; the pixels' activities are integrated out.

With theta_pk ~ N(mu_k, (tau_k lambda_p)^2) for the shrunk terms, flat priors on the others and given scatters, theta
can be integrated out exactly: with M_p, h_p the normal equations of pixel p after its flat terms are eliminated, and
r = h - M mu, in the eigenvectors u_i of S_p = diag(tau) M diag(tau), with e_i its eigenvalues and
g_i = u_i^T diag(tau) r,

    f_p(lambda) = sum_i ln(1 + lambda^2 e_i) / 2 - sum_i lambda^2 g_i^2 / (1 + lambda^2 e_i) / 2,
    F = sum_p [mu^T M mu / 2 - h^T mu - ln integral exp(-f_p(lambda)) N(ln lambda; 0, w^2) dln lambda].

The integral is a Gauss-Hermite quadrature around the mode of each pixel's ln lambda. F is minimised in (mu, ln tau) by
Newton steps, whose matrix is the Fisher matrix with ln lambda eliminated at its mode. If lambda were maximised with
tau, tau would be biased however many pixels there are.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray

# lower bound of ln tau, far below any measurable coefficient: in effect tau = 0
LOWEST_LOG_TAU = float(np.log(1e-7))
_MAX_STEP = 2.0
_MAX_ROUNDS = 200
# the search ends when a step is expected to gain less, in nats per pixel
SMALL_GAIN = 1e-6
# nodes of the integral over ln lambda
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
# the mode of ln lambda is found to this fraction of its error
_MODE_SETTLED = 1e-4


@dataclass(frozen=True)
class Population:
    """
    Parameters of the population of coefficients.

    Attributes
    ----------
    mu, tau : float arrays of shape (Q,)
        Mean and scale of each shrunk term, in normalised flux.
    activity : float array of shape (P,)
        lambda_p: the most probable value given mu and tau.
    objective : float
        F at the optimum.
    trace : tuple of float
        F after each step.
    converged : bool
    """

    mu: NDArray[np.float64]
    tau: NDArray[np.float64]
    activity: NDArray[np.float64]
    objective: float = np.nan
    trace: tuple[float, ...] = field(default=())
    converged: bool = True

    @property
    def scale(self) -> FloatArray:
        """Prior standard deviations tau_k lambda_p, shape (P, Q)."""
        return self.activity[:, None] * self.tau


def eliminate_flat(
    normal: FloatArray, right: FloatArray, shrunk: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Integrate the flat terms out of the normal equations.

    Parameters
    ----------
    normal, right : float arrays of shape (P, T, T) and (P, T)
        V^T W V and V^T W f. A term with a zero diagonal (censored, or without data) has no effect.
    shrunk : bool array of shape (T,)

    Returns
    -------
    normal, right : float arrays of shape (P, Q, Q) and (P, Q)
        Normal equations of the shrunk terms.
    """
    flat = ~shrunk
    block = normal[:, flat][:, :, flat].copy()
    diagonal = np.arange(block.shape[1])
    empty = block[:, diagonal, diagonal] == 0
    block[:, diagonal, diagonal] += empty
    cross = normal[:, flat][:, :, shrunk]
    solved = np.linalg.solve(block, np.concatenate([cross, right[:, flat, None]], axis=2))
    reduced = normal[:, shrunk][:, :, shrunk] - cross.transpose(0, 2, 1) @ solved[:, :, :-1]
    reduced_right = right[:, shrunk] - np.einsum("pfq,pf->pq", cross, solved[:, :, -1])
    return (reduced + reduced.transpose(0, 2, 1)) / 2, reduced_right


@dataclass(frozen=True)
class Marginal:
    """
    F and its derivatives.

    Attributes
    ----------
    objective : float
        F.
    mu, log_tau : float arrays of shape (Q,)
        Gradients.
    fisher_mu, fisher_tau : float arrays of shape (Q, Q)
        Expected second derivatives, with ln lambda eliminated at its mode.
    log_activity : float array of shape (P,)
        Mode of ln lambda of each pixel.
    """

    objective: float
    mu: NDArray[np.float64]
    log_tau: NDArray[np.float64]
    fisher_mu: NDArray[np.float64]
    fisher_tau: NDArray[np.float64]
    log_activity: NDArray[np.float64]


def marginal_objective(
    normal: FloatArray, right: FloatArray, population: Population, activity_spread: float
) -> Marginal:
    """
    Evaluate F and its derivatives, theta and lambda integrated out.

    Parameters
    ----------
    normal, right : float arrays of shape (P, Q, Q) and (P, Q)
        From :func:`eliminate_flat`.
    population : Population
        Its activities are where the search of the modes starts.
    activity_spread : float
        w, prior standard deviation of ln lambda.

    Returns
    -------
    values : Marginal
    """
    mu, tau = population.mu, population.tau
    size, basis, signal = _eigenvectors(normal, right, population)
    mode, width = activity_mode(size, signal, np.log(population.activity), activity_spread)

    nodes = mode[:, None] + width[:, None] * _NODES
    squared = np.exp(2 * nodes)[:, :, None]  # lambda^2 (P, node, 1)
    shrinkage = 1 / (1 + squared * size[:, None, :])
    log_density = 0.5 * (
        np.log(shrinkage).sum(axis=2) + (squared * shrinkage * signal[:, None, :] ** 2).sum(axis=2)
    ) - 0.5 * (nodes / activity_spread) ** 2  # fmt: skip
    log_weight = log_density + np.log(_NODE_WEIGHTS / np.sqrt(2 * np.pi)) + 0.5 * _NODES**2
    highest = log_weight.max(axis=1, keepdims=True)
    weight = np.exp(log_weight - highest)
    total = weight.sum(axis=1, keepdims=True)
    weight /= total
    evidence = highest[:, 0] + np.log(total[:, 0]) + np.log(width / activity_spread)

    # tau alpha, where alpha = (C + D)^-1 (theta_hat - mu), at every node: (P, node, Q)
    pulls = (shrinkage * signal[:, None, :]) @ basis.transpose(0, 2, 1)
    used = np.einsum("pg,pgi->pi", weight, squared * shrinkage) * size
    surplus = np.einsum("pki,pi->k", basis**2, used) - np.einsum("pg,pgk->k", weight * squared[:, :, 0], pulls**2)
    precision = np.einsum(
        "pki,pi,pli->kl", basis, np.einsum("pg,pgi->pi", weight, shrinkage) * size, basis, optimize=True
    )
    at_mode = np.exp(2 * mode)[:, None] * size
    hat = (basis * (at_mode / (1 + at_mode))[:, None, :]) @ basis.transpose(0, 2, 1)
    fisher = 2 * hat**2
    cross = fisher.sum(axis=2)
    own = cross.sum(axis=1) + 1 / activity_spread**2
    return Marginal(
        objective=float(0.5 * mu @ normal.sum(axis=0) @ mu - right.sum(axis=0) @ mu - evidence.sum()),
        mu=-np.einsum("pg,pgk->k", weight, pulls) / tau,
        log_tau=surplus,
        fisher_mu=precision / np.outer(tau, tau),
        fisher_tau=fisher.sum(axis=0) - cross.T @ (cross / own[:, None]),
        log_activity=mode,
    )


def _eigenvectors(
    normal: FloatArray, right: FloatArray, population: Population
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return e (P, Q), the eigenvectors of S (P, Q, Q) in columns, and g (P, Q)."""
    tau = population.tau
    size, basis = np.linalg.eigh(tau[:, None] * normal * tau)
    signal = np.einsum("pki,pk->pi", basis, tau * (right - normal @ population.mu))
    return np.maximum(size, 0.0), basis, signal


def fit_activity(
    normal: FloatArray, right: FloatArray, population: Population, *, activity_spread: float = 1.0
) -> Population:
    """
    Find the activities lambda of P pixels in a population whose mu and tau are known.

    Parameters
    ----------
    normal, right : float arrays of shape (P, Q, Q) and (P, Q)
        From :func:`eliminate_flat`.
    population : Population
        Its activities are replaced.
    activity_spread : float
        As in :func:`fit_population`.

    Returns
    -------
    population : Population
    """
    size, _, signal = _eigenvectors(normal, right, population)
    mode, _ = activity_mode(size, signal, np.zeros(len(right)), activity_spread)
    return replace(population, activity=np.exp(mode))


def activity_mode(
    size: FloatArray, signal: FloatArray, start: FloatArray, activity_spread: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Find the most probable ln lambda of each pixel, given mu and tau.

    Parameters
    ----------
    size, signal : float arrays of shape (P, Q)
        e and g of the module.
    start : float array of shape (P,)
        ln lambda to start from.
    activity_spread : float
        w.

    Returns
    -------
    mode, width : float arrays of shape (P,)
        The mode, and the standard deviation of the normal density with the curvature there.
    """
    x = np.array(start, dtype=np.float64)
    curvature = np.ones_like(x)
    moving = np.arange(len(x))
    for _ in range(_MAX_ROUNDS):
        e, squared = size[moving], np.exp(2 * x[moving])[:, None]
        used = squared * e / (1 + squared * e)
        surprise = squared * signal[moving] ** 2 / (1 + squared * e) ** 2
        slope = (used - surprise).sum(axis=1) + x[moving] / activity_spread**2
        observed = 2 * (used * (1 - used) - surprise * (1 - 2 * used)).sum(axis=1) + 1 / activity_spread**2
        expected = 2 * (used**2).sum(axis=1) + 1 / activity_spread**2
        curvature[moving] = np.maximum(observed, 0.5 / activity_spread**2)
        # the larger of the two, for a step that does not overshoot
        step = -slope / np.maximum(observed, expected)
        x[moving] += np.clip(step, -1.0, 1.0)
        moving = moving[np.abs(step) * np.sqrt(expected) > _MODE_SETTLED]
        if not len(moving):
            break
    return x, 1 / np.sqrt(curvature)


def fit_population(
    normal: FloatArray,
    right: FloatArray,
    *,
    activity_spread: float = 1.0,
    start: Population | None = None,
    tolerance: float = SMALL_GAIN,
) -> Population:
    """
    Fit mu and tau of P pixels with Q shrunk terms by maximum marginal likelihood, and lambda given these.

    Parameters
    ----------
    normal, right : float arrays of shape (P, Q, Q) and (P, Q)
        From :func:`eliminate_flat`.
    activity_spread : float
        Prior standard deviation of ln lambda, whose mean is 0.
    start : Population, optional
        Population of a fit to similar data.
    tolerance : float
        Stop when the expected gain of a step is less than this, in nats per pixel.

    Returns
    -------
    population : Population
        tau is at least 1e-7, which it reaches for a term without spread over the pixels.
    """
    n_pixel, n_shrunk = right.shape
    if start is None:
        # tau starts from the median absolute estimate of each term; the diagonal of M is the information on it
        information = np.maximum(np.diagonal(normal, axis1=1, axis2=2), 1e-300)
        estimate = right / information
        spread = np.median(np.abs(estimate), axis=0)
        start = Population(np.zeros(n_shrunk), np.clip(spread, 1e-5, 1.0), np.ones(n_pixel))
    current, values = start, marginal_objective(normal, right, start, activity_spread)
    trace = [values.objective]
    converged = False
    damping = 1.0
    for _ in range(_MAX_ROUNDS):
        to_mu, to_tau, gain = _newton_step(values, current)
        if gain < tolerance * n_pixel:
            converged = True
            break
        while True:
            trial = _moved(current, to_mu, to_tau, values.log_activity, damping)
            new = marginal_objective(normal, right, trial, activity_spread)
            # the quadrature is not exact to the last digit: an increase below the tolerance is none
            if new.objective <= values.objective + tolerance * n_pixel:
                break
            damping /= 2
            if damping < 1e-3:
                return _result(current, values, trace, converged=False)
        current, values = trial, new
        trace.append(values.objective)
        damping = min(1.0, 2 * damping)
    return _result(current, values, trace, converged=converged)


def _result(current: Population, values: Marginal, trace: list[float], *, converged: bool) -> Population:
    return Population(
        current.mu, current.tau, np.exp(values.log_activity), values.objective, tuple(trace), converged
    )  # fmt: skip


def _newton_step(values: Marginal, population: Population) -> tuple[FloatArray, FloatArray, float]:
    """Return the steps of mu and ln tau, and the decrease of F that they predict."""
    ridge = 1e-10 * np.trace(values.fisher_mu) * np.eye(len(population.mu))
    to_mu = -np.linalg.solve(values.fisher_mu + ridge, values.mu)
    free = (np.log(population.tau) > LOWEST_LOG_TAU) | (values.log_tau < 0)
    matrix = values.fisher_tau[np.ix_(free, free)]
    # a term without information has no curvature; the ridge makes its step follow the gradient
    matrix = matrix + np.eye(len(matrix)) * (1e-8 * np.trace(matrix) + 1e-12)
    to_tau = np.zeros(len(free))
    to_tau[free] = -np.linalg.solve(matrix, values.log_tau[free])
    return to_mu, to_tau, float(-0.5 * (to_mu @ values.mu + to_tau @ values.log_tau))


def _moved(
    population: Population, to_mu: FloatArray, to_log_tau: FloatArray, log_activity: FloatArray, damping: float
) -> Population:
    log_tau = np.log(population.tau) + np.clip(damping * to_log_tau, -_MAX_STEP, _MAX_STEP)
    return Population(
        population.mu + damping * to_mu, np.exp(np.maximum(log_tau, LOWEST_LOG_TAU)), np.exp(log_activity)
    )  # fmt: skip
