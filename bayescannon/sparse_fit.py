r"""
Exact maximum a posteriori fit of every pixel under Laplace priors on its coefficients (Casey et al. 2016).

Given the scatter s, the coefficients of a pixel solve a lasso problem,

    min_theta  sum_n w (f - theta . v)^2 / 2 + sum_k |theta_k| / b_k,       w = 1 / (s^2 + kappa^2 sigma^2),

whose solution has terms that are exactly 0. The penalty does not depend on s, so the derivative of the profile is
that of :mod:`bayescannon.pixel_block`, with C that of the terms that are not 0, and the same root finder is used.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayescannon.compressed import normal_equations
from bayescannon.label_vector import FloatArray
from bayescannon.pixel_block import LabelMoments, solve_coefficients
from bayescannon.pixel_fit import PixelFit, PixelStatus, fit_pixels
from bayescannon.pixel_prior import PixelPrior
from bayescannon.sparse_kernels import solve_lasso

# A pixel whose KKT residual is larger is reported as not converged
KKT_TOLERANCE = 1e-6

# Rounding of a sum whose terms cancel, against the size of the terms, with a margin
_ROUNDING = 1e-7


@dataclass(frozen=True, kw_only=True)
class LaplacePrior(PixelPrior):
    """
    Priors of P pixels with T terms, some of them Laplace.

    Attributes
    ----------
    scale : float array of shape (P, T)
        b of theta ~ Laplace(0, b); inf where the coefficient has no such prior.
    """

    scale: FloatArray

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
    """Solve the lasso problems, from the solutions without penalty."""
    theta = np.linalg.solve(normal, right[..., None])[..., 0]
    penalty = prior.penalty
    solve_lasso(np.ascontiguousarray(normal), right, penalty, theta)
    held = prior.censored | ((theta == 0) & (penalty > 0))
    keep = ~held
    diagonal = np.arange(theta.shape[1])
    normal = normal * (keep[:, :, None] & keep[:, None, :])
    normal[:, diagonal, diagonal] += held
    return theta, normal, held


@dataclass(frozen=True)
class SparseFit(PixelFit):
    """
    A :class:`bayescannon.pixel_fit.PixelFit` with its certificate.

    The covariance is that of the terms that are not 0, with the others held there.

    Attributes
    ----------
    kkt_residual : float array of shape (P,)
        See :func:`kkt_residual`; a pixel above 1e-6 has status NOT_CONVERGED.
    """

    kkt_residual: NDArray[np.float64]

    @property
    def n_nonzero(self) -> NDArray[np.int64]:
        """Number of terms that are not 0, shape (P,)."""
        return np.count_nonzero(self.theta, axis=1)


def fit_pixels_sparse(
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    scale: ArrayLike,
    prior: PixelPrior | None = None,
    kappa: FloatArray | float = 1.0,
    start: FloatArray | None = None,
    tolerance: float = 1e-6,
    block: int = 64,
    workers: int | None = None,
) -> SparseFit:
    """
    Fit sparse coefficients and the scatter of every pixel (Casey et al. 2016): the exact joint maximum.

    Parameters
    ----------
    vectors, flux, ivar, kappa, start, tolerance, block, workers
        As in :func:`bayescannon.pixel_fit.fit_pixels`.
    scale : array that broadcasts to (pixel, T)
        b of theta ~ Laplace(0, b), in normalised flux; inf is flat. See
        :meth:`bayescannon.models.sparse.LaplaceCoefficients.parameters`.
    prior : PixelPrior, optional
        Of the scatter, and of censored terms (precision inf); its other precisions must be 0.

    Returns
    -------
    fit : SparseFit

    Raises
    ------
    ValueError
        A scale that is not positive, a precision that is neither 0 nor inf, or shapes that do not go together.

    Notes
    -----
    All terms that are not censored must be determined by the live stars, as without a prior: otherwise the sparse
    solution need not be unique, and the pixel is DEAD or SINGULAR.
    """
    moments = vectors if isinstance(vectors, LabelMoments) else LabelMoments.known(vectors)
    shape = (flux.shape[1], moments.mean.shape[1])
    scales = np.broadcast_to(np.asarray(scale, dtype=np.float64), shape)
    if not (scales > 0).all():
        raise ValueError("the scale of the Laplace prior must be positive (inf: flat)")
    prior = PixelPrior.flat(*shape) if prior is None else prior
    if not ((prior.precision == 0) | prior.censored).all():
        raise ValueError("with a Laplace prior, PixelPrior.precision may be 0 or inf (a censored term) only")
    laplace = LaplacePrior(prior.mean, prior.precision, prior.scatter, prior.scatter_parameters, scale=scales)
    fit = fit_pixels(
        moments, flux, ivar, prior=laplace, kappa=kappa, start=start, tolerance=tolerance, block=block, workers=workers
    )
    residual = kkt_residual(
        fit, moments, flux, ivar, scale=scales, allowed=~prior.censored, kappa=kappa, block=block, workers=workers
    )
    fit.status[(residual > KKT_TOLERANCE) & (fit.status == PixelStatus.CONVERGED)] = PixelStatus.NOT_CONVERGED
    active = (fit.theta != 0) | np.isinf(scales)
    fit.covariance[~(active[:, :, None] & active[:, None, :])] = 0.0
    return SparseFit(**{item.name: getattr(fit, item.name) for item in fields(fit)}, kkt_residual=residual)


def kkt_residual(
    fit: PixelFit,
    vectors: FloatArray | LabelMoments,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    scale: ArrayLike,
    allowed: NDArray[np.bool_] | None = None,
    kappa: FloatArray | float = 1.0,
    block: int = 64,
    workers: int | None = None,
) -> NDArray[np.float64]:
    """
    Certify sparse coefficients: how far they are from the Karush-Kuhn-Tucker conditions, given the scatters.

    With c = V^T W (f - V theta), the optimum has c_k = sign(theta_k) / b_k where theta_k is not 0 and |c_k| <= 1 / b_k
    where it is. The problem is convex, so that this proves the optimum. It is computed anew from the data.

    Parameters
    ----------
    fit : PixelFit
    vectors, flux, ivar, kappa, block, workers
        As in :func:`bayescannon.pixel_fit.fit_pixels`.
    scale : array that broadcasts to (pixel, T)
        b; inf is flat.
    allowed : bool array of shape (pixel, T), optional
        False for censored terms.

    Returns
    -------
    residual : float array of shape (P,)
        Largest violation of any term, as a fraction of 1 / b_k (plus 1e-7 of the sums that cancel in c_k: rounding,
        and all there is for flat terms). 0 in dead pixels.
    """
    normal, right = normal_equations(
        vectors, flux, ivar, fit.scatter, kappa=kappa, allowed=allowed, block=block, workers=workers
    )
    penalty = np.broadcast_to(1 / np.asarray(scale, dtype=np.float64), right.shape)
    excess = right - np.einsum("pij,pj->pi", normal, fit.theta)
    active = (fit.theta != 0) | (penalty == 0)
    violation = np.where(
        active, np.abs(excess - penalty * np.sign(fit.theta)), np.maximum(np.abs(excess) - penalty, 0.0)
    )
    terms = np.einsum("pij,pj->pi", np.abs(normal), np.abs(fit.theta)) + np.abs(right)
    size = penalty + _ROUNDING * terms
    return np.divide(violation, size, out=np.zeros_like(size), where=size > 0).max(axis=1)
