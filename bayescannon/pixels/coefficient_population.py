r"""
Fit the population of coefficients (mu, tau and each pixel's activity lambda) by maximum marginal likelihood.

With theta_pk ~ N(mu_k, (tau_k lambda_p)^2) for the shrunk terms, flat priors on the others and given scatters, theta
can be integrated out exactly: with M_p, h_p the normal equations of pixel p after its flat terms are eliminated and
D_p = lambda_p^2 diag(tau^2), minus the log marginal likelihood is

    F = sum_p ln|I + M D| / 2 + mu^T M mu / 2 - h^T mu - r^T D (I + M D)^-1 r / 2 + (ln lambda_p)^2 / (2 w^2),

with r = h - M mu; no inverse of M is needed. F is minimised by Fisher scoring in (mu, ln tau, ln lambda); the Fisher
matrix is an arrow (diagonal in lambda, dense in tau), so a step needs one elimination.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray

# lower bound of ln tau, far below any measurable coefficient: in effect tau = 0
LOWEST_LOG_TAU = float(np.log(1e-7))
_MAX_STEP = 2.0
_MAX_ROUNDS = 200
# rounds of Fisher scoring for the activities alone, and the move of ln lambda at which they end
_ACTIVITY_ROUNDS, _ACTIVITY_SETTLED = 12, 0.02


@dataclass(frozen=True)
class Population:
    """
    Parameters of the population of coefficients.

    Attributes
    ----------
    mu, tau : float arrays of shape (Q,)
        Mean and scale of each shrunk term, in normalised flux.
    activity : float array of shape (P,)
        lambda_p.
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


def marginal_objective(
    normal: FloatArray, right: FloatArray, population: Population, activity_spread: float
) -> dict[str, Any]:
    """
    Evaluate F and its derivatives.

    Parameters
    ----------
    normal, right : float arrays of shape (P, Q, Q) and (P, Q)
        From :func:`eliminate_flat`.
    population : Population
    activity_spread : float
        w, prior standard deviation of ln lambda.

    Returns
    -------
    values : dict
        ``objective``; gradients ``mu`` (Q), ``log_tau`` (Q), ``log_activity`` (P); the expected second derivatives
        ``fisher_mu`` (Q, Q), ``fisher_tau`` (Q, Q), ``fisher_activity`` (P), ``fisher_cross`` (P, Q).
    """
    variance = population.scale**2
    log_activity = np.log(population.activity)
    n_shrunk = normal.shape[1]
    residual = right - normal @ population.mu
    core = np.eye(n_shrunk) + normal * variance[:, None, :]
    solved = np.linalg.solve(core, np.concatenate([normal, residual[:, :, None]], axis=2))
    precision, alpha = solved[:, :, :-1], solved[:, :, -1]  # (C + D)^-1 and (C + D)^-1 (theta_hat - mu)
    surplus = variance * (np.diagonal(precision, axis1=1, axis2=2) - alpha**2)
    squared = 2 * variance[:, :, None] * precision**2 * variance[:, None, :]
    objective = (
        0.5 * np.linalg.slogdet(core)[1].sum()
        + 0.5 * population.mu @ normal.sum(axis=0) @ population.mu
        - right.sum(axis=0) @ population.mu
        - 0.5 * np.sum(residual * variance * alpha)
        + 0.5 * np.sum(log_activity**2) / activity_spread**2
    )
    return {
        "objective": float(objective),
        "mu": -alpha.sum(axis=0),
        "log_tau": surplus.sum(axis=0),
        "log_activity": surplus.sum(axis=1) + log_activity / activity_spread**2,
        "fisher_mu": precision.sum(axis=0),
        "fisher_tau": squared.sum(axis=0),
        "fisher_activity": squared.sum(axis=(1, 2)) + 1 / activity_spread**2,
        "fisher_cross": squared.sum(axis=1),
    }


def fit_population(
    normal: FloatArray,
    right: FloatArray,
    *,
    activity_spread: float = 1.0,
    start: Population | None = None,
    tolerance: float = 1e-6,
) -> Population:
    """
    Fit mu, tau and lambda of P pixels with Q shrunk terms by maximum marginal likelihood.

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
    trace = [values["objective"]]
    converged = False
    damping = 1.0
    for _ in range(_MAX_ROUNDS):
        step, gain = _fisher_step(values, current)
        if gain < tolerance * n_pixel:
            converged = True
            break
        while True:
            trial = _moved(current, step, damping)
            new = marginal_objective(normal, right, trial, activity_spread)
            if new["objective"] <= values["objective"]:
                break
            damping /= 2
            if damping < 1e-6:
                return Population(current.mu, current.tau, current.activity, values["objective"], tuple(trace), False)
        current, values = trial, new
        trace.append(values["objective"])
        damping = min(1.0, 2 * damping)
    return Population(current.mu, current.tau, current.activity, values["objective"], tuple(trace), converged)


def fit_activity(
    normal: FloatArray, right: FloatArray, population: Population, *, activity_spread: float = 1.0
) -> Population:
    """
    Fit the activities lambda of P pixels to a population whose mu and tau are known.

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
    current = replace(population, activity=np.ones(len(right)))
    for _ in range(_ACTIVITY_ROUNDS):
        values = marginal_objective(normal, right, current, activity_spread)
        step = np.clip(-values["log_activity"] / values["fisher_activity"], -1.0, 1.0)
        current = replace(current, activity=current.activity * np.exp(step))
        if np.abs(step).max(initial=0.0) < _ACTIVITY_SETTLED:
            break
    return current


def _fisher_step(values: dict[str, Any], population: Population) -> tuple[tuple[FloatArray, ...], float]:
    """Return the steps of mu, ln tau and ln lambda, and the decrease of F that they predict."""
    ridge = 1e-10 * np.trace(values["fisher_mu"]) * np.eye(len(population.mu))
    to_mu = -np.linalg.solve(values["fisher_mu"] + ridge, values["mu"])
    free = (np.log(population.tau) > LOWEST_LOG_TAU) | (values["log_tau"] < 0)
    cross, diagonal = values["fisher_cross"][:, free], values["fisher_activity"]
    schur = values["fisher_tau"][np.ix_(free, free)] - cross.T @ (cross / diagonal[:, None])
    reduced = values["log_tau"][free] - cross.T @ (values["log_activity"] / diagonal)
    # a term without information has no curvature; the ridge makes its step follow the gradient
    schur += np.eye(len(schur)) * (1e-8 * np.trace(schur) + 1e-12)
    to_tau = np.zeros(len(free))
    to_tau[free] = -np.linalg.solve(schur, reduced)
    to_activity = -(values["log_activity"] + cross @ to_tau[free]) / diagonal
    gain = -0.5 * (to_mu @ values["mu"] + to_tau @ values["log_tau"] + to_activity @ values["log_activity"])
    return (to_mu, to_tau, to_activity), float(gain)


def _moved(population: Population, step: tuple[FloatArray, ...], damping: float) -> Population:
    to_mu, to_tau, to_activity = step
    log_tau = np.log(population.tau) + np.clip(damping * to_tau, -_MAX_STEP, _MAX_STEP)
    log_activity = np.log(population.activity) + np.clip(damping * to_activity, -_MAX_STEP, _MAX_STEP)
    return Population(
        population.mu + damping * to_mu, np.exp(np.maximum(log_tau, LOWEST_LOG_TAU)), np.exp(log_activity)
    )
