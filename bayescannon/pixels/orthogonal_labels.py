r"""
Label vectors in a basis that is orthonormal over the reference stars, in single precision, tile by tile.

With V^T N V / sum(N) = L L^T, N the multiplicities, the rows of V' = V L^-T have unit second moments. Sums of products
of V' are known to a part in about 10^6 of their trace whatever the scales and correlations of the labels are, so that
single precision does for the products, and M = V^T W V = L (V'^T W V') L^T is then known in every direction.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.packing import changed_products, unpack_symmetric
from bayescannon.numerics.typing import FloatArray
from bayescannon.pixels.mixed_kernels import pack_tile

# products of more stars than these are made anew in every tile, not held: 121 MB for 21 terms
_HELD_STARS = 131_072
# stars of one sum in single precision: the arrays of a tile and a block of pixels stay in a core's cache
TILE = 256
# a sample of the stars is every so many, if it then has so many per term
_SAMPLE_STEP, _SAMPLE_PER_TERM = 8, 40
# a Gram matrix with a smaller reciprocal condition number, of a unit diagonal, is taken as singular
_MIN_RCOND = 1e-10


def least_stars(n_term: int) -> int:
    """Return the number of stars from which on a sample of them is worth while."""
    return 2 * _SAMPLE_PER_TERM * n_term


@dataclass(frozen=True)
class OrthogonalLabels:
    """
    The label vectors of N stars in the orthonormal basis.

    Attributes
    ----------
    root : float array of shape (T, T)
        L, lower triangular, with L_00 = 1.
    vectors : float32 array of shape (N, T)
        V'; the first column is 1.
    counts : float32 array of shape (N,)
        Multiplicities.
    """

    root: NDArray[np.float64]
    vectors: NDArray[np.float32]
    counts: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: FloatArray, counts: NDArray[np.float64]) -> "OrthogonalLabels | None":
        """Return the basis of label vectors (N, T) whose first term is 1, or None if they depend on each other."""
        n_term = vectors.shape[1]
        gram = np.zeros((n_term, n_term))
        for first in range(0, len(vectors), TILE):
            some = vectors[first : first + TILE]
            gram += some.T @ (some * counts[first : first + TILE, None])
        gram /= counts.sum()
        diagonal = np.sqrt(np.diagonal(gram))
        if not ((diagonal > 0).all() and (vectors[:, 0] == 1).all()):
            return None
        spectrum = np.linalg.eigvalsh(gram / np.outer(diagonal, diagonal))
        if spectrum[0] < _MIN_RCOND * spectrum[-1]:
            return None
        root = np.linalg.cholesky(gram)
        inverse = np.linalg.inv(root).T
        rotated = np.empty(vectors.shape, dtype=np.float32)
        for first in range(0, len(vectors), TILE):
            rotated[first : first + TILE] = vectors[first : first + TILE] @ inverse
        rotated[:, 0] = 1
        return cls(root, rotated, counts.astype(np.float32))

    def select(self, rows: NDArray[np.bool_] | slice) -> "OrthogonalLabels":
        """Return those of some of the stars, of a mask or a slice, in the same basis."""
        vectors, counts = (np.ascontiguousarray(values[rows]) for values in (self.vectors, self.counts))
        return OrthogonalLabels(self.root, vectors, counts)

    @cached_property
    def sample(self) -> "OrthogonalLabels":
        """Those of a sample of the stars, every `sample_step`-th, in the same basis."""
        return self.select(slice(None, None, self.sample_step))

    @property
    def sample_step(self) -> int:
        """Every which star is in the sample."""
        return max(min(len(self.vectors) // (_SAMPLE_PER_TERM * len(self.root)), _SAMPLE_STEP), 1)

    @cached_property
    def counted(self) -> NDArray[np.float32]:
        """V' times the multiplicities, shape (N, T)."""
        if self.once:
            return self.vectors
        result: NDArray[np.float32] = self.vectors * self.counts[:, None]
        return result

    @cached_property
    def _inverse(self) -> NDArray[np.float64]:
        inverse: NDArray[np.float64] = np.linalg.inv(self.root)
        return inverse

    @cached_property
    def once(self) -> bool:
        """Whether every star counts once."""
        return bool((self.counts == 1).all())

    @cached_property
    def _held(self) -> NDArray[np.float32] | None:
        if len(self.vectors) > _HELD_STARS:
            return None
        held = np.empty((len(self.vectors), self.n_products), dtype=np.float32)
        pack_tile(self.vectors, self.counted, held)
        return held

    @property
    def n_products(self) -> int:
        """T (T + 1) / 2."""
        size = len(self.root)
        return size * (size + 1) // 2

    def products(self, tile: slice) -> NDArray[np.float32]:
        """Return the products v'_k v'_l, k <= l, of the stars of a tile times the multiplicities."""
        if self._held is not None:
            return self._held[tile]
        found = np.empty((tile.stop - tile.start, self.n_products), dtype=np.float32)
        pack_tile(self.vectors[tile], self.counted[tile], found)
        return found

    def tiles(self) -> list[slice]:
        """Return the tiles of the stars, in order."""
        n_star = len(self.vectors)
        return [slice(first, min(first + TILE, n_star)) for first in range(0, n_star, TILE)]

    def turned_back(self, packed: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return L M' L^T of packed matrices M' (P, T (T + 1) / 2): shape (P, T, T)."""
        return changed_products(unpack_symmetric(packed, len(self.root)), self.root).astype(np.float64, copy=False)

    def excess(self, theta: FloatArray) -> NDArray[np.float32]:
        """Return the coefficients (P, T) of flux - 1 in this basis, shape (T, P), rounded."""
        less = theta.copy()
        less[:, 0] -= 1
        return np.ascontiguousarray((less @ self.root).T, dtype=np.float32)

    def theta(self, excess: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the coefficients (P, T) whose :meth:`excess` is exactly this (T, P)."""
        theta: NDArray[np.float64] = excess.astype(np.float64).T @ self._inverse
        theta[:, 0] += 1
        return theta
