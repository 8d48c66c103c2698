r"""
Resampling that keeps white noise white: an all-pass filter that shifts a spectrum by a fraction of a pixel.

Linear interpolation half way between two pixels halves the variance of the noise, gives neighbours a correlation of
0.5, and smears lines, by an amount that differs from star to star with the shift. Where the pixels of the grid are as
wide as those of the spectrum, a shift needs none of this. The filter of Thiran (1971, IEEE Transactions on Circuit
Theory 18, 659; review: Laakso et al. 1996, IEEE Signal Processing Magazine 13, 30) of order N and delay D,

    H(z) = z^-N A(1/z) / A(z),   A(z) = 1 + sum_{k=1..N} a_k z^-k,
    a_k = (-1)^k C(N, k) prod_{n=0..N} (D - N + n) / (D - N + k + n),

has \|H\| = 1 at all frequencies, so that white noise stays white with the same variance, and its delay is D at the
frequencies of resolved lines. Each pixel of the grid takes the nearest pixel of the spectrum and the shift d that is
left, at most half a pixel, with D = N - \|d\|; a shift in the other direction is the mirror image.
"""

from functools import cache
from math import comb, prod

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from bayescannon.data.grid import pieces
from bayescannon.numerics.compiled import compiled
from bayescannon.numerics.typing import BoolArray, FloatArray

# N: lines of 2.4 pixels (FWHM, as LAMOST's) are then shifted by half a pixel with an error of 1.5 % of the line (root
# mean square); linear interpolation smears them by 10 %
_ORDER = 3
# taps on both sides of the nearest pixel; beyond them the filter has less than 1e-4
_REACH = 14
# intervals of the shifts, 0 to half a pixel, at which the filter is tabulated; between them it is interpolated to 1e-5
_STEPS = 256
# a pixel of which more than this share of the variance is that of pixels without a measurement is dead
_UNKNOWN_SHARE = 0.01
# the grid's pixels are as wide as the spectrum's if all but _FEW of them differ by at most this fraction
STEP_TOLERANCE = 0.05
_FEW = 0.05


def shift_filter(shift: float) -> NDArray[np.float64]:
    """
    Return the filter that evaluates a spectrum a fraction of a pixel from a pixel.

    Parameters
    ----------
    shift : float
        Between -0.5 and 0.5 pixels; positive towards the next pixel.

    Returns
    -------
    taps : float array of shape (29,)
        Weights of the pixels from 14 before to 14 after; their sum is 1, and the sum of their squares to 1e-4.

    Examples
    --------
    >>> taps = shift_filter(0.25)
    >>> print(f"{taps.sum():.4f} {(taps**2).sum():.4f} {taps @ np.arange(-14, 15):.4f}")
    1.0000 1.0000 0.2500
    """
    n = _ORDER
    beyond = [1.0, *(prod((m - abs(shift)) / (m - abs(shift) + k) for m in range(n + 1)) for k in range(1, n + 1))]
    a = [(-1) ** k * comb(n, k) * beyond[k] for k in range(n + 1)]
    impulse = np.zeros(n + _REACH + 1)
    impulse[0] = 1
    # the weight of the pixel k before the one that is n after the nearest
    response: FloatArray = lfilter(a[::-1], a, impulse)
    taps = np.zeros(2 * _REACH + 1)
    taps[_REACH + n - np.arange(len(response))] = response / response.sum()
    return taps if shift >= 0 else taps[::-1].copy()


@cache
def _table() -> NDArray[np.float64]:
    """Return the filters of shifts from 0 to half a pixel, shape (shift, tap)."""
    return np.stack([shift_filter(shift) for shift in np.linspace(0, 0.5, _STEPS + 1)])


@compiled(nogil=True)
def _apply(table, position, flux, sigma2, unknown, out):  # type: ignore[no-untyped-def]
    """Fill out (3, position) with flux, variance, and the variance of unknown pixels, at positions in pixels."""
    reach = table.shape[1] // 2
    last = len(flux) - 1
    for p in range(len(position)):
        nearest = int(np.floor(position[p] + 0.5))
        shift = position[p] - nearest
        direction = 1 if shift >= 0 else -1
        place = abs(shift) * 2 * (table.shape[0] - 1)
        row = min(int(place), table.shape[0] - 2)
        part = place - row
        total, variance, lost = 0.0, 0.0, 0.0
        for k in range(table.shape[1]):
            weight = (1 - part) * table[row, k] + part * table[row + 1, k]
            pixel = nearest + direction * (k - reach)
            inside = min(max(pixel, 0), last)
            share = weight * weight * sigma2[inside]
            total += weight * flux[inside]
            variance += share
            if pixel != inside or unknown[inside]:
                lost += share
        out[0, p], out[1, p], out[2, p] = total, variance, lost


