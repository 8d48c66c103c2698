r"""
Coefficients that are smooth along wavelength: a stationary Ornstein-Uhlenbeck process for each shrunk term.

    theta_1k ~ Normal(0, tau_k),    theta_pk ~ Normal(rho_p theta_{p-1,k}, tau_k sqrt(1 - rho_p^2)),

with rho_p = exp(-distance / length). Its precision is tridiagonal, so the posterior follows from the normal equations
M_p, h_p of the pixels in one sweep. tau is learned by EM, whose M step has a closed form:

    tau_k^2 = (E theta_1k^2 + sum_p E (theta_pk - rho_p theta_{p-1,k})^2 / (1 - rho_p^2)) / P.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# lower bound of tau, far below any measurable coefficient: in effect 0
LOWEST_SCALE = 1e-7

_MAX_STEPS = 500
# growth and largest value of the factor on EM steps of ln tau, and the largest step
_FASTER, _FASTEST, _MAX_CHANGE = 2.0, 1e4, 1.0


@dataclass(frozen=True)
class ChainPosterior:
    """
    The coefficients of Q shrunk terms in P pixels, given the scatters and tau.

    Attributes
    ----------
    mean : float array of shape (P, Q)
    covariance : float array of shape (P, Q, Q)
    pair : float array of shape (P - 1, Q)
        Covariance of a coefficient with itself in the next pixel.
    log_det : float array of shape (P,)
        Its sum is ln|J|, where J is the posterior precision.
    log_marginal : float
        Log marginal likelihood of tau, up to a constant that depends only on the data and the scatters.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    pair: NDArray[np.float64]
    log_det: NDArray[np.float64]
    log_marginal: float


@dataclass(frozen=True)
class SmoothProcess:
    """
    The process along a chain of P pixels.

    Attributes
    ----------
    correlation : float array of shape (P - 1,)
        rho between a pixel and the next.
    """

    correlation: NDArray[np.float64]

    @classmethod
    def along(cls, position: FloatArray, length: float) -> "SmoothProcess":
        """
        Return the process at ascending positions, with correlation length `length` in the same units.

        Raises
        ------
        InputError
            The length is not positive, or the positions are not ascending.
        """
        if not (np.isfinite(length) and length > 0):
            raise InputError(f"the correlation length must be positive and finite; got {length}")
        distance = np.diff(np.asarray(position, dtype=np.float64))
        if not (distance > 0).all():
            raise InputError("positions of the pixels must be finite and ascending; sort them")
        return cls(np.exp(-distance / length))

    @property
    def _share(self) -> NDArray[np.float64]:
        """1 - rho^2, the variance of the innovation in the next pixel; shape (P - 1, 1)."""
        return (1 - self.correlation**2)[:, None]

    def squares(self, theta: FloatArray) -> NDArray[np.float64]:
        """Return the squared innovations in units of tau^2, shape (P, Q): minus twice the log density is their sum."""
        step = theta[1:] - self.correlation[:, None] * theta[:-1]
        return np.concatenate([theta[:1] ** 2, step**2 / self._share])

    def posterior(self, normal: FloatArray, right: FloatArray, scale: FloatArray) -> ChainPosterior:
        """
        Return the posterior of the coefficients given the normal equations (P, Q, Q), (P, Q) and tau (Q,).

        Returns
        -------
        posterior : ChainPosterior
        """
        n_pixel, n_term = right.shape
        rho = self.correlation[:, None]
        precision = 1 / scale**2
        diagonal = np.ones((n_pixel, 1))
        diagonal[1:] = 1 / self._share
        diagonal[:-1] += rho**2 / self._share
        mean, covariance = np.empty((n_pixel, n_term)), np.empty((n_pixel, n_term, n_term))
        pair, log_det = np.empty((n_pixel - 1, n_term)), np.empty(n_pixel)
        smooth_sweep(
            np.ascontiguousarray(normal), np.ascontiguousarray(right), diagonal * precision,
            rho / self._share * precision, mean, covariance, pair, log_det,
        )  # fmt: skip
        prior_log_det = n_pixel * np.log(precision).sum() - n_term * np.log(self._share).sum()
        log_marginal = 0.5 * (prior_log_det - log_det.sum() + np.sum(right * mean))
        return ChainPosterior(mean, covariance, pair, log_det, float(log_marginal))

    def expected_scale(self, posterior: ChainPosterior) -> NDArray[np.float64]:
        """Return the tau (Q,) of the M step."""
        rho = self.correlation[:, None]
        variance = np.diagonal(posterior.covariance, axis1=1, axis2=2)
        total = self.squares(posterior.mean).sum(axis=0) + variance[0]
        total += ((variance[1:] + rho**2 * variance[:-1] - 2 * rho * posterior.pair) / self._share).sum(axis=0)
        result: NDArray[np.float64] = np.sqrt(total / len(variance))
        return result

    def learn_scale(
        self, normal: FloatArray, right: FloatArray, start: FloatArray, *, gain: float = 1e-4
    ) -> tuple[NDArray[np.float64], tuple[float, ...]]:
        """
        Fit tau (Q,) by maximum marginal likelihood: EM with steps that grow as long as they succeed.

        Parameters
        ----------
        normal, right : float arrays of shape (P, Q, Q) and (P, Q)
            Normal equations given the scatters, flat terms integrated out.
        start : float array of shape (Q,)
        gain : float
            Stop when a step gains less than this, in nats.

        Returns
        -------
        scale : float array of shape (Q,)
            At least 1e-7, which it reaches for a term without signal in the pixels.
        trace : tuple of float
            The log marginal likelihood at each accepted step; it never decreases.
        """
        scale = np.maximum(start, LOWEST_SCALE)
        current = self.posterior(normal, right, scale)
        trace = [current.log_marginal]
        # one step factor per term: large for a scale that approaches 0, small for a scale that has converged
        speed, before = np.ones(len(scale)), np.zeros(len(scale))
        for _ in range(_MAX_STEPS):
            change = np.log(self.expected_scale(current) / scale)
            speed = np.where(change * before > 0, np.minimum(_FASTER * speed, _FASTEST), 1.0)
            before = change
            trial = np.maximum(scale * np.exp(np.clip(speed * change, -_MAX_CHANGE, _MAX_CHANGE)), LOWEST_SCALE)
            new = self.posterior(normal, right, trial)
            if new.log_marginal < current.log_marginal:
                # apart from rounding errors a plain EM step cannot decrease the likelihood
                trial = np.maximum(scale * np.exp(change), LOWEST_SCALE)
                new, before = self.posterior(normal, right, trial), np.zeros(len(scale))
            gained = new.log_marginal - current.log_marginal
            if gained > 0:
                scale, current = trial, new
                trace.append(new.log_marginal)
            if gained < gain:
                break
        return scale, tuple(trace)


