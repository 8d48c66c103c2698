"""What errors depend on: S/N and the position in label space, as columns of linear models."""

from dataclasses import dataclass

import numpy as np

from bayescannon.numerics.tiles import star_product
from bayescannon.numerics.typing import FloatArray

# the correlation length, in standard deviations of the reference stars along an axis, and the nodes per axis
LENGTH = 1.0
NODES_PER_AXIS = 6
# relative to the largest eigenvalue of the nodes' covariance; smaller ones are left out
_LEAST_EIGENVALUE = 1e-6


@dataclass(frozen=True, eq=False)
class SmoothPlace:
    r"""
    The columns B(z) of which a smooth function is b . B(z), with b ~ Normal(0, tau^2) for every column.

    .. math::
        B(z) = k(z, u)\, k(u, u)^{-1/2}, \qquad k(z, z') = e^{-|z - z'|^2 / 2 \ell^2}

    Its prior is that of a Gaussian process of variance tau^2, as far as the nodes u resolve it (projected process;
    Quinonero-Candela & Rasmussen 2005, J. Mach. Learn. Res. 6, 1939). It is 0 far from all nodes, so nothing is
    extrapolated.

    Attributes
    ----------
    nodes : float array of shape (M, P)
        u; M is 0 without axes.
    length : float

    Examples
    --------
    >>> import numpy as np
    >>> smooth = SmoothPlace.of(np.linspace(-2, 2, 50)[:, None])
    >>> columns = smooth.columns(np.array([[0.0], [90.0]]))
    >>> columns.shape, bool((columns[0] ** 2).sum() > 0.99), bool((columns[1] == 0).all())
    ((2, 6), True, True)
    """

    nodes: FloatArray
    length: float = LENGTH

    @classmethod
    def of(cls, place: FloatArray) -> "SmoothPlace":
        """Take nodes among the positions (N, P) of stars: each the farthest from those before, the first at an end."""
        n_axes = place.shape[1]
        if n_axes == 0:
            return cls(np.zeros((0, 0)))
        chosen = [int(np.argmin(place[:, 0]))]
        distance = np.full(len(place), np.inf)
        for _ in range(min(NODES_PER_AXIS * n_axes, len(place)) - 1):
            distance = np.minimum(distance, ((place - place[chosen[-1]]) ** 2).sum(axis=1))
            if distance.max() == 0:
                break
            chosen.append(int(np.argmax(distance)))
        return cls(place[chosen])

    def columns(self, place: FloatArray) -> FloatArray:
        """Return B, shape (N, M), of positions (N, P)."""
        if len(self.nodes) == 0:
            return np.zeros((len(place), 0))
        value, vector = np.linalg.eigh(self._kernel(self.nodes))
        inverse = np.where(value > _LEAST_EIGENVALUE * value[-1], np.maximum(value, 1e-300) ** -0.5, 0.0)
        return star_product(self._kernel(place), (vector * inverse) @ vector.T)

    def _kernel(self, place: FloatArray) -> FloatArray:
        """Return k(z, u), shape (N, M)."""
        square = ((place[:, None, :] - self.nodes) ** 2).sum(axis=2)
        result: FloatArray = np.exp(-square / (2 * self.length**2))
        return result


@dataclass(frozen=True, eq=False)
class ErrorFrame:
    r"""
    S/N and position of stars in units of the reference stars; both are clamped to the range of those.

    Attributes
    ----------
    label_range : float array of shape (K, 2)
        Lowest and highest value of the scaled labels x.
    axes : float array of shape (K, P)
        W of the position z = W^T (x - c), of unit variance; P may be 0.
    centre : float array of shape (K,)
        c.
    snr_range : float array of shape (2,)
        Lowest and highest logarithm of S/N.
    snr_centre, snr_width : float
        Mean and standard deviation of the logarithm.
    nodes : float array of shape (M, at most P), optional
        Of the smooth functions of the first axes of z; without them there are none.
    """

    label_range: FloatArray
    axes: FloatArray
    centre: FloatArray
    snr_range: FloatArray
    snr_centre: float
    snr_width: float
    nodes: FloatArray | None = None

    def place(self, scaled: FloatArray) -> FloatArray:
        """Return z, shape (N, P)."""
        inside = np.clip(scaled, self.label_range[:, 0], self.label_range[:, 1])
        return star_product(inside - self.centre, self.axes)

    def level(self, snr: FloatArray) -> FloatArray:
        """Return L, shape (N,): the standardised logarithm of S/N; 0 where that is unknown."""
        log_snr = np.log(np.maximum(snr, np.finfo(float).tiny))
        level = (np.clip(log_snr, *self.snr_range) - self.snr_centre) / self.snr_width
        result: FloatArray = np.where(np.isnan(level), 0.0, level)
        return result

    def features(self, scaled: FloatArray, snr: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Return the columns that the location and the scale are linear in.

        Returns
        -------
        vector : float array of shape (N, 2 + P + M + 2 P)
            (1, L, z, B, L z, (L^2 - 1) z): without nodes only (1, L, z).
        features : float array of shape (N, 3 + P + M)
            (1, L, L^2 - 1, z, B).
        """
        place, level = self.place(scaled), self.level(snr)[:, None]
        one, square = np.ones_like(level), level**2 - 1
        if self.nodes is None:
            return np.hstack([one, level, place]), np.hstack([one, level, square, place])
        smooth = SmoothPlace(self.nodes).columns(place[:, : self.nodes.shape[1]])
        vector = np.hstack([one, level, place, smooth, level * place, square * place])
        return vector, np.hstack([one, level, square, place, smooth])

    @property
    def n_changing(self) -> int:
        """The number of columns of the location, at the end, by which it changes with both S/N and place."""
        return 0 if self.nodes is None else 2 * self.axes.shape[1]
