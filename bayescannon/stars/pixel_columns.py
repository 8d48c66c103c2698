"""The coefficients of a model's pixels as the compression of stars multiplies them, and the kernel of its weights."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.packing import pack_products
from bayescannon.numerics.typing import FloatArray


@dataclass(frozen=True, eq=False)
class PixelColumns:
    """
    Coefficients and scatters of P pixels.

    Attributes
    ----------
    columns : float array of shape (P, T)
        theta, and the loadings of what else changes the spectra; 0 in dead pixels.
    s2 : float array of shape (P,)
        Squared scatters; 0 in dead pixels.
    live : float array of shape (P,)
        1 in live pixels and 0 in dead ones.
    """

    columns: FloatArray
    s2: NDArray[np.float64]
    live: NDArray[np.float64]

    @classmethod
    def of(cls, columns: FloatArray, scatter: FloatArray) -> "PixelColumns":
        """Take coefficients (pixel, T), and scatters (pixel,) that are inf in dead pixels."""
        live = np.isfinite(scatter)
        s2 = np.where(live, scatter, 0.0).astype(np.float64) ** 2
        return cls(np.where(live[:, None], columns, 0), s2, live.astype(np.float64))

    @cached_property
    def first(self) -> NDArray[np.float64]:
        """theta_0, the flux at the pivot, shape (P,)."""
        return np.ascontiguousarray(self.columns[:, 0], dtype=np.float64)

    @cached_property
    def single(self) -> tuple[FloatArray, FloatArray]:
        """Products of coefficients (P, T (T + 1) / 2), and coefficients (P, T), in single precision."""
        return self._factors(np.float32)

    @cached_property
    def double(self) -> tuple[FloatArray, FloatArray]:
        """The same in double precision."""
        return self._factors(np.float64)

    def _factors(self, kind: Any) -> tuple[FloatArray, FloatArray]:
        return pack_products(self.columns).astype(kind, copy=False), self.columns.astype(kind, copy=False)


@compiled(nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def weigh_all(flux, ivar, first, s2, live, out):  # type: ignore[no-untyped-def]
    """
    Fill weight and weighted offset (star, pixel), c (star,) and the number of live pixels (star,) of stars.

    w = 1 / (s^2 + sigma^2), the offset is the flux less `first`, and c the sum of w offset^2.
    """
    weight, weighted, c, n_live = out
    for n in range(flux.shape[0]):
        total, count = 0.0, 0.0
        for p in range(flux.shape[1]):
            w = live[p] * ivar[n, p] / (1.0 + s2[p] * ivar[n, p])
            offset = flux[n, p] - first[p]
            weight[n, p] = w
            weighted[n, p] = w * offset
            total += w * offset * offset
            count += 1.0 if w > 0.0 else 0.0
        c[n] = total
        n_live[n] = int(count)


@compiled(nogil=True, error_model="numpy")
def need_double(packed, c, n_live, sizes, limits, result):  # type: ignore[no-untyped-def]
    """
    Tell which stars (N,) need products in double precision; A is packed as upper triangles (N, T (T + 1) / 2).

    `sizes` are the number of labels, of terms of the label vector and of all columns, `limits` the largest ratio of c
    and of the least pivot, the least pivot and the least number of pixels per column. A pivot is the share of a label's
    information that the other labels and the hidden columns leave, as they are eliminated by turns.
    """
    n_label, n_term, n_column = sizes
    most_ratio, least_pivot, least_pixels = limits
    n_hidden = n_column - n_term
    size = n_hidden + n_label
    place = np.empty(size, dtype=np.int64)
    for m in range(n_hidden):
        place[m] = n_term + m
    for m in range(n_label):
        place[n_hidden + m] = 1 + m
    matrix, diagonal = np.empty((size, size)), np.empty(size)
    for n in range(len(c)):
        result[n] = True
        if n_live[n] < least_pixels * n_column:
            continue
        for m in range(size):
            for q in range(m + 1):
                low, high = min(place[m], place[q]), max(place[m], place[q])
                matrix[m, q] = packed[n, low * n_column - (low * (low - 1)) // 2 + high - low]
            if m < n_hidden:
                matrix[m, m] += 1.0
            diagonal[m] = matrix[m, m]
        least = 1.0
        for m in range(size):
            for q in range(m + 1):
                value = matrix[m, q]
                for r in range(q):
                    value -= matrix[m, r] * matrix[q, r]
                if q < m:
                    matrix[m, q] = value / matrix[q, q]
                elif value > least_pivot * diagonal[m]:
                    least = min(least, value / diagonal[m])
                    matrix[m, m] = np.sqrt(value)
                else:
                    least = 0.0
                    matrix[m, m] = np.inf
        # not a number counts as needed
        result[n] = not (least > 0.0 and c[n] < most_ratio * least)
