"""Gaps in spectra, as the running mean of the continuum meets them."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.preset import PRESETS
from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.threads import map_blocks
from bayescannon.numerics.typing import FloatArray

# L of the paper [Angstrom]: the reach where the spectra were divided by no running mean
REACH = 50.0
# stars per block
_BLOCK = 128


def continuum_width(attrs: Mapping[str, Any]) -> float | None:
    """
    Return the width L of the running mean [Angstrom] that spectra with these attributes were divided by.

    None if the attributes name no preparation, or one that divides by no running mean.
    """
    settings = str(attrs.get("preset_settings", ""))
    if settings:
        width = json.loads(settings).get("width")
        return float(width) if width else None
    preset = PRESETS.get(str(attrs.get("preset", "")))
    return preset.width if preset else None


def gap_measures(
    ivar: FloatArray, wavelength: FloatArray, reach: float = REACH, *, workers: int | None = 1
) -> FloatArray:
    """
    Measure how much of the neighbourhood of the live pixels is dead, and how one-sided the rest of it is.

    The running mean of the continuum (Ho et al. 2017, eq. 1-2) takes the live pixels near each pixel. Beside a gap they
    are on one side, so a slope of the continuum shifts the mean; where few are left, the mean follows the lines.

    Parameters
    ----------
    ivar : float array of shape (star, pixel)
        Zero in dead pixels.
    wavelength : float array of shape (pixel,)
        Ascending, in Angstrom.
    reach : float
        The neighbourhood of a pixel is this far on both sides [Angstrom].
    workers : int or None
        Threads; None takes every core.

    Returns
    -------
    measures : float array of shape (star, 2)
        Averages over the live pixels of a star: the share of dead pixels in the neighbourhood, and the distance of the
        centroid of its live pixels from the pixel, in halves of `reach`, so that 1 is a neighbourhood on one side only.
        Both are 0 in a spectrum without gaps, but for its ends, and (1, 1) without a live pixel.

    Examples
    --------
    >>> import numpy as np
    >>> wavelength = np.arange(4000.0, 6000.0)
    >>> whole, window = np.ones(2000), np.where(abs(wavelength - 5000) < 100, 1.0, 0.0)
    >>> gap_measures(np.array([whole, window, np.zeros(2000)]), wavelength).round(2)
    array([[0.  , 0.03],
           [0.13, 0.26],
           [1.  , 1.  ]])
    """
    first, last = _near(wavelength, reach)
    measures = np.ones((len(ivar), 2))
    inverse = 1 / np.maximum(np.arange(len(wavelength) + 1), 1.0)
    map_blocks(
        lambda part: _measure(ivar[part], wavelength - wavelength[0], first, last, inverse, reach / 2, measures[part]),
        len(ivar), _BLOCK, workers,
    )  # fmt: skip
    return measures


@compiled(nogil=True, fastmath={"reassoc", "contract"})
def _measure(ivar, place, first, last, inverse, half, measures):  # type: ignore[no-untyped-def]
    """
    Fill measures (star, 2) with both averages over the live pixels of each star; those without one stay.

    `inverse` holds 1 / n of whole numbers n.
    """
    n_pixel = ivar.shape[1]
    count, total = np.zeros(n_pixel + 1, dtype=np.int64), np.zeros(n_pixel + 1)
    for n in range(len(ivar)):
        number, summed = 0, 0.0
        for p in range(n_pixel):
            live = ivar[n, p] > 0
            number += 1 if live else 0
            summed += place[p] if live else 0.0
            count[p + 1] = number
            total[p + 1] = summed
        dead, aside = 0.0, 0.0
        for p in range(n_pixel):
            low, high = first[p], last[p]
            near = count[high] - count[low]
            away = abs((total[high] - total[low]) * inverse[near] - place[p])
            live = ivar[n, p] > 0
            dead += (high - low - near) * inverse[high - low] if live else 0.0
            aside += away if live else 0.0
        if number > 0:
            measures[n, 0], measures[n, 1] = dead / number, aside / (half * number)


def sums_near(values: FloatArray, wavelength: FloatArray, reach: float) -> FloatArray:
    """Return the sums of values of shape (star, pixel) over the pixels within `reach` of each pixel."""
    first, last = _near(wavelength, reach)
    running = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=running[:, 1:])
    result: FloatArray = running[:, last] - running[:, first]
    return result


def _near(wavelength: FloatArray, reach: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first pixel within `reach` of each pixel, and the one behind the last."""
    first = np.searchsorted(wavelength, wavelength - reach)
    return first, np.searchsorted(wavelength, wavelength + reach, side="right")
