"""Wavelength grids: check one, compare two, find the gaps in one."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from bayescannon.data.convert import numbers
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import BoolArray, FloatArray

# no stellar spectrum begins below this [Angstrom]: smaller plain numbers are taken to be in another unit
SHORTEST_WAVELENGTH = 900.0
# log10 of wavelengths of stellar spectra in Angstrom
_LOG_RANGE = (2.95, 4.5)
# neighbours farther apart than this many pixel steps have a gap between them
GAP_STEPS = 5.0
# the pixel step around a pixel is the median over this many
_NEAR = 11


class GridError(InputError):
    """Spectra and model are on different wavelength grids."""


def scale_fault(values: FloatArray, name: str = "wavelength") -> str:
    """Say why wavelengths, shape (pixel,), cannot be in Angstrom; empty if they can."""
    low, high = values.min(), values.max()
    if low >= SHORTEST_WAVELENGTH:
        return ""
    unit = "nm" if high > 100 else "micron"
    if _LOG_RANGE[0] < low and high < _LOG_RANGE[1]:
        return (
            f"{name} must be in Angstrom; got {low:g} to {high:g}, which look like logarithms. Give 10**{name}, or "
            "call it loglam in a file of arrays"
        )
    return (
        f"{name} must be in Angstrom, where no stellar spectrum begins below {SHORTEST_WAVELENGTH:g} A; got {low:g} to "
        f"{high:g}. Give {name} with its unit, for instance {name} * astropy.units.{unit}"
    )


def wavelengths(
    given: Any, name: str = "wavelength", *, error: type[InputError] = InputError, any_scale: bool = False
) -> NDArray[np.float64]:
    """
    Return wavelengths as float64 in Angstrom, shape (pixel,); they may still be descending.

    Parameters
    ----------
    given : array-like
        Plain numbers in Angstrom, or a Quantity in a unit of length.
    name : str
        What they are, for messages.
    error : exception class
        Raised for values that cannot be wavelengths.
    any_scale : bool
        Accept numbers too small for Angstrom; see :func:`scale_fault`.

    Raises
    ------
    InputError
        Or its subclass `error`: not one-dimensional, masked, not finite, not sorted, or numbers too small for Angstrom.
    """
    values, mask = numbers(given, name, unit="Angstrom", remedy=f"give {name} in a unit of length")
    if values.ndim != 1 or len(values) == 0:
        raise error(f"{name} must have shape (pixel,), one grid for all; got shape {values.shape}")
    if mask is not None:
        raise error(
            f"{name} must be known in every pixel; it is masked in {int(mask.sum())} pixels. Set ivar = 0 in bad "
            "pixels instead"
        )
    if not np.isfinite(values).all():
        raise error(f"{name} must be finite; it is not in {int((~np.isfinite(values)).sum())} of {len(values)} pixels")
    steps = np.diff(values)
    if not ((steps > 0).all() or (steps < 0).all()):
        begin = ", ".join(f"{value:g}" for value in values[:3])
        raise error(
            f"{name} must be strictly ascending; got values that go up and down or repeat, beginning with {begin}. "
            "Sort the pixels, and check that wavelength and flux are not swapped"
        )
    fault = "" if any_scale else scale_fault(values, name)
    if fault:
        raise error(fault)
    return values.astype(np.float64, copy=False)


def require_same_grid(wavelength: FloatArray, expected: FloatArray, *, got_from: str, want_from: str) -> None:
    """
    Raise an error unless two wavelength grids, both of shape (pixel,), agree to a relative 1e-6.

    Raises
    ------
    GridError
        The grids differ; the message names both.
    """
    if len(wavelength) == len(expected) and np.allclose(wavelength, expected, rtol=1e-6, atol=0):
        return
    raise GridError(
        f"{want_from} is on the grid {describe_grid(expected)}, but {got_from} on the grid "
        f"{describe_grid(wavelength)}; prepare the spectra on the model's grid, or train on theirs"
    )


def describe_grid(wavelength: FloatArray) -> str:
    """Describe a grid in a phrase: its number of pixels, its first and its last wavelength."""
    if len(wavelength) == 0:
        return "of 0 pixels"
    return f"of {len(wavelength)} pixels from {wavelength[0]:.2f} to {wavelength[-1]:.2f} A"


def gaps(wavelength: FloatArray) -> BoolArray:
    """
    Tell which neighbours have a gap between them, such as that between the arms of a spectrograph.

    Parameters
    ----------
    wavelength : array of shape (pixel,)
        Ascending.

    Returns
    -------
    gap : bool array of shape (pixel - 1,)
        True where the step to the next pixel is more than 5 times the median of the 11 steps around it.

    Examples
    --------
    >>> gaps(np.array([5000.0, 5001, 5002, 5003, 6300, 6301, 6302])).nonzero()[0].tolist()
    [3]
    """
    steps = np.diff(wavelength)
    # quick for almost every spectrum: along a grid in log wavelength the steps grow by the ratio of its ends
    if len(steps) < 3 or steps.max() <= GAP_STEPS * steps.min():
        return np.zeros(len(steps), dtype=np.bool_)
    near = median_filter(steps, size=min(_NEAR, len(steps)), mode="nearest")
    result: BoolArray = steps > GAP_STEPS * near
    return result


def pieces(wavelength: FloatArray) -> list[slice]:
    """Return the pixels of each piece of a grid, shape (pixel,), that has no gap inside; see :func:`gaps`."""
    ends = [0, *(np.flatnonzero(gaps(wavelength)) + 1).tolist(), len(wavelength)]
    return [slice(start, stop) for start, stop in pairwise(ends)]
