r"""
Exact maximum a posteriori fit of every pixel under Laplace priors on its coefficients (Casey et al. 2016).

Given the scatter s, the coefficients of a pixel solve a lasso problem,

    min_theta  sum_n w (f - theta . v)^2 / 2 + sum_k |theta_k| / b_k,       w = 1 / (s^2 + kappa^2 sigma^2),

in whose solution some terms are exactly 0. The penalty does not depend on s, so the derivative of the profile is that
of :mod:`bayescannon.pixels.block` with C of the nonzero terms, and the same root finder is used.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import solve_coefficients
from bayescannon.pixels.prior import PixelPrior


@dataclass(frozen=True, kw_only=True)
class LaplacePrior(PixelPrior):
    """
    Priors of P pixels with T terms: Laplace, flat, or censored.

    The live stars must determine all terms that are not censored, as without a prior: otherwise the solution need not
    be unique, and the pixel is DEAD or SINGULAR.

    Attributes
    ----------
    scale : float array of shape (P, T)
        b of theta ~ Laplace(0, b); inf for a flat prior.
    """

    scale: FloatArray

    def __post_init__(self) -> None:
        if not (self.scale > 0).all():
            raise InputError("the scale of the Laplace prior must be positive; give inf for a flat prior")
        if not ((self.precision == 0) | self.censored).all():
            raise InputError(
                "with a Laplace prior, PixelPrior.precision must be 0, or inf for a censored term; got another value"
            )

    @property
    def penalty(self) -> NDArray[np.float64]:
        """1 / b, 0 for censored terms; shape (P, T)."""
        return np.where(self.censored, 0.0, 1 / self.scale)

    def select(self, index: NDArray[np.intp] | slice) -> "LaplacePrior":
        """Return the prior of some of the pixels."""
        return LaplacePrior(
            self.mean[index], self.precision[index], self.scatter, self.scatter_parameters, scale=self.scale[index]
        )

    def minus_log_density(self, theta: FloatArray, s2: FloatArray) -> FloatArray:
        """Return -ln p(theta, s) of each pixel without the constants; shape (P,)."""
        return super().minus_log_density(theta, s2) + (self.penalty * np.abs(theta)).sum(axis=1)


@solve_coefficients.register
def _solve_sparse(
    prior: LaplacePrior, normal: FloatArray, right: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Solve the lasso problems, starting from the solutions without penalty."""
    theta = np.linalg.solve(normal, right[..., None])[..., 0]
    penalty = prior.penalty
    solve_lasso(np.ascontiguousarray(normal), right, penalty, theta)
    held = prior.censored | ((theta == 0) & (penalty > 0))
    keep = ~held
    diagonal = np.arange(theta.shape[1])
    normal = normal * (keep[:, :, None] & keep[:, None, :])
    normal[:, diagonal, diagonal] += held
    return theta, normal, held


@compiled(nogil=True)
def solve_lasso(normal, right, penalty, theta):  # type: ignore[no-untyped-def]
    """
    Minimise x^T M x / 2 - h^T x + sum_k penalty_k |x_k| for each pixel; `theta` (P, T) is start and result.

    Sweeps of coordinate descent find which terms are zero and the signs of the others; a linear solve then gives their
    exact values. Its step ends where the first sign would change, so that every step lowers the objective. The result
    is whether each pixel reached its optimum.
    """
    n_pixel = len(right)
    reached = np.zeros(n_pixel, dtype=np.bool_)
    for p in range(n_pixel):
        m, x, lam = normal[p], theta[p], penalty[p]
        for _ in range(1000):
            _descend(m, right[p], lam, x)
            if _polish(m, right[p], lam, x):
                reached[p] = True
                break
    return reached


@compiled(nogil=True)
def _descend(m, h, lam, x):  # type: ignore[no-untyped-def]
    """Do one sweep of coordinate descent, from the gradient at x."""
    n_term = len(x)
    c = h - m @ x
    for k in range(n_term):
        old = x[k]
        z = c[k] + m[k, k] * old
        if z > lam[k]:
            new = (z - lam[k]) / m[k, k]
        elif z < -lam[k]:
            new = (z + lam[k]) / m[k, k]
        else:
            new = 0.0
        if new != old:
            x[k] = new
            for j in range(n_term):
                c[j] -= m[j, k] * (new - old)


@compiled(nogil=True)
def _polish(m, h, lam, x):  # type: ignore[no-untyped-def]
    """Move x to the optimum for its signs, or to the first change of sign; return whether x is then the optimum."""
    n_term = len(x)
    free = np.empty(n_term, dtype=np.int64)
    n_free = 0
    for k in range(n_term):
        if x[k] != 0.0 or lam[k] == 0.0:
            free[n_free] = k
            n_free += 1
    a, b = np.empty((n_free, n_free)), np.empty(n_free)
    for i in range(n_free):
        k = free[i]
        b[i] = h[k] - lam[k] * np.sign(x[k])
        for j in range(n_free):
            a[i, j] = m[k, free[j]]
    if n_free > 0:
        b = np.linalg.solve(a, b)
    step, first = 1.0, -1
    for i in range(n_free):
        k = free[i]
        if lam[k] > 0.0 and b[i] * x[k] <= 0.0:
            length = x[k] / (x[k] - b[i])
            if length < step or first < 0:
                step, first = length, k
    for i in range(n_free):
        k = free[i]
        x[k] += step * (b[i] - x[k])
    if first >= 0:
        x[first] = 0.0
        return False
    for i in range(n_free):
        x[free[i]] = b[i]
    c = h - m @ x
    for k in range(n_term):
        # rounding errors of terms that cancel leave a gradient of this size
        if x[k] == 0.0 and lam[k] > 0.0 and abs(c[k]) > lam[k] * (1.0 + 1e-9) + 1e-13 * abs(h[k]):
            return False
    return True
