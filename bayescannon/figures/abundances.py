"""[alpha/M] against [Fe/H] with contours of density, as in figure 11 of Ho et al. 2017."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures.style import LINE_COLOUR, central, draw_behind, new_axes, span
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# shares of the stars that contours enclose
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
# cells of the grid of densities on each axis, the width of its smoothing in cells, and stars that contours need
_CELLS, _SMOOTHING, _LEAST = 80, 2.0, 50


def plot_alpha_fe(
    fe_h: ArrayLike, alpha_m: ArrayLike, ax: Axes | None = None, *, shares: Sequence[float] = SHARES
) -> Axes:
    """
    Plot [alpha/M] against [Fe/H], with contours that enclose shares of the stars (Ho et al. 2017, figure 11).

    Parameters
    ----------
    fe_h, alpha_m : arrays of shape (N,)
        In dex; stars with a NaN are left out.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    shares : sequence of float
        Shares of the stars that the contours enclose, between 0 and 1. Fewer than 50 stars have no contours.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        A share is not between 0 and 1.

    Examples
    --------
    >>> ax = plot_alpha_fe([-0.3, 0.0, 0.1], [0.20, 0.05, 0.04])
    >>> ax.get_xlabel()
    '[Fe/H] [dex]'
    """
    if any(not 0 < share < 1 for share in shares):
        raise InputError(f"shares must be between 0 and 1; got {', '.join(f'{share:g}' for share in shares)}")
    ax = new_axes(ax, width=6.0)
    x, y = (np.asarray(array, dtype=float) for array in (fe_h, alpha_m))
    shown = np.isfinite(x) & np.isfinite(y)
    x, y = x[shown], y[shown]
    draw_behind(ax, x, y, f"{len(x):,} stars")
    limits = [span(central(values, 0.002, least=_LEAST)) for values in (x, y)]
    if len(x) >= _LEAST and len(shares):
        density, x_edges, y_edges = np.histogram2d(x, y, bins=_CELLS, range=limits)
        smooth = _smoothed(density.T)
        levels = sorted({_level(smooth, share) for share in shares})
        centres = [(edges[1:] + edges[:-1]) / 2 for edges in (x_edges, y_edges)]
        ax.contour(*centres, smooth, levels=levels, colors=LINE_COLOUR, linewidths=1.0, zorder=3)
        said = ", ".join(f"{100 * share:g}" for share in shares)
        ax.plot([], [], color=LINE_COLOUR, linewidth=1.0, label=f"{said} % of the stars")
    ax.set_xlim(*limits[0])
    ax.set_ylim(*limits[1])
    ax.set_xlabel(KNOWN_LABELS["fe_h"].axis_text())
    ax.set_ylabel(KNOWN_LABELS["alpha_m"].axis_text())
    ax.legend(fontsize="small", loc="upper right")
    return ax


def _smoothed(density: FloatArray) -> FloatArray:
    """Convolve with a Gaussian along both axes."""
    reach = np.arange(-4 * _SMOOTHING, 4 * _SMOOTHING + 1)
    kernel = np.exp(-0.5 * (reach / _SMOOTHING) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        density = np.apply_along_axis(np.convolve, axis, density, kernel, mode="same")
    return density


def _level(density: FloatArray, share: float) -> float:
    """Return the density above which a share of the stars lies."""
    ordered = np.sort(density.ravel())[::-1]
    enclosed = np.cumsum(ordered)
    return float(ordered[min(np.searchsorted(enclosed, share * enclosed[-1]), len(ordered) - 1)])
