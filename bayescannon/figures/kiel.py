"""The Kiel diagram: surface gravity against effective temperature."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayescannon.data.labels import KNOWN_LABELS, Label
from bayescannon.figures.style import COLOUR_MAP, add_colour_bar, colour_scale, new_axes, scatter_points, span


def plot_kiel(
    teff: ArrayLike, logg: ArrayLike, colour: ArrayLike, ax: Axes | None = None, *, colour_label: Label | str
) -> Axes:
    """
    Plot surface gravity against effective temperature, with both axes reversed.

    Parameters
    ----------
    teff, logg : arrays of shape (N,)
        In K and dex; stars with a NaN are left out.
    colour : array of shape (N,)
        Values shown as colour, for instance [Fe/H]; stars with NaN are grey.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    colour_label : Label or str
        Text of the colour bar.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = new_axes(ax)
    x, y, values = (np.asarray(array, dtype=float) for array in (teff, logg, colour))
    shown = np.isfinite(x) & np.isfinite(y)
    x, y, values = x[shown], y[shown], values[shown]
    unknown = ~np.isfinite(values)
    ax.scatter(x[unknown], y[unknown], s=4, color="0.7", linewidths=0, rasterized=True)
    points = scatter_points(ax, x[~unknown], y[~unknown], values[~unknown], colour_scale(values), cmap=COLOUR_MAP)
    ax.set_xlim(*reversed(span(x)))
    ax.set_ylim(*reversed(span(y)))
    ax.set_xlabel(KNOWN_LABELS["teff"].axis_text())
    ax.set_ylabel(KNOWN_LABELS["logg"].axis_text())
    text = colour_label.axis_text() if isinstance(colour_label, Label) else colour_label
    add_colour_bar(ax.figure, points, ax, text, extend="both")
    return ax
