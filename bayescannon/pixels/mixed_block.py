"""
A block of pixels with products in single precision: the same profile as :class:`bayescannon.pixels.block.PixelBlock`.

Sums over a tile of stars are products of matrices in single precision; the tiles are summed in double, and so are the
normal equations solved. Two things keep the optimum where double precision has it, to less than 10^-3 of a formal
error: the label vectors are orthonormal (:mod:`bayescannon.pixels.orthogonal_labels`), and the residuals are those of
coefficients that single precision holds exactly, from which one step of iterative refinement leads to the optimum. Only
data that are in single precision themselves are fitted this way.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.spectra import LARGEST_IVAR
from bayescannon.numerics.packing import unpack_symmetric
from bayescannon.numerics.small_inverse import invert_positive
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.block import add_prior
from bayescannon.pixels.mixed_kernels import (
    log_variance_tile,
    look_at_tile,
    residual_tile,
    squared_residuals_tile,
    trial_gradient_tile,
    weigh_tile,
)
from bayescannon.pixels.orthogonal_labels import OrthogonalLabels
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.profile import ProfileFit, ProfileSums

# in units of the number of stars; and the least number of stars that show it
_LEAST_EIGENVALUE, _STARS_PER_TERM = 0.01, 4
# elements of flux that are copied at once, and not in each pass tile by tile
_HELD = 1 << 23
_NONE = np.empty((0, 0), dtype=np.float32)


@dataclass(frozen=True)
class MixedBlock:
    """
    The data of P pixels of a block.

    Attributes
    ----------
    labels : OrthogonalLabels
        Of N stars.
    flux, ivar : float32 arrays of shape (N, block)
        Of any memory order; mapped files are read tile by tile.
    scale : float32 array of shape (P,)
        1 / kappa^2.
    prior : PixelPrior
        Gaussian, of the P pixels.
    marginal : bool
        Integrate theta out of the likelihood of s.
    logs : float array of shape (P,)
        Sum of -ln(scale ivar) of the live stars.
    factors : float32 array of shape (N, block) or None
        u; 1 unless given.
    columns : int array of shape (P,) or None
        Which columns of flux and ivar the pixels are; None is all of them.
    """

    labels: OrthogonalLabels
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    scale: NDArray[np.float32]
    prior: PixelPrior
    marginal: bool
    logs: NDArray[np.float64]
    factors: NDArray[np.float32] | None = None
    columns: NDArray[np.intp] | None = None

    @property
    def n_pixel(self) -> int:
        """Number of pixels."""
        return len(self.scale)

    def select(self, index: NDArray[np.intp]) -> "MixedBlock":
        """Return the block of some of the pixels."""
        if len(index) == self.n_pixel:
            return self
        if self.columns is None and self.flux.size <= _HELD:
            factors = None if self.factors is None else np.take(self.factors, index, axis=1)
            return replace(
                self, flux=np.take(self.flux, index, axis=1), ivar=np.take(self.ivar, index, axis=1), factors=factors,
                scale=self.scale[index], prior=self.prior.select(index), logs=self.logs[index],
            )  # fmt: skip
        columns = index if self.columns is None else self.columns[index]
        return replace(
            self, scale=self.scale[index], prior=self.prior.select(index), logs=self.logs[index], columns=columns
        )

    def sample(self) -> "MixedBlock":
        """Return the block of a sample of the stars."""
        step = self.labels.sample_step
        factors = None if self.factors is None else np.ascontiguousarray(self.factors[::step])
        flux, ivar = np.ascontiguousarray(self.flux[::step]), np.ascontiguousarray(self.ivar[::step])
        return replace(self, labels=self.labels.sample, flux=flux, ivar=ivar, factors=factors)

    def held(self) -> "MixedBlock":
        """Return the block with contiguous arrays, if they are small."""
        if self.flux.size > _HELD:
            return self
        factors = None if self.factors is None else np.ascontiguousarray(self.factors)
        return replace(
            self, flux=np.ascontiguousarray(self.flux), ivar=np.ascontiguousarray(self.ivar), factors=factors
        )

    def _tile(self, data: NDArray[np.float32], tile: slice) -> NDArray[np.float32]:
        rows = data[tile]
        return np.ascontiguousarray(rows if self.columns is None else rows[:, self.columns])

    def _factors(self, tile: slice) -> NDArray[np.float32]:
        return _NONE if self.factors is None else self._tile(self.factors, tile)

    def equations(self, s2: NDArray[np.float32]) -> tuple[FloatArray, FloatArray]:
        """Return V^T W V and V^T W (f - 1)."""
        labels, n_term = self.labels, len(self.labels.root)
        data, right = np.zeros((self.n_pixel, labels.n_products)), np.zeros((self.n_pixel, n_term))
        noise = np.stack([self.scale, s2])
        for tile in labels.tiles():
            flux = self._tile(self.flux, tile)
            weight, weighted = np.empty_like(flux), np.empty_like(flux)
            weigh_tile(flux, self._tile(self.ivar, tile), noise, self._factors(tile), weight, weighted)
            data += weight.T @ labels.products(tile)
            right += weighted.T @ labels.counted[tile]
        return labels.turned_back(data), right @ labels.root.T

    def fit(self, s2: FloatArray, *, objective: bool = False) -> ProfileFit:
        """Solve for theta at s^2 = s2 (pixel,), rounded; evaluate g, its slope and, if requested, the objective."""
        labels, single = self.labels, s2.astype(np.float32)
        s2 = single.astype(np.float64)
        data, right = self.equations(single)
        normal, right = add_prior(self.prior, data, right + data[:, :, 0])
        inverse = invert_positive(normal)
        held = self.prior.censored
        excess = labels.excess(np.einsum("pij,pj->pi", inverse, right))
        sums, logs, pull, q, squared = self._residuals(single, excess, objective=objective)
        # one step of refinement, from coefficients that are what the residuals are of
        theta = labels.theta(excess)
        precision = np.where(held, 0.0, self.prior.precision)
        pull = np.where(held, 0.0, pull - precision * (theta - np.where(held, 0.0, self.prior.mean)))
        theta = np.where(held, 0.0, theta + np.einsum("pij,pj->pi", inverse, pull))
        q = np.where(held, 0.0, q)
        along = -np.einsum("pij,pj->pi", inverse, q)
        return ProfileSums(sums, logs, q, along, data, squared).profile(self.prior, s2, theta, normal, held)

    def _residuals(
        self, s2: NDArray[np.float32], excess: NDArray[np.float32], *, objective: bool
    ) -> tuple[FloatArray, FloatArray | None, FloatArray, FloatArray, FloatArray | None]:
        """Return the sums of :func:`residual_tile`, -ln w, V^T W r, V^T W^2 r and, where needed, V^T W^2 V."""
        labels, n_term, n_pixel = self.labels, len(self.labels.root), self.n_pixel
        sums, logs = np.zeros((5, n_pixel)), self.logs.copy()
        pull, q = np.zeros((n_pixel, n_term)), np.zeros((n_pixel, n_term))
        squares, noise = np.zeros((n_pixel, labels.n_products)), np.stack([self.scale, s2])
        for tile in labels.tiles():
            flux, ivar = self._tile(self.flux, tile), self._tile(self.ivar, tile)
            counts, filled = labels.counts[tile], np.empty((3 if self.marginal else 2, *flux.shape), dtype=np.float32)
            predicted = labels.vectors[tile] @ excess
            residual_tile(flux, predicted, ivar, noise, self._factors(tile), counts, filled, sums)
            pull += filled[0].T @ labels.counted[tile]
            q += filled[1].T @ labels.counted[tile]
            if self.marginal:
                squares += filled[2].T @ labels.products(tile)
            if objective:
                log_variance_tile(ivar, self.scale, s2, counts, logs)
        turned = labels.turned_back(squares) if self.marginal else None
        root = labels.root.T
        return sums, logs if objective else None, pull @ root, q @ root, turned

    def residual_variance(self, theta: FloatArray) -> FloatArray:
        """Return the mean of the squared residuals of the live stars, shape (P,)."""
        excess, total = self.labels.excess(theta), np.zeros((2, self.n_pixel))
        for tile in self.labels.tiles():
            squared_residuals_tile(
                self._tile(self.flux, tile), self.labels.vectors[tile] @ excess, self._tile(self.ivar, tile),
                self.labels.counts[tile], total,
            )  # fmt: skip
        result: FloatArray = total[0] / total[1]
        return result

    def trial_gradient(self, theta: FloatArray, s2: FloatArray) -> FloatArray:
        """Return g at s2 (k, pixel) with theta held fixed."""
        return self.trial_errors(theta, s2)[0]

    def trial_errors(self, theta: FloatArray, s2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return g at s2 (k, pixel) with theta held fixed, and the standard error of each as a sum over the stars."""
        excess, total, single = self.labels.excess(theta), np.zeros((2, *s2.shape)), s2.astype(np.float32)
        for tile in self.labels.tiles():
            trial_gradient_tile(
                self._tile(self.flux, tile), self.labels.vectors[tile] @ excess, self._tile(self.ivar, tile),
                self.scale, self.labels.counts[tile], single, total,
            )  # fmt: skip
        return total[0], np.sqrt(total[1])

    def look(self) -> tuple[NDArray[np.int64], NDArray[np.float64], bool]:
        """Return the number of live stars of each pixel, `logs`, and whether flux and ivar are finite and in bounds."""
        n_pixel = self.n_pixel
        count, logs, extremes = np.zeros(n_pixel), np.zeros(n_pixel), np.zeros((3, n_pixel), dtype=np.float32)
        for tile in self.labels.tiles():
            flux, ivar = self._tile(self.flux, tile), self._tile(self.ivar, tile)
            look_at_tile(flux, ivar, self.labels.counts[tile], count, logs, extremes)
        sound = bool((extremes[0] >= 0).all() and (extremes[1] <= LARGEST_IVAR).all() and (extremes[2] == 0).all())
        return np.rint(count).astype(np.int64), logs - count * np.log(self.scale), sound

    def surely_regular(self) -> NDArray[np.bool_]:
        """
        Return for which pixels the live stars surely determine all terms, and single precision their products.

        More stars only add to V^T V; of orthonormal labels the eigenvalues are near the number of stars.
        """
        labels = self.labels
        data, count = np.zeros((self.n_pixel, labels.n_products)), np.zeros(self.n_pixel)
        for tile in labels.tiles():
            live = (self._tile(self.ivar, tile) > 0).astype(np.float32)
            data += live.T @ labels.products(tile)
            count += live.T @ labels.counts[tile]
        size = len(labels.root)
        least = _LEAST_EIGENVALUE * np.maximum(count, 1.0)
        shifted = unpack_symmetric(data, size) - least[:, None, None] * np.eye(size)
        enough = count >= _STARS_PER_TERM * size
        try:
            np.linalg.cholesky(shifted)
        except np.linalg.LinAlgError:
            return enough & (np.linalg.eigvalsh(shifted)[:, 0] > 0)
        return enough