def step_fault(wavelength: FloatArray, grid: FloatArray) -> str:
    """
    Say how the pixels of a grid differ in width from those of a spectrum; empty unless they do by more than 5 %.

    Parameters
    ----------
    wavelength, grid : float arrays of shape (input pixel,) and (pixel,)
        Ascending, in the same unit and frame.

    Examples
    --------
    >>> step_fault(np.arange(5000.0, 5100.0), np.arange(5010.25, 5090.0))
    ''
    >>> step_fault(np.arange(5000.0, 5100.0), np.arange(5010.0, 5090.0, 2.0))
    "pixels of the grid are 2.00 times as wide as those of the spectrum, ..."
    """
    ratios = [np.diff(position) for _, _, position in _reached_pieces(wavelength, grid)]
    ratio = np.concatenate(ratios) if ratios else np.ones(0)
    if not len(ratio) or np.quantile(np.abs(ratio - 1), 1 - _FEW) <= STEP_TOLERANCE:
        return ""
    low, high = np.quantile(ratio, (_FEW / 2, 1 - _FEW / 2))
    times = f"{low:.2f}" if high - low < 0.01 else f"{low:.2f} to {high:.2f}"
    return (
        f"pixels of the grid are {times} times as wide as those of the spectrum, and white resampling needs the same "
        f"width to {100 * STEP_TOLERANCE:.0f} %. Choose the spectra's own steps with --grid, in Python grid=, or the "
        "linear resampling"
    )


def _reached_pieces(wavelength: FloatArray, grid: FloatArray) -> list[tuple[slice, BoolArray, FloatArray]]:
    """Return each piece of a spectrum, the pixels of the grid inside it, and their positions in its pixels."""
    found = []
    for piece in pieces(wavelength):
        own = wavelength[piece]
        inside = (grid >= own[0]) & (grid <= own[-1])
        if len(own) > 1 and inside.any():
            found.append((piece, inside, np.interp(grid[inside], own, np.arange(len(own), dtype=np.float64))))
    return found


def resample_white(
    wavelength: FloatArray, flux: FloatArray, ivar: FloatArray, grid: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """
    Shift a spectrum to a grid of pixels of the same width, so that independent noise stays independent.

    Parameters
    ----------
    wavelength : float array of shape (input pixel,)
        Ascending.
    flux, ivar : float arrays of shape (input pixel,)
        A dead pixel has ivar 0; neighbours stand for its flux.
    grid : float array of shape (pixel,)
        In the unit and frame of `wavelength`, with steps as :func:`step_fault` wants them.

    Returns
    -------
    flux, ivar : float64 arrays of shape (pixel,)
        The inverse variance is that of the weighted sum. Both are 0 in a pixel outside `wavelength`, in a gap of it
        (see :func:`bayescannon.data.grid.gaps`), and where dead pixels would have more than 1 % of the variance: up to
        three on each side of one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> flux, ivar = resample_white(np.arange(9000.0), rng.standard_normal(9000), np.ones(9000), np.arange(8990) + 4.4)
    >>> live = flux[ivar > 0]
    >>> bool(abs(live.std() - 1) < 0.02), bool(abs(np.mean(live[1:] * live[:-1])) < 0.02)
    (True, True)
    """
    wavelength, flux, ivar, grid = (np.asarray(one, dtype=np.float64) for one in (wavelength, flux, ivar, grid))
    flux_out, ivar_out = np.zeros((2, len(grid)))
    for piece, inside, position in _reached_pieces(wavelength, grid):
        live = ivar[piece] > 0
        if not live.any():
            continue
        pixel, known = np.arange(len(live)), np.flatnonzero(live)
        filled = np.interp(pixel, known, flux[piece][live])
        sigma2 = np.interp(pixel, known, 1 / ivar[piece][live])
        out = np.empty((3, len(position)))
        _apply(_table(), position, filled, sigma2, ~live, out)
        good = out[2] <= _UNKNOWN_SHARE * out[1]
        flux_out[inside] = np.where(good, out[0], 0.0)
        ivar_out[inside] = np.where(good, 1 / out[1], 0.0)
    return flux_out, ivar_out
