"""The maximum of a penalised likelihood of N stars, from the stars' log densities and their gradients."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from bayescannon.numerics.typing import FloatArray

# norm of the gradient at convergence: the prior has a curvature of 11, so the log likelihood is within 0.05 of its
# maximum
_GRADIENT_TOLERANCE = 1.0
_MOST_ROUNDS = 100


def maximise_penalised(
    log_density: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    prior: tuple[FloatArray, FloatArray],
    start: FloatArray,
    weight: FloatArray,
) -> FloatArray:
    """
    Return the parameters that maximise the weighted sum of log densities plus a Gaussian log prior.

    The Hessian is approximated by the sum of the outer products of the stars' gradients (Berndt, Hall, Hall &
    Hausman 1974, Ann. Econ. Soc. Meas. 3, 653).

    Parameters
    ----------
    log_density : callable
        Gives the log density of every star, shape (N,), and its gradient, shape (N, parameters).
    prior : two float arrays of shape (parameters,)
        Means and inverse variances.
    start : float array of shape (parameters,)
    weight : float array of shape (N,)
    """
    mean, precision = prior
    known: dict[bytes, tuple[float, FloatArray, FloatArray]] = {}

    def evaluate(parameters: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        key = parameters.tobytes()
        if key not in known:
            value, gradient = log_density(parameters)
            apart = parameters - mean
            known.clear()
            known[key] = (
                float(-weight @ value + precision @ apart**2 / 2),
                -weight @ gradient + precision * apart,
                (gradient * weight[:, None]).T @ gradient + np.diag(precision),
            )
        return known[key]

    found = minimize(
        lambda p: evaluate(p)[0],
        start,
        jac=lambda p: evaluate(p)[1],
        hess=lambda p: evaluate(p)[2],
        method="trust-exact",
        options={"gtol": _GRADIENT_TOLERANCE, "maxiter": _MOST_ROUNDS},
    )
    return np.asarray(found.x)
