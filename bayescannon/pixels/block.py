r"""
Penalised weighted least squares for a block of pixels at given scatters, and the derivatives of the profile.

Given the scatter s, the coefficients solve (V^T W V + L) theta = V^T W f + L m with w = 1 / (s^2 + sigma^2) and
the Gaussian prior N(m, L^-1). With theta at its optimum the objective F (minus log posterior) has

    2 dF/d(s^2) = g = sum_n w - w^2 r^2  [- tr(C V^T W^2 V), if theta is integrated out]  + prior of s,

    dg/d(s^2) = sum(-w^2 + 2 w^3 r^2) - 2 q^T C q + ...,     q = V^T (w^2 r),     C = (V^T W V + L)^-1.

A star with multiplicity m counts as m terms of every sum over the stars.

Where pixels can be outliers (:mod:`bayescannon.pixels.outliers`), u_np is the mean precision of a flux in units of
w_np: every r^2 is u r^2, so that W holds u w, and no sum of w alone changes.
"""

from dataclasses import dataclass
from functools import cached_property, singledispatch

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.packing import pack_products, unpack_symmetric
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.kernels import (
    fixed_theta_gradient,
    minus_log_weights,
    residual_variance,
    scatter_sums,
    weigh,
)
from bayescannon.pixels.orthogonal_labels import OrthogonalLabels
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.profile import ProfileFit, ProfileSums

# covariances below this fraction of the products that they are differences of are 0
_ROUNDING = 1e-12


@dataclass(frozen=True)
class LabelMoments:
    """
    First and second moments of the label vectors of N stars.

    Attributes
    ----------
    mean : float array of shape (star, T)
        E[v].
    uncertain_products : float array of shape (star, T (T + 1) / 2) or None
        E[v_k v_l], k <= l. None if the labels are known exactly, where they are made when they are asked for.
    covariance : float array of shape (star, T (T + 1) / 2) or None
        The products less mean x mean with off-diagonal elements doubled, so that its product with the packed
        theta theta^T is theta^T Cov(v) theta. None if the labels are known exactly.
    multiplicity : float array of shape (star,) or None
        How many times each star counts, as if it were repeated in the reference set; need not be whole. None is once.
    """

    mean: FloatArray
    uncertain_products: FloatArray | None = None
    covariance: FloatArray | None = None
    multiplicity: FloatArray | None = None

    @classmethod
    def known(cls, vectors: FloatArray, *, multiplicity: FloatArray | None = None) -> "LabelMoments":
        """
        Return the moments of label vectors (star, T) that are known exactly.

        Raises
        ------
        InputError
            `multiplicity` is not one finite number >= 0 per star.
        """
        vectors = np.ascontiguousarray(vectors, dtype=np.float64)
        if multiplicity is not None:
            multiplicity = np.asarray(multiplicity, dtype=np.float64)
            if multiplicity.shape != (len(vectors),) or not (np.isfinite(multiplicity) & (multiplicity >= 0)).all():
                raise InputError(
                    f"multiplicity must be one finite number >= 0 for each of the {len(vectors)} stars; got shape "
                    f"{multiplicity.shape}"
                )
        return cls(vectors, multiplicity=multiplicity)

    @classmethod
    def uncertain(cls, mean: FloatArray, products: FloatArray) -> "LabelMoments":
        """Return the moments of uncertain label vectors from E[v] (star, T) and packed E[v v^T]."""
        k, l = np.triu_indices(mean.shape[1])  # noqa: E741 - the indices of the paper
        covariance = (products - pack_products(mean)) * np.where(k == l, 1.0, 2.0)
        return cls(mean, products, covariance)

    @cached_property
    def _single_covariance(self) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        # a small addition to squared residuals, for which single precision is enough; of exact labels and hidden
        # components, only those of the latter differ from 0 by more than rounding
        covariance = np.asarray(self.covariance)
        largest = np.abs(covariance).max(axis=0, initial=0.0)
        columns = np.flatnonzero(largest > _ROUNDING * np.abs(self.products).max(axis=0, initial=0.0))
        return columns, covariance[:, columns].astype(np.float32)

    def spread(self, theta: FloatArray) -> FloatArray:
        """Return theta^T Cov(v) theta for coefficients (pixel, T): (star, pixel), or (0, 0) if labels are exact."""
        if self.covariance is None:
            return np.empty((0, 0))
        columns, covariance = self._single_covariance
        spread: FloatArray = covariance @ pack_products(theta)[:, columns].T.astype(np.float32)
        return spread

    def select(self, index: NDArray[np.bool_] | slice) -> "LabelMoments":
        """Return the moments of some of the stars, of a mask or a slice."""
        covariance = None if self.covariance is None else self.covariance[index]
        multiplicity = None if self.multiplicity is None else self.multiplicity[index]
        products = None if self.uncertain_products is None else self.uncertain_products[index]
        return LabelMoments(self.mean[index], products, covariance, multiplicity)

    @cached_property
    def products(self) -> FloatArray:
        """E[v_k v_l], k <= l, shape (star, T (T + 1) / 2)."""
        return pack_products(self.mean) if self.uncertain_products is None else self.uncertain_products

    @cached_property
    def counts(self) -> NDArray[np.float64]:
        """The multiplicities, shape (star,)."""
        return np.ones(len(self.mean)) if self.multiplicity is None else np.asarray(self.multiplicity)

    @cached_property
    def counted_mean(self) -> FloatArray:
        """E[v] times the multiplicity, shape (star, T), for sums over the stars."""
        return self.mean if self.multiplicity is None else self.mean * self.multiplicity[:, None]

    @cached_property
    def orthogonal(self) -> OrthogonalLabels | None:
        """Exact label vectors in an orthonormal basis, in single precision; None if they are uncertain or dependent."""
        return None if self.covariance is not None else OrthogonalLabels.of(self.mean, self.counts)

    @cached_property
    def single_products(self) -> NDArray[np.float32]:
        """`counted_products` in single precision."""
        return self.counted_products.astype(np.float32)

    @cached_property
    def counted_products(self) -> FloatArray:
        """E[v_k v_l] times the multiplicity, shape (star, T (T + 1) / 2), for sums over the stars."""
        return self.products if self.multiplicity is None else self.products * self.multiplicity[:, None]


