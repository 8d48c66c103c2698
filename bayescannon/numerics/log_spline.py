"""Quintic splines of functions of ln wavelength: their derivatives, shifted and convolved with a Gaussian."""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline
from scipy.ndimage import median_filter

from bayescannon.numerics.typing import BoolArray, FloatArray

# a step in ln wavelength that is larger than this multiple of the steps around it is a gap
_GAP = 1.5
_NEIGHBOURS = 9
_DEGREE = 5
# fewer pixels do not determine a spline
_LEAST_PIXELS = _DEGREE + 1
# points of the Gauss-Hermite quadrature of a convolution
_POINTS = 5
# pixels by which a segment is continued at its ends
_PADDING = 8
# coefficients of 1, B, B^2, B^3 in 1 + (1 - B) + (1 - B)^2 + (1 - B)^3
_INVERSE = np.array([4.0, -6.0, 4.0, -1.0])


def contiguous_segments(wavelength: FloatArray, live: BoolArray) -> list[slice]:
    """
    Return the runs of live pixels without a gap of the grid between them.

    Parameters
    ----------
    wavelength : float array of shape (P,)
        Ascending.
    live : bool array of shape (P,)

    Returns
    -------
    segments : list of slice

    Examples
    --------
    >>> import numpy as np
    >>> grid = np.array([1.0, 1.01, 1.02, 1.03, 1.3, 1.31, 1.32, 1.33])
    >>> contiguous_segments(grid, np.arange(8) != 1)
    [slice(0, 1, None), slice(2, 4, None), slice(4, 8, None)]
    """
    step = np.diff(np.log(wavelength))
    gap = np.zeros(len(step), dtype=bool)
    if len(step):
        gap = step > _GAP * median_filter(step, size=min(_NEIGHBOURS, len(step)), mode="nearest")
    starts = np.flatnonzero(live & np.concatenate([[True], gap | ~live[:-1]]))
    ends = np.flatnonzero(live & np.concatenate([gap | ~live[1:], [True]]))
    return [slice(int(first), int(last) + 1) for first, last in zip(starts, ends, strict=True)]


@dataclass(frozen=True)
class LogSpline:
    r"""
    Columns y(x) on a grid, as quintic splines of x = ln lambda that end where the grid has a gap or a dead pixel.

    Lines of LAMOST have a standard deviation of about one pixel of the paper's grid. There the slope of a line is 32 %
    too small by differences of neighbouring pixels, 8 % by a cubic spline and 4 % by a quintic one, and the second
    derivative 20 % by a cubic and 3 % by a quintic one.

    Attributes
    ----------
    wavelength : float array of shape (P,)
    values : float array of shape (P, n)
        0 in dead pixels.
    splines : tuple of (slice, BSpline)
        Of the segments with at least six pixels.

    Examples
    --------
    >>> import numpy as np
    >>> grid = np.exp(np.linspace(8.5, 8.6, 50))
    >>> spline = LogSpline.of(grid, np.log(grid)[:, None] ** 2, np.ones(50, dtype=bool))
    >>> _, first, second = spline.at()
    >>> inside = slice(15, -15)
    >>> np.allclose(first[inside, 0], 2 * np.log(grid[inside]), rtol=1e-4), np.allclose(second[inside], 2.0, rtol=0.02)
    (True, True)
    >>> moved, _, _ = spline.at(shift=1e-3, variance=1e-6)
    >>> np.allclose(moved[inside, 0], (np.log(grid[inside]) - 1e-3) ** 2 + 1e-6)
    True
    """

    wavelength: FloatArray
    values: FloatArray
    splines: tuple[tuple[slice, BSpline], ...]

    @classmethod
    def of(cls, wavelength: FloatArray, values: FloatArray, live: BoolArray) -> "LogSpline":
        """Fit the splines to values (P, n) on an ascending grid (P,), of which `live` (P,) are used."""
        known = np.where(live[:, None], values, 0.0)
        x = np.log(wavelength)
        splines = [
            (part, _padded_spline(x[part], known[part]))
            for part in contiguous_segments(wavelength, live)
            if part.stop - part.start >= _LEAST_PIXELS
        ]
        return cls(wavelength, known, tuple(splines))

    @property
    def step(self) -> float:
        """The median step of the grid in ln lambda."""
        return float(np.median(np.diff(np.log(self.wavelength))))

    def at(
        self, *, shift: float = 0.0, variance: float = 0.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        r"""
        Return y, shifted to longer wavelengths and convolved with a Gaussian, and its first two derivatives by x.

        The convolution B is a Gauss-Hermite quadrature over shifts. Its inverse, for a negative variance, is
        1 + (1 - B) + (1 - B)^2 + (1 - B)^3 (van Cittert 1931, Z. Phys. 69, 298), which makes lines narrower and
        multiplies noise by 4 at most. Beyond its ends a segment has the values of its end pixels.

        Parameters
        ----------
        shift : float
            In ln lambda.
        variance : float
            Of the Gaussian, in ln lambda.

        Returns
        -------
        values, first, second : float arrays of shape (P, n)
            Without shift and variance the values are those of the grid; a pixel in a segment of fewer than six pixels
            keeps its value, and has derivatives of 0.
        """
        if variance < 0:
            powers = [self.at(shift=shift, variance=-k * variance) for k in range(len(_INVERSE))]
            values, first, second = (
                np.einsum("k,kpn->pn", _INVERSE, np.stack(parts)) for parts in zip(*powers, strict=True)
            )
            return values, first, second
        nodes, weights = hermegauss(_POINTS) if variance > 0 else (np.zeros(1), np.ones(1))
        weights = weights / weights.sum()
        x = np.log(self.wavelength)
        found = (self.values.astype(np.float64), np.zeros(self.values.shape), np.zeros(self.values.shape))
        for part, spline in self.splines:
            place = x[part][:, None] - shift - np.sqrt(variance) * nodes
            for order, target in enumerate(found):
                if order or shift or variance:
                    target[part] = np.einsum("pjn,j->pn", spline(place, order), weights)
        return found


def _padded_spline(x: FloatArray, values: FloatArray) -> BSpline:
    """Fit a spline to a segment that is continued at its ends by constants; its own end would have wild derivatives."""
    outside = np.arange(1, _PADDING + 1)
    before, after = x[0] - (x[1] - x[0]) * outside[::-1], x[-1] + (x[-1] - x[-2]) * outside
    padded = np.pad(values, ((_PADDING, _PADDING), (0, 0)), mode="edge")
    return make_interp_spline(np.concatenate([before, x, after]), padded, k=_DEGREE)
