"""The errors of one label as a problem to solve: penalised likelihood, its slopes, and its maximum."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma

from bayescannon.numerics.student_t import convolved_t, convolved_t_below
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.error_distribution import DOF_RANGE

# Standard deviations of the Gaussian priors that shrink the coefficients of L and z to zero
PRIOR_WIDTH = 0.3
# log of the degrees of freedom, around 10 by a half, and its slope with L: a few extreme stars decide them, and with
# them, through the assumed shape, the width of a core that hides behind the reference's own errors
DOF_PRIOR = (np.log(10.0), 0.5)
DOF_SLOPE_WIDTH = 0.2
# Intercepts are all but free
_INTERCEPT_WIDTH = 7.0
# of the norm of the gradient: the prior alone has a curvature of 11, so the likelihood is within 0.05 of its maximum
_GRADIENT_TOLERANCE = 1.0


@dataclass(frozen=True)
class ErrorLikelihood:
    """
    One label's data: errors of (N,) stars, formal errors, noise, and the features of location and scale.

    The first two features, 1 and L, are also those of the degrees of freedom.
    """

    off: FloatArray
    log_formal: FloatArray
    noise: FloatArray
    vector: FloatArray
    features: FloatArray

    @property
    def cuts(self) -> list[int]:
        """Say where mu, alpha and beta end in the vector of parameters; delta and its slope follow."""
        return np.cumsum([self.vector.shape[1], self.features.shape[1], self.features.shape[1]]).tolist()

    def start(self) -> FloatArray:
        """Return a constant scale, half of it formal, that gives the median squared error."""
        square = np.median(self.off**2) / 0.455 - np.median(self.noise) ** 2
        # where the noise explains everything a third of it is left to find
        floor = (0.3 * np.median(self.noise)) ** 2 + np.exp(2 * np.median(self.log_formal)) / 4
        level = np.log(max(square, floor) / 2) / 2
        _, formal, last = self.cuts
        out = np.zeros(last + 2)
        out[self.cuts[0]] = level - np.median(self.log_formal)
        out[formal] = level
        out[last] = DOF_PRIOR[0]
        return out

    def prior(self) -> tuple[FloatArray, FloatArray]:
        """Return means and precisions of the parameters' Gaussian priors."""
        precision = np.full(self.cuts[-1] + 2, PRIOR_WIDTH**-2.0)
        precision[[0, *self.cuts[:2]]] = _INTERCEPT_WIDTH**-2.0
        precision[-2:] = DOF_PRIOR[1] ** -2.0, DOF_SLOPE_WIDTH**-2.0
        mean = np.zeros(len(precision))
        mean[-2] = DOF_PRIOR[0]
        return mean, precision

    def log_density(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the log density of every star, shape (N,), and its gradient, shape (N, parameters)."""
        off, log_scale, share, log_dof = self._shape(parameters)
        low, high = np.log(DOF_RANGE)
        dof = np.exp(np.clip(log_dof, low, high))
        value, by_off, by_scale, by_dof = convolved_t(off, np.exp(log_scale), dof, self.noise, digamma(dof / 2))
        gradient = [
            -self.vector * by_off[:, None],
            self.features * (share * by_scale)[:, None],
            self.features * ((1 - share) * by_scale)[:, None],
            self.features[:, :2] * (by_dof * ((low < log_dof) & (log_dof < high)))[:, None],
        ]
        return value, np.concatenate(gradient, axis=1)

    def below(self, parameters: FloatArray) -> FloatArray:
        """Return the probability of a smaller error than each star's, shape (N,)."""
        off, log_scale, _, log_dof = self._shape(parameters)
        result: FloatArray = convolved_t_below(
            off, np.exp(log_scale), np.exp(np.clip(log_dof, *np.log(DOF_RANGE))), self.noise
        )
        return result

    def scale_error(self, parameters: FloatArray, weight: FloatArray) -> float:
        """Return the standard deviation of the stars' mean of log sigma, by the Hessian of :meth:`maximise`."""
        _, _, share, _ = self._shape(parameters)
        _, gradient = self.log_density(parameters)
        hessian = (gradient * weight[:, None]).T @ gradient + np.diag(self.prior()[1])
        slope = np.zeros(len(parameters))
        location, formal, last = self.cuts
        slope[location:formal] = np.average(self.features * share[:, None], axis=0, weights=weight)
        slope[formal:last] = np.average(self.features * (1 - share)[:, None], axis=0, weights=weight)
        return float(np.sqrt(slope @ np.linalg.solve(hessian, slope)))

    def _shape(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return each star's d - m, log sigma, the formal share of sigma^2 and the unclipped log nu."""
        mu, alpha, beta, delta = np.split(parameters, self.cuts)
        log_formal, log_floor = self.features @ alpha + self.log_formal, self.features @ beta
        log_scale = np.logaddexp(2 * log_formal, 2 * log_floor) / 2
        share = np.exp(2 * (log_formal - log_scale))
        return self.off - self.vector @ mu, log_scale, share, self.features[:, :2] @ delta

    def left_out(self, parameters: FloatArray, weight: FloatArray) -> "ErrorLikelihood":
        """
        Return the problem with every star as far off its location as if that had been found without the star.

        The residuals of a fit are too small by the parameters that they paid for. With the reference's errors larger
        than the scale that is sought, what is missing is taken from the scale alone: its square loses as many times
        more as the reference's variance is larger. The location's own error, which a fresh star sees, comes with it.
        """
        mu, alpha, beta, _ = np.split(parameters, self.cuts)
        square = np.exp(2 * (self.features @ alpha + self.log_formal)) + np.exp(2 * self.features @ beta)
        precision = weight / (square + self.noise**2)
        prior = np.diag(self.prior()[1][: len(mu)])
        covariance = np.linalg.inv((self.vector * precision[:, None]).T @ self.vector + prior)
        leverage = precision * np.einsum("ni,ni->n", self.vector @ covariance, self.vector)
        location = self.vector @ mu
        return replace(self, off=location + (self.off - location) / (1 - np.minimum(leverage, 0.5)))

    def maximise(self, start: FloatArray, weight: FloatArray) -> FloatArray:
        """
        Maximise the penalised weighted log likelihood.

        The sum of the outer products of the stars' gradients stands for the Hessian (Berndt, Hall, Hall & Hausman
        1974, Ann. Econ. Soc. Meas. 3, 653).
        """
        mean, precision = self.prior()
        known: dict[bytes, tuple[float, FloatArray, FloatArray]] = {}

        def evaluate(parameters: FloatArray) -> tuple[float, FloatArray, FloatArray]:
            key = parameters.tobytes()
            if key not in known:
                value, gradient = self.log_density(parameters)
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
            options={"gtol": _GRADIENT_TOLERANCE, "maxiter": 100},
        )
        return np.asarray(found.x)
