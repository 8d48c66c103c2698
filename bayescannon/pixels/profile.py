"""The profile of the likelihood of a pixel's scatter: coefficients at their optimum, and derivatives by s^2."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.prior import PixelPrior


@dataclass(frozen=True)
class ProfileFit:
    """Coefficients at given scatters, and derivatives of the profile; the first axis of every array is the pixel."""

    theta: FloatArray
    normal: FloatArray  # V^T W V + L, (pixel, T, T)
    gradient: FloatArray  # g
    slope: FloatArray  # dg / d(s^2), close where theta is integrated out or labels are uncertain
    variance: FloatArray  # a typical s^2 + sigma^2
    objective: FloatArray  # F without the constant n_live ln(2 pi) / 2; NaN if it was not requested
    chi2: FloatArray  # sum of w r^2
    held: NDArray[np.bool_]  # terms held at 0: censored, or zero under a Laplace prior
    freedom: FloatArray  # effective number of terms, tr(C V^T W V), if theta is integrated out; else 0
    along: FloatArray  # dtheta / d(s^2) = -C V^T (w^2 r), (pixel, T)
    chi2_slope: FloatArray  # d(chi2) / d(s^2) = -sum of w^2 r^2

    def select(self, index: NDArray[np.intp]) -> "ProfileFit":
        """Return the fit of some of the pixels."""
        return ProfileFit(**{item.name: getattr(self, item.name)[index] for item in fields(self)})

    def put(self, index: NDArray[np.intp], other: "ProfileFit") -> None:
        """Overwrite the fit of some of the pixels."""
        for item in fields(self):
            getattr(self, item.name)[index] = getattr(other, item.name)

    def moved(self, change: FloatArray, bend: FloatArray | float = 0.0) -> "ProfileFit":
        """
        Return the profile after a small change of s^2 (pixel,): the objective to second order, others to first.

        With `bend`, the second derivative of g, gradient and objective are followed one order further.
        """
        return replace(
            self,
            theta=self.theta + self.along * change[:, None],
            gradient=self.gradient + (self.slope + 0.5 * bend * change) * change,
            slope=self.slope + bend * change,
            objective=self.objective
            + (0.5 * self.gradient + (0.25 * self.slope + bend * change / 12) * change) * change,
            chi2=self.chi2 + self.chi2_slope * change,
        )


@dataclass(frozen=True)
class ProfileSums:
    """
    Sums over the stars at the optimum of theta for given s^2, of P pixels.

    Attributes
    ----------
    sums : float array of shape (5, P)
        Sum of w, w^2, u w^2 r^2, u w^3 r^2, u w r^2.
    logs : float array of shape (P,) or None
        Sum of -ln w of the live stars, where the objective is asked for.
    q, along : float arrays of shape (P, T)
        V^T W^2 r, 0 for terms held at 0, and -C q.
    data : float array of shape (P, T, T)
        V^T W V.
    squared : float array of shape (P, T, T) or None
        V^T W^2 V, where theta is integrated out.
    """

    sums: FloatArray
    logs: FloatArray | None
    q: FloatArray
    along: FloatArray
    data: FloatArray
    squared: FloatArray | None

    def profile(
        self, prior: PixelPrior, s2: FloatArray, theta: FloatArray, normal: FloatArray, held: NDArray[np.bool_]
    ) -> ProfileFit:
        """Return the profile; theta is integrated out where `squared` is given."""
        sums, data, squared = self.sums, self.data, self.squared
        first, second = prior.scatter_gradient(s2)
        gradient = sums[0] - sums[2] + first
        descent = -np.einsum("pt,pt->p", self.q, self.along)
        slope = -sums[1] + 2 * sums[3] - 2 * descent + second
        value, freedom = np.full(len(s2), np.nan), np.zeros(len(s2))
        if self.logs is not None:
            value = 0.5 * (sums[4] + self.logs) + prior.minus_log_density(theta, s2)
        if squared is not None:
            if held.any():
                # terms held at 0 have no part in the marginal likelihood
                free = ~held[:, :, None] & ~held[:, None, :]
                squared, data = squared * free, data * free
            product = np.linalg.solve(normal, squared)
            # exact under a flat prior where all stars have the same noise, close elsewhere: it only shapes the Newton
            # steps
            slope += np.einsum("pij,pji->p", product, product)
            gradient -= np.trace(product, axis1=1, axis2=2)
            freedom = np.trace(np.linalg.solve(normal, data), axis1=1, axis2=2)
            if self.logs is not None:
                value += 0.5 * np.linalg.slogdet(normal)[1]
        return ProfileFit(
            theta, normal, gradient, slope, sums[0] / sums[1], value, sums[4], held, freedom, self.along, -sums[2]
        )