def add_prior(prior: PixelPrior, data: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """
    Add a Gaussian prior to the normal equations of P pixels.

    Parameters
    ----------
    prior : PixelPrior
    data, right : float arrays of shape (P, T, T) and (P, T)
        V^T W V and V^T W f.

    Returns
    -------
    normal, right : float arrays of shape (P, T, T) and (P, T)
    """
    if not prior.precision.any():
        return data, right
    censored = prior.censored
    precision = np.where(censored, 0.0, prior.precision)
    normal = data.copy()
    diagonal = np.arange(normal.shape[1])
    normal[:, diagonal, diagonal] += precision
    right = right + precision * prior.mean
    if censored.any():
        # a censored term is removed from the equations: its row and column become those of the unit matrix
        keep = ~censored
        normal = normal * (keep[:, :, None] & keep[:, None, :])
        normal[:, diagonal, diagonal] += censored
        right = np.where(censored, 0.0, right)
    return normal, right


@singledispatch
def solve_coefficients(
    prior: PixelPrior, normal: FloatArray, right: FloatArray
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """
    Solve the normal equations for the coefficients; a prior that is not Gaussian registers its own solver.

    Parameters
    ----------
    prior : PixelPrior
    normal, right : float arrays of shape (P, T, T) and (P, T)
        From :meth:`PixelBlock.normal_equations`.

    Returns
    -------
    theta : float array of shape (P, T)
    normal : float array of shape (P, T, T)
        Its inverse is the derivative of theta by the right side; rows and columns of held terms are those of the unit
        matrix.
    held : bool array of shape (P, T)
        Terms held at 0.
    """
    return np.linalg.solve(normal, right[..., None])[..., 0], normal, prior.censored


class PixelBlock:
    """
    The data of a block of pixels.

    Parameters
    ----------
    moments : LabelMoments
        Moments of the label vectors of the reference stars.
    flux, ivar : float arrays of shape (star, pixel)
    prior : PixelPrior
        Priors of these pixels.
    marginal : bool
        Integrate theta out of the likelihood of s.
    factors : float array of shape (star, pixel), optional
        u; 1 unless given.
    single : bool
        Sum V^T W V in single precision, in half the time; theta_0 - 1 and the other coefficients, which are small, are
        then known to a part in about 10^4 of themselves.
    """

    def __init__(
        self,
        moments: LabelMoments,
        flux: FloatArray,
        ivar: FloatArray,
        prior: PixelPrior,
        *,
        marginal: bool,
        factors: FloatArray | None = None,
        single: bool = False,
    ) -> None:
        self.moments, self.prior, self.marginal, self.single = moments, prior, marginal, single
        self.flux, self.ivar = np.ascontiguousarray(flux), np.ascontiguousarray(ivar)
        self.factors = None if factors is None else np.ascontiguousarray(factors)

    @property
    def n_pixel(self) -> int:
        """Number of pixels."""
        result: int = self.flux.shape[1]
        return result

    def select(self, index: NDArray[np.intp]) -> "PixelBlock":
        """Return the block of some of the pixels."""
        if len(index) == self.n_pixel:
            return self
        prior = self.prior.select(index)
        factors = None if self.factors is None else self.factors[:, index]
        return PixelBlock(
            self.moments, self.flux[:, index], self.ivar[:, index], prior,
            marginal=self.marginal, factors=factors, single=self.single,
        )  # fmt: skip

    def _data_equations(self, weight: FloatArray, weighted_flux: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return V^T W V and V^T W f."""
        moments, weight = self.moments, self._factored(weight)
        size = moments.mean.shape[1]
        if not self.single:
            data = unpack_symmetric(weight.T @ moments.counted_products, size)
            return data, weighted_flux.T @ moments.counted_mean
        data = unpack_symmetric(weight.T.astype(np.float32) @ moments.single_products, size).astype(np.float64)
        # flux of 1 gives theta_0 = 1 with the same sums, so that rounding only concerns what differs from it
        return data, (weighted_flux - weight).T @ moments.counted_mean + data[:, :, 0]

    def normal_equations(self, s2: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return the weights w (star, pixel), V^T W V + L, V^T W V (pixel, T, T) and the right side (pixel, T)."""
        weight, weighted_flux = np.empty(self.flux.shape), np.empty(self.flux.shape)
        weigh(self.flux, self.ivar, s2, weight, weighted_flux)
        if self.factors is not None:
            weighted_flux *= self.factors
        data, right = self._data_equations(weight, weighted_flux)
        normal, right = add_prior(self.prior, data, right)
        return weight, normal, data, right

    def objective(self, theta: FloatArray, s2: FloatArray, chi2: FloatArray) -> FloatArray:
        """Return F with the log weights and priors of theta and s2, and a given sum of w r^2."""
        weight, weighted = np.empty(self.flux.shape), np.empty(self.flux.shape)
        weigh(self.flux, self.ivar, s2, weight, weighted)
        logs = minus_log_weights(weight, self.moments.counts)
        result: FloatArray = 0.5 * (chi2 + logs) + self.prior.minus_log_density(theta, s2)
        return result

    def _factored(self, values: FloatArray) -> FloatArray:
        return values if self.factors is None else values * self.factors

    def fit(self, s2: FloatArray, *, objective: bool = False) -> ProfileFit:
        """Solve for theta at s^2 = s2 (pixel,); evaluate g, its slope and, if requested, the objective."""
        moments = self.moments
        weight, normal, data, right = self.normal_equations(s2)
        theta, normal, held = solve_coefficients(self.prior, normal, right)
        prediction = moments.mean @ theta.T
        spread = moments.spread(theta)
        w2r, sums = np.empty(self.flux.shape), np.empty((5, len(s2)))
        factors = np.empty((0, 0), dtype=np.float32) if self.factors is None else self.factors
        scatter_sums(self.flux, prediction, spread, weight, factors, moments.counts, w2r, sums)
        q = w2r.T @ moments.counted_mean
        if held.any():
            q = np.where(held, 0.0, q)
        along = -np.linalg.solve(normal, q[..., None])[..., 0]
        logs = minus_log_weights(weight, moments.counts) if objective else None
        squared = None
        if self.marginal:
            squared = unpack_symmetric(self._factored(weight * weight).T @ moments.counted_products, theta.shape[1])
        return ProfileSums(sums, logs, q, along, data, squared).profile(self.prior, s2, theta, normal, held)

    def residual_variance(self, theta: FloatArray) -> FloatArray:
        """Return the mean of the squared residuals of the live stars, shape (P,)."""
        prediction = self.moments.mean @ theta.T
        result: FloatArray = residual_variance(self.flux, prediction, self.ivar, self.moments.counts)
        return result

    def trial_gradient(self, theta: FloatArray, s2: FloatArray) -> FloatArray:
        """Return g at s2 (k, pixel) with theta held fixed."""
        prediction = self.moments.mean @ theta.T
        result: FloatArray = fixed_theta_gradient(self.flux, prediction, self.ivar, self.moments.counts, s2)
        return result
