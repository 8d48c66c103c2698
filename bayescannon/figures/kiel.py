"""The Kiel diagram: surface gravity against effective temperature, as in figures 3 and 8 of Ho et al. 2017."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayescannon.data.labels import Label
from bayescannon.figures.style import (
    COLOUR_MAP,
    add_colour_bar,
    colour_scale,
    draw_behind,
    draw_flagged,
    falling_kiel_axes,
    new_axes,
    scatter_points,
)


def plot_kiel(
    teff: ArrayLike,
    logg: ArrayLike,
    colour: ArrayLike,
    ax: Axes | None = None,
    *,
    colour_label: Label | str,
    behind: tuple[ArrayLike, ArrayLike] | None = None,
    behind_name: str = "whole survey",
    flagged: ArrayLike | None = None,
) -> Axes:
    """
    Plot surface gravity against effective temperature, with both axes reversed.

    With the whole survey behind the reference set it is figure 3 of Ho et al. (2017), with the reference set behind the
    labels of the survey figure 8.

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
    behind : pair of arrays of shape (M,), optional
        Teff and log g of other stars, drawn in grey behind; many as their density.
    behind_name : str
        What those are, for the legend.
    flagged : bool array of shape (N,), optional
        Stars that are drawn as open grey markers and counted in the legend.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = new_axes(ax)
    x, y, values = (np.asarray(array, dtype=float) for array in (teff, logg, colour))
    bad = np.zeros(x.shape, dtype=bool) if flagged is None else np.asarray(flagged, dtype=bool)
    other_x, other_y = (np.asarray(array, dtype=float) for array in behind or ((), ()))
    if behind is not None:
        draw_behind(ax, other_x, other_y, behind_name)
    draw_flagged(ax, x[bad], y[bad])
    shown = np.isfinite(x) & np.isfinite(y) & ~bad
    x, y, values = x[shown], y[shown], values[shown]
    unknown = ~np.isfinite(values)
    ax.scatter(x[unknown], y[unknown], s=4, color="0.7", linewidths=0, rasterized=True)
    points = scatter_points(ax, x[~unknown], y[~unknown], values[~unknown], colour_scale(values), cmap=COLOUR_MAP)
    falling_kiel_axes(ax, np.concatenate([x, other_x]), np.concatenate([y, other_y]))
    text = colour_label.axis_text() if isinstance(colour_label, Label) else colour_label
    add_colour_bar(ax.figure, points, ax, text, extend="both")
    if ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize="small", loc="upper left", markerscale=1.5)
    return ax
