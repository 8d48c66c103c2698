"""The grid of a preparation: an array, a text such as ``4000:7000:0.5``, or the paper's."""

import re
from itertools import pairwise
from math import isfinite, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.grid import wavelengths
from bayescannon.numerics.errors import InputError

LARGEST_GRID = 1_000_000
_FORM = "start:stop:step in Angstrom, or start:stop:step:log with the step in log10 of the wavelength"
_NUMBER = r"\s*[-+0-9.eE]+\s*"
_PIECE = re.compile(rf"{_NUMBER}(:{_NUMBER}){{2}}(:\s*\w*\s*)?")


def lamost_grid() -> NDArray[np.float64]:
    """Return the paper's grid, 10^(3.5682 + 1e-4 i) within 3905 to 9000 Angstrom: 3626 pixels."""
    result: NDArray[np.float64] = np.power(10.0, 3.5682 + 1e-4 * np.arange(235, 3861))
    return result


def choose_grid(given: Any, default: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return a grid given as an array or a text, checked; the default if it is None.

    Raises
    ------
    InputError
        Not one-dimensional, not ascending, not in Angstrom, or a text that describes no grid.
    """
    if given is None:
        return default
    grid = parse_grid(given) if isinstance(given, str) else wavelengths(given, "grid")
    if grid[0] > grid[-1]:
        raise InputError(f"grid must be ascending; got one from {grid[0]:g} to {grid[-1]:g}. Give grid[::-1]")
    return grid


def is_grid_text(text: str) -> bool:
    """
    Tell whether a text is meant to describe a grid, and is not the path of a file.

    Examples
    --------
    >>> is_grid_text("4000:7000:0.5"), is_grid_text("store.zarr")
    (True, False)
    """
    return all(_PIECE.fullmatch(piece) is not None for piece in text.split(","))


def parse_grid(text: str) -> NDArray[np.float64]:
    """
    Return the grid that a text describes.

    Parameters
    ----------
    text : str
        ``start:stop:step`` in Angstrom, or ``start:stop:step:log`` with the step in log10 of the wavelength: the
        wavelengths are start, start + step, ... (or start, start * 10^step, ...) up to and including stop. Several
        pieces, ascending and without overlap, are joined by commas.

    Returns
    -------
    grid : float64 array of shape (pixel,)
        In Angstrom.

    Raises
    ------
    InputError
        Not of this form, or an empty, huge or overlapping piece.

    Examples
    --------
    >>> parse_grid("5000:5002:0.5").tolist()
    [5000.0, 5000.5, 5001.0, 5001.5, 5002.0]
    >>> parse_grid("5000:5002:1e-4:log").round(2).tolist()
    [5000.0, 5001.15]
    >>> parse_grid("5000:5001:1,6000:6001:1").tolist()
    [5000.0, 5001.0, 6000.0, 6001.0]
    """
    parts = [_piece(piece.strip(), text) for piece in text.split(",")]
    for before, after in pairwise(parts):
        if before[-1] >= after[0]:
            raise InputError(
                f"the pieces of a grid must ascend and not overlap; in {text!r} one ends at {before[-1]:g} A and the "
                f"next begins at {after[0]:g} A"
            )
    return wavelengths(np.concatenate(parts), "grid")


def _piece(piece: str, text: str) -> NDArray[np.float64]:
    """Return one piece of a grid."""
    words = [word.strip() for word in piece.split(":")]
    try:
        if len(words) not in (3, 4) or (len(words) == 4 and words[3] != "log"):
            raise ValueError
        start, stop, step = map(float, words[:3])
    except ValueError:
        raise InputError(
            f"a grid must be {_FORM}, several joined by commas, or a file that has one; got {text!r}"
        ) from None
    if not (0 < start < stop and step > 0 and isfinite(stop) and isfinite(step)):
        raise InputError(f"a grid must have 0 < start < stop and a step above 0; got {piece!r}")
    log = len(words) == 4
    length = log10(stop) - log10(start) if log else stop - start
    # the stop is included although sums of steps are rounded; a tiny step gives infinity
    steps = length / step + 1e-6
    n_pixel = int(np.floor(min(steps, 1e15))) + 1
    if not 2 <= n_pixel <= LARGEST_GRID:
        unit = "log10 of the wavelength" if log else "Angstrom"
        found = n_pixel if steps < 1e15 else f"{steps:g}"
        raise InputError(
            f"the grid {piece!r} has {found} pixels; expected 2 to {LARGEST_GRID}. Its step is in {unit}: {_FORM}"
        )
    index = np.arange(n_pixel)
    return np.asarray(start * 10 ** (step * index) if log else start + step * index, dtype=np.float64)
