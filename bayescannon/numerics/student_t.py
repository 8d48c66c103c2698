"""A Student-t convolved with a Gaussian: its density, the derivatives, and its distribution function, compiled."""

import math

import numpy as np

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.typing import FloatArray

# the integral leaves out a fraction e^-32 on each side; with this step, in widths of the integrand's narrowest peak,
# the error of the trapezoidal rule is below 1e-9
_DECAY = 32.0
_STEP = 0.7


@compiled(nogil=True, error_model="numpy")
def convolved_t(
    off: FloatArray, scale: FloatArray, dof: FloatArray, error: FloatArray, digamma: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    r"""
    Integrate a Student-t convolved with a Gaussian as a scale mixture of Gaussians.

    .. math::
        p(x) = \int d\lambda\, {\rm Gamma}(\lambda | \nu/2, \nu/2)\, {\cal N}(x | 0, \sigma^2/\lambda + e^2)

    by the trapezoidal rule in :math:`u = \log\lambda`, where the integrand decays exponentially on both sides.

    Parameters
    ----------
    off, scale, dof, error : float arrays of shape (N,)
        x, sigma > 0, nu > 0 and e >= 0.
    digamma : float array of shape (N,)
        The digamma function of nu/2.

    Returns
    -------
    log_density, d_off, d_log_scale, d_log_dof : float arrays of shape (N,)
        log p and its derivatives by x, log sigma and log nu.
    """
    n = len(off)
    out = np.empty((4, n))
    for i in range(n):
        half, square, noise = dof[i] / 2, scale[i] ** 2, error[i] ** 2
        x2 = off[i] ** 2
        # where the integrand peaks without the Gaussian, and how far it reaches on each side
        peak = math.log((dof[i] + 1) / (dof[i] + x2 / square))
        low = min(peak, 0.0) - _DECAY / dof[i] - 6 * math.sqrt(2 / (dof[i] + 1))
        high = math.log(1 + 36 / dof[i] + 9 / math.sqrt(dof[i]))
        step = _STEP * math.sqrt(2 / (dof[i] + 3))
        count = int((high - low) / step) + 1
        constant = half * math.log(half) - math.lgamma(half) - 0.5 * math.log(2 * math.pi) + math.log(step)
        top = -np.inf
        total, by_off, by_scale, by_dof = 0.0, 0.0, 0.0, 0.0
        for j in range(count):
            u = low + j * step
            inverse = math.exp(-u)
            spread = square * inverse
            variance = spread + noise
            gamma = half * (u - 1 / inverse)
            value = gamma - 0.5 * (math.log(variance) + x2 / variance)
            if value > top:
                shrink = math.exp(top - value)
                total *= shrink
                by_off *= shrink
                by_scale *= shrink
                by_dof *= shrink
                top = value
            weight = math.exp(value - top)
            total += weight
            by_off += weight / variance
            by_scale += weight * spread / variance * (x2 / variance - 1)
            by_dof += weight * (u - 1 / inverse)
        out[0, i] = constant + top + math.log(total)
        out[1, i] = -off[i] * by_off / total
        out[2, i] = by_scale / total
        out[3, i] = half * (math.log(half) + 1 - digamma[i] + by_dof / total)
    return out[0], out[1], out[2], out[3]


@compiled(nogil=True, error_model="numpy")
def convolved_t_below(off: FloatArray, scale: FloatArray, dof: FloatArray, error: FloatArray) -> FloatArray:
    """Return the probability of values below x; parameters as in :func:`convolved_t`."""
    out = np.empty(len(off))
    for i in range(len(off)):
        half = dof[i] / 2
        low = -_DECAY / dof[i] - 6 * math.sqrt(2 / (dof[i] + 1))
        high = math.log(1 + 36 / dof[i] + 9 / math.sqrt(dof[i]))
        step = _STEP * math.sqrt(2 / (dof[i] + 3))
        total, below = 0.0, 0.0
        for j in range(int((high - low) / step) + 1):
            u = low + j * step
            # the largest value, at u = 0, becomes 1
            weight = math.exp(half * (u + 1 - math.exp(u)))
            variance = scale[i] ** 2 * math.exp(-u) + error[i] ** 2
            total += weight
            below += weight * math.erfc(-off[i] / math.sqrt(2 * variance))
        out[i] = 0.5 * below / total
    return out
