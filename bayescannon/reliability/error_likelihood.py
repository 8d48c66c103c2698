"""The errors of one label: their penalised likelihood, its derivatives and its maximum."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from bayescannon.numerics.student_t import convolved_t, convolved_t_below
from bayescannon.numerics.typing import FloatArray
from bayescannon.reliability.error_distribution import DOF_RANGE
from bayescannon.reliability.penalised import maximise_penalised

# mean and standard deviation of the prior of log nu. Without it a few extreme stars determine nu, and through the shape
# of the Student-t also the width of its core, if that is smaller than the errors of the reference
DOF_PRIOR = (np.log(10.0), 0.5)
# standard deviation of the priors of intercepts, which are nearly flat
_INTERCEPT_WIDTH = 7.0


@dataclass(frozen=True)
class PriorWidths:
    """
    Standard deviations of the Gaussian priors that shrink the coefficients of L, z and B to zero.

    Attributes
    ----------
    location, changing : float
        Of mu, in units of the label's own typical error; `changing` of the products of S/N and place in it.
    floor : float
        Of beta.
    """

    location: float = 0.3
    changing: float = 0.3
    floor: float = 0.3


@dataclass(frozen=True)
class ErrorLikelihood:
    """
    The data of one label and N spectra.

    Attributes
    ----------
    off, log_formal, noise : float arrays of shape (N,)
        Inferred minus reference label, logarithm of the formal error, standard deviation of the reference label.
    vector, features : float arrays of shape (N, 2 + P) and (N, 3 + P)
        Features of the location, and of the scale.
    star : int array of shape (N,), optional
        Number of each one's star, from 0; every one is another star unless given.
    widths : PriorWidths
    n_changing : int
        Number of the last columns of `vector` whose prior has the width `changing`.
    """

    off: FloatArray
    log_formal: FloatArray
    noise: FloatArray
    vector: FloatArray
    features: FloatArray
    star: NDArray[np.int64] | None = None
    widths: PriorWidths = PriorWidths()
    n_changing: int = 0

    @property
    def cuts(self) -> list[int]:
        """Indices at which mu, alpha and beta end in the vector of parameters; delta follows."""
        location = self.vector.shape[1]
        return [location, location + 1, location + 1 + self.features.shape[1]]

    @property
    def unit(self) -> float:
        """A typical error: by the median of the squares, less the noise."""
        square = np.median(self.off**2) / 0.455 - np.median(self.noise) ** 2
        # if the noise explains the whole scatter, a third of the noise
        floor = (0.3 * np.median(self.noise)) ** 2 + np.exp(2 * np.median(self.log_formal)) / 4
        return float(np.sqrt(max(square, floor)))

    def start(self) -> FloatArray:
        """Return starting parameters: a constant scale with the median squared error, half of sigma^2 from f."""
        level = np.log(self.unit) - np.log(2) / 2
        _, formal, last = self.cuts
        out = np.zeros(last + 1)
        out[self.cuts[0]] = level - np.median(self.log_formal)
        out[formal] = level
        out[last] = DOF_PRIOR[0]
        return out

    def prior(self) -> tuple[FloatArray, FloatArray]:
        """Return means and inverse variances of the Gaussian priors of the parameters."""
        location, formal, last = self.cuts
        precision = np.full(last + 1, self.widths.floor**-2.0)
        precision[:location] = (self.widths.location * self.unit) ** -2.0
        precision[location - self.n_changing : location] = (self.widths.changing * self.unit) ** -2.0
        precision[[0, location, formal]] = _INTERCEPT_WIDTH**-2.0
        precision[last] = DOF_PRIOR[1] ** -2.0
        mean = np.zeros(len(precision))
        mean[last] = DOF_PRIOR[0]
        return mean, precision

    def log_density(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the log density of every star, shape (N,), and its gradient, shape (N, parameters)."""
        off, log_scale, share, log_dof = self._shape(parameters)
        low, high = np.log(DOF_RANGE)
        dof = np.exp(np.clip(log_dof, low, high))
        value, by_off, by_scale, by_dof = convolved_t(off, np.exp(log_scale), dof, self.noise, digamma(dof / 2))
        gradient = [
            -self.vector * by_off[:, None],
            (share * by_scale)[:, None],
            self.features * ((1 - share) * by_scale)[:, None],
            (by_dof * ((low < log_dof) & (log_dof < high)))[:, None],
        ]
        return value, np.concatenate(gradient, axis=1)

    def below(self, parameters: FloatArray) -> FloatArray:
        """Return the probability of an error smaller than that of each star, shape (N,)."""
        off, log_scale, _, log_dof = self._shape(parameters)
        result: FloatArray = convolved_t_below(
            off, np.exp(log_scale), np.exp(np.clip(log_dof, *np.log(DOF_RANGE))), self.noise
        )
        return result

    def scale_error(self, parameters: FloatArray, weight: FloatArray) -> float:
        """Return the standard deviation of the mean of log sigma over the stars, by the Hessian of :meth:`maximise`."""
        _, _, share, _ = self._shape(parameters)
        _, gradient = self.log_density(parameters)
        hessian = (gradient * weight[:, None]).T @ gradient + np.diag(self.prior()[1])
        slope = np.zeros(len(parameters))
        location, formal, last = self.cuts
        slope[location] = np.average(share, weights=weight)
        slope[formal:last] = np.average(self.features * (1 - share)[:, None], axis=0, weights=weight)
        return float(np.sqrt(slope @ np.linalg.solve(hessian, slope)))

    def shrinkage(self, parameters: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Return what the widths of the priors are learned from, in their order, each of shape (3,).

        The sums of squares of the coefficients that are shrunk, in units of the widths, and how many of them the data
        determine (MacKay 1992, Neural Comput. 4, 415, eq. 4.9), by the Hessian of :meth:`maximise`.
        """
        _, gradient = self.log_density(parameters)
        precision = self.prior()[1]
        covariance = np.linalg.inv((gradient * weight[:, None]).T @ gradient + np.diag(precision))
        determined = 1 - np.diag(covariance) * precision
        location, formal, last = self.cuts
        changing = location - self.n_changing
        parts = (slice(1, changing), self.unit), (slice(changing, location), self.unit), (slice(formal + 1, last), 1.0)
        squares = [((parameters[part] / unit) ** 2).sum() for part, unit in parts]
        return np.array(squares), np.array([determined[part].sum() for part, _ in parts])

    def _shape(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return d - m, log sigma, the share of sigma^2 from f, and the unclipped log nu of each star."""
        mu, alpha, beta, delta = np.split(parameters, self.cuts)
        log_formal, log_floor = alpha + self.log_formal, self.features @ beta
        log_scale = np.logaddexp(2 * log_formal, 2 * log_floor) / 2
        share = np.exp(2 * (log_formal - log_scale))
        return self.off - self.vector @ mu, log_scale, share, np.broadcast_to(delta, self.off.shape)

    def left_out(self, parameters: FloatArray, weight: FloatArray) -> "ErrorLikelihood":
        """
        Return the likelihood with leave-one-out residuals: d - m with m fitted without the star, all spectra of it.

        The residuals of a fit are too small because the fitted parameters follow them. If the errors of the reference
        labels are larger than the scale sigma, the whole deficit would be missing from sigma^2, whose relative bias
        grows with the ratio of the two variances. Leave-one-out residuals also contain the error of the location, as
        the residuals of new stars do.
        """
        mu, alpha, beta, _ = np.split(parameters, self.cuts)
        square = np.exp(2 * (alpha + self.log_formal)) + np.exp(2 * self.features @ beta)
        precision = weight / (square + self.noise**2)
        prior = np.diag(self.prior()[1][: len(mu)])
        covariance = np.linalg.inv((self.vector * precision[:, None]).T @ self.vector + prior)
        leverage = precision * np.einsum("ni,ni->n", self.vector @ covariance, self.vector)
        if self.star is not None:
            leverage = np.bincount(self.star, leverage)[self.star]
        location = self.vector @ mu
        return replace(self, off=location + (self.off - location) / (1 - np.minimum(leverage, 0.5)))

    def maximise(self, start: FloatArray, weight: FloatArray) -> FloatArray:
        """
        Return the parameters that maximise the penalised weighted log likelihood.

        See :func:`bayescannon.reliability.penalised.maximise_penalised`.
        """
        return maximise_penalised(self.log_density, self.prior(), start, weight)