@compiled(nogil=True)
def smooth_sweep(normal, right, diagonal, coupling, mean, covariance, pair, log_det):  # type: ignore[no-untyped-def]
    """
    Solve J x = h and find the blocks of J^-1, for the block-tridiagonal J of P pixels with Q terms.

    J has the blocks normal_p + diag(diagonal_p), and -diag(coupling_p) between the pixels p and p + 1. The method is
    forward elimination and backward substitution: the Kalman smoother in information form.

    The arrays mean (P, Q), covariance (P, Q, Q), pair (P - 1, Q) and log_det (P,) are filled; pair is the covariance of
    a term with itself in the next pixel, and the sum of log_det is ln|J|.
    """
    n_pixel, n_term = right.shape
    # in the forward sweep mean and covariance hold the eliminated right sides and the inverses of the eliminated blocks
    for p in range(n_pixel):
        block, y = normal[p].copy(), right[p].copy()
        for i in range(n_term):
            block[i, i] += diagonal[p, i]
        if p > 0:
            c, before = coupling[p - 1], covariance[p - 1]
            y += c * (before @ mean[p - 1])
            for i in range(n_term):
                for j in range(n_term):
                    block[i, j] -= c[i] * before[i, j] * c[j]
        log_det[p] = 2.0 * np.sum(np.log(np.diag(np.linalg.cholesky(block))))
        inverse = np.linalg.inv(block)
        for i in range(n_term):
            for j in range(n_term):
                covariance[p, i, j] = 0.5 * (inverse[i, j] + inverse[j, i])
        mean[p] = y
    mean[n_pixel - 1] = covariance[n_pixel - 1] @ mean[n_pixel - 1]
    for p in range(n_pixel - 2, -1, -1):
        inverse = covariance[p].copy()
        gain = inverse * coupling[p]
        mean[p] = inverse @ mean[p] + gain @ mean[p + 1]
        cross = gain @ covariance[p + 1]
        for i in range(n_term):
            pair[p, i] = cross[i, i]
        covariance[p] = inverse + cross @ gain.T
