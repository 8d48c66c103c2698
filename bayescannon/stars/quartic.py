r"""
The likelihood of a star as an exact quartic in its labels, from which labels, errors and posteriors are computed.

With fixed coefficients and scatters, the weights w_p = 1 / (s_p^2 + sigma_p^2) of a star do not depend on its
labels, so its chi2 (Ho et al. 2017, section 4) needs the pixels only once. With theta_0 (the model at the pivot)
subtracted from the flux, which avoids cancellation, and u(l) = v(l) without its constant 1 (u_0 = 0),

    chi2(l) = c - 2 b . u(l) + u(l)^T A u(l),
    A = sum_p w_p theta_p theta_p^T,   b = sum_p w_p theta_p (f_p - theta_p0),   c = sum_p w_p (f_p - theta_p0)^2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.models.label_vector import n_terms, term_pairs
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.packing import unpack_symmetric
from bayescannon.numerics.tile_size import STAR_TILE
from bayescannon.numerics.tiles import filled_tile, join_tiles, map_tiles
from bayescannon.numerics.typing import FloatArray
from bayescannon.stars.newton_kernels import minimise_flat
from bayescannon.stars.pixel_columns import PixelColumns, need_double, weigh_all
from bayescannon.stars.quartic_kernels import evaluate_all, minimise_all
from bayescannon.stars.symmetric import symmetric_places

# pixels whose products are summed in single precision
_CHUNK = 256
# of products in single precision: the largest ratio of c and the least pivot, the least pivot, the least number of
# pixels per column; see :func:`bayescannon.stars.pixel_columns.need_double`
_LIMITS = (1e6, 1e-4, 10.0)


@dataclass(frozen=True)
class Quartic:
    """
    The likelihoods of N stars.

    Attributes
    ----------
    a : float array of shape (N, T, T)
    b : float array of shape (N, T)
    c : float array of shape (N,)
    n_live : int array of shape (N,)
        Number of pixels with positive weight.
    """

    a: FloatArray
    b: FloatArray
    c: FloatArray
    n_live: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.c)

    @property
    def arrays(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """A, b and c, the arguments of the compiled kernels."""
        return self.a, self.b, self.c

    def select(self, index: Any) -> "Quartic":
        """Return the likelihoods of some of the stars: a slice, a mask or an index array."""
        return Quartic(self.a[index], self.b[index], self.c[index], self.n_live[index])

    def rescaled(self, change: FloatArray) -> "Quartic":
        """
        Return the likelihoods as quartics of other scaled labels.

        Parameters
        ----------
        change : float array of shape (T, T)
            M with v(own labels) = M v(other labels), from :func:`bayescannon.pixels.label_moments.vector_map`.
        """
        # u lacks the constant of v: so does M u, and what M makes of the constant goes into c and b
        rest = change.copy()
        rest[0] = 0.0
        a = rest.T @ self.a @ rest
        b = self.b @ rest
        c = self.c - 2 * b[:, 0] + a[:, 0, 0]
        b = b - a[:, 0]
        return Quartic(a, b, c, self.n_live)

    def tempered(self, power: FloatArray) -> "Quartic":
        """Return the likelihoods raised to powers of shape (N,)."""
        return Quartic(self.a * power[:, None, None], self.b * power[:, None], self.c * power, self.n_live)


def compress(
    theta: FloatArray,
    scatter: FloatArray,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    single: bool = False,
    workers: int | None = None,
) -> Quartic:
    """
    Compress the pixels of N stars to A, b, c, by matrix products over tiles of stars.

    Parameters
    ----------
    theta : float array of shape (pixel, T)
    scatter : float array of shape (pixel,)
        inf gives a pixel no weight.
    flux, ivar : float arrays of shape (star, pixel)
    single : bool
        Multiply in single precision, in about half the time: for rounds that only need A and b to a part in 10^5.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    quartic : Quartic
    """
    return compress_pixels(PixelColumns.of(theta, scatter), flux, ivar, n_label=0 if single else None, workers=workers)


def compress_pixels(
    columns: PixelColumns,
    flux: FloatArray,
    ivar: FloatArray,
    *,
    n_label: int | None = None,
    workers: int | None = None,
) -> Quartic:
    """
    Compress the pixels of N stars, as :func:`compress` does, with what it needs of the model made before.

    Parameters
    ----------
    columns : PixelColumns
    flux, ivar : float arrays of shape (star, pixel)
    n_label : int, optional
        K: the products are in single precision, and anew in double precision for the stars whose labels that could
        move by a thousandth of their formal errors. Columns after the label vector are of hidden components with a
        variance of 1. With 0 no star is done anew; by default all products are in double precision.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    quartic : Quartic
    """
    size = columns.columns.shape[1]
    sizes = None if not n_label else (n_label, n_terms(n_label), size)

    def one(part: slice) -> Quartic:
        n_star = part.stop - part.start
        pixels = filled_tile(flux[part]), filled_tile(ivar[part])
        c, n_live = np.empty(STAR_TILE), np.empty(STAR_TILE, dtype=np.int64)
        kind: Any = np.float64 if n_label is None else np.float32
        a, b = _products(columns, pixels, kind, (c, n_live))
        if sizes is not None:
            again = np.empty(n_star, dtype=np.bool_)
            need_double(a[:n_star], c[:n_star], n_live[:n_star], sizes, _LIMITS, again)
            if again.any():
                # in the same places of the tile
                better = _products(columns, pixels, np.float64, (c, n_live))
                rows = np.flatnonzero(again)
                a[rows], b[rows] = better[0][rows], better[1][rows]
        return Quartic(unpack_symmetric(a[:n_star], size), b[:n_star], c[:n_star], n_live[:n_star])

    # without stars one empty tile gives arrays of the right shapes
    quartic: Quartic = join_tiles(map_tiles(one, len(flux), workers) or [one(slice(0, 0))])
    return quartic


def _products(
    columns: PixelColumns, pixels: tuple[FloatArray, FloatArray], kind: Any, out: tuple[Any, Any]
) -> tuple[FloatArray, FloatArray]:
    """Return A, packed, and b of a tile of stars, summed in double precision; fill c and the numbers of live pixels."""
    weight, weighted = np.empty((2, *pixels[0].shape), dtype=kind)
    weigh_all(*pixels, columns.first, columns.s2, columns.live, (weight, weighted, *out))
    factors = columns.double if kind == np.float64 else columns.single
    if kind == np.float64:
        return weight @ factors[0], weighted @ factors[1]
    sums = []
    for left, right in ((weight, factors[0]), (weighted, factors[1])):
        total = np.zeros((len(left), right.shape[1]))
        for first in range(0, len(right), _CHUNK):
            total += left[:, first : first + _CHUNK] @ right[first : first + _CHUNK]
        sums.append(total)
    return sums[0], sums[1]


def pseudo_observations(quartic: Quartic) -> tuple[FloatArray, FloatArray]:
    """
    Return R and y with chi2(l) = constant + |y - R v(l)|^2: T observations y_k ~ Normal((R v(l))_k, 1) per star.

    R = D^(1/2) Q^T from the eigenvectors Q and eigenvalues D of A; if A is singular, some rows of R are zero.

    Returns
    -------
    root : float array of shape (N, T, T)
    y : float array of shape (N, T)
    """
    values, vectors = np.linalg.eigh(quartic.a)
    live = values > values[:, -1:] * 1e-14
    root_values = np.sqrt(np.where(live, values, 0.0))
    root = root_values[:, :, None] * vectors.transpose(0, 2, 1)
    inverse = np.where(live, 1 / np.where(live, root_values, 1.0), 0.0)
    y = inverse * np.einsum("ntk,nt->nk", vectors, quartic.b)
    # b refers to f - theta_0, so y gets the constant term of v(l) back
    return root, y + root[:, :, 0]


@dataclass(frozen=True)
class Optima:
    """
    The optimum reached from every start of every star.

    Attributes
    ----------
    labels : float array of shape (N, start, K)
        Scaled labels.
    chi2 : float array of shape (N, start)
        chi2, or chi2 - 2 ln p with a prior p; inf, with labels of NaN, where a star has no such start.
    converged : bool array of shape (N, start)
    iterations : int array of shape (N, start)
    n_given : int
        How many starts were given; those after them are of further searches (:mod:`bayescannon.stars.modes`).
    """

    labels: NDArray[np.float64]
    chi2: NDArray[np.float64]
    converged: NDArray[np.bool_]
    iterations: NDArray[np.int64]
    n_given: int

    @classmethod
    def empty(cls, n_star: int, n_start: int, n_label: int) -> "Optima":
        """Return optima of stars without starts, to be filled."""
        return cls(
            np.full((n_star, n_start, n_label), np.nan),
            np.full((n_star, n_start), np.inf),
            np.zeros((n_star, n_start), dtype=bool),
            np.zeros((n_star, n_start), dtype=np.int64),
            n_start,
        )

    @classmethod
    def join(cls, parts: "Sequence[Optima]") -> "Optima":
        """Put optima of the same stars side by side; the starts of the first part are those that were given."""
        labels, chi2, converged, iterations = (
            np.concatenate([part.arrays[k] for part in parts], axis=1) for k in range(4)
        )
        return cls(labels, chi2, converged, iterations, parts[0].n_given)

    @property
    def arrays(self) -> tuple[Any, ...]:
        """Labels, chi2, converged and iterations, the outputs of the compiled kernel."""
        return self.labels, self.chi2, self.converged, self.iterations

    def select(self, index: Any) -> "Optima":
        """Return those of some of the stars: a slice, a mask or an index array."""
        labels, chi2, converged, iterations = (values[index] for values in self.arrays)
        return Optima(labels, chi2, converged, iterations, self.n_given)

    def put(self, index: NDArray[np.intp], other: "Optima") -> None:
        """Replace those of some of the stars."""
        for own, values in zip(self.arrays, other.arrays, strict=True):
            own[index] = values


def minimise(
    quartic: Quartic, starts: FloatArray, *, density: LabelDensity | None = None, workers: int | None = None
) -> Optima:
    """
    Minimise each star's chi2, or chi2 - 2 ln p with a prior p, from every start.

    Parameters
    ----------
    quartic : Quartic
    starts : float array of shape (start, K) or (star, start, K)
        Scaled labels, the same for all stars or different for each star. A start of NaN is left out.
    density : LabelDensity, optional
        The prior; by default flat.
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    optima : Optima
    """
    n_star, (n_start, n_label) = len(quartic), starts.shape[-2:]
    starts = np.array(np.broadcast_to(starts, (n_star, n_start, n_label)), dtype=np.float64)
    pairs, places = term_pairs(n_label), symmetric_places(n_label)
    prior = density or LabelDensity.flat(n_label)
    result = Optima.empty(n_star, n_start, n_label)

    def one(part: slice) -> None:
        out = tuple(values[part] for values in result.arrays)
        own = quartic.select(part).arrays
        if prior.is_flat:
            minimise_flat(own, pairs, places, starts[part], out)
        else:
            minimise_all(own, pairs, prior.arrays, starts[part], out)

    map_tiles(one, n_star, workers)
    return result


@dataclass(frozen=True)
class Derivatives:
    """
    chi2 of N stars, or chi2 - 2 ln p with a prior p, at given labels, and its derivatives by the scaled labels.

    Attributes
    ----------
    chi2 : float array of shape (N,)
    gradient : float array of shape (N, K)
    gauss_newton : float array of shape (N, K, K)
        2 J^T W J, the Hessian without the second derivatives of the model and without negative curvature of the prior.
    hessian : float array of shape (N, K, K)
    """

    chi2: NDArray[np.float64]
    gradient: NDArray[np.float64]
    gauss_newton: NDArray[np.float64]
    hessian: NDArray[np.float64]


def chi2_derivatives(
    quartic: Quartic, scaled: FloatArray, *, density: LabelDensity | None = None, workers: int | None = 1
) -> Derivatives:
    """
    Evaluate chi2 of each star, or chi2 - 2 ln p, and its derivatives at scaled labels of shape (N, K).

    It takes so many threads; None takes every core.

    Raises
    ------
    InputError
        The number of stars or labels does not match `quartic`.
    """
    n_star, n_label = scaled.shape
    i, j = term_pairs(n_label)
    if n_star != len(quartic) or quartic.b.shape[1] != 1 + n_label + len(i):
        raise InputError(
            f"labels must have one row for each of {len(quartic)} stars, and {quartic.b.shape[1]} terms; got shape "
            f"{scaled.shape}, which has {1 + n_label + len(i)} terms"
        )
    chi2, gradient = np.empty(n_star), np.empty((n_star, n_label))
    gauss, hessian = (np.empty((n_star, n_label, n_label)) for _ in range(2))
    x = np.ascontiguousarray(scaled, dtype=np.float64)
    prior = (density or LabelDensity.flat(n_label)).arrays

    def one(part: slice) -> None:
        own = (gradient[part], gauss[part], hessian[part])
        evaluate_all(quartic.select(part).arrays, (i, j), prior, x[part], chi2[part], own)

    map_tiles(one, n_star, workers)
    return Derivatives(chi2, 2 * gradient, 2 * gauss, 2 * hessian)
