"""Plots of the label distance to the reference set and its cut, similar to figures 9 and 10 of Ho et al. 2017."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from numpy.typing import ArrayLike

from bayescannon.figures.style import (
    DIVERGING_MAP,
    KIND_COLOURS,
    MODEL_COLOUR,
    add_colour_bar,
    draw_behind,
    falling_kiel_axes,
    new_axes,
    scatter_points,
)

# many stars have smaller markers without edges
_MANY = 2000
# smallest distance that is drawn, and upper end of the colour map
_NEAREST, _FARTHEST = 0.01, 20.0


def plot_distances(
    from_reference: ArrayLike,
    from_pipeline: ArrayLike,
    ax: Axes | None = None,
    *,
    cut: float,
    kinds: Mapping[str, ArrayLike] | None = None,
) -> Axes:
    """
    Plot the distance of inferred labels from pipeline labels against that of pipeline labels from the reference set.

    Parameters
    ----------
    from_reference : array of shape (N,)
        Label distance of the labels of Survey B's pipeline to the reference set; stars with a NaN in either array are
        left out.
    from_pipeline : array of shape (N,)
        Label distance between the inferred and the pipeline's labels of the same star.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    cut : float
        Cut in label distance, drawn as a line.
    kinds : mapping of str to bool array of shape (N,), optional
        Kinds of star, each with a colour and an entry in the legend; by default one kind.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = new_axes(ax)
    x, y = (np.maximum(np.asarray(values, dtype=float), _NEAREST) for values in (from_reference, from_pipeline))
    shown = np.isfinite(x) & np.isfinite(y)
    for number, (name, members) in enumerate((kinds or {"stars": np.ones(len(x), dtype=bool)}).items()):
        chosen = shown & np.asarray(members, dtype=bool)
        size, alpha = (12, 0.8) if chosen.sum() < _MANY else (4, 0.3)
        ax.scatter(
            x[chosen], y[chosen], s=size, color=KIND_COLOURS[number % len(KIND_COLOURS)], linewidths=0, alpha=alpha,
            label=f"{chosen.sum():,} {name}", rasterized=True,
        )  # fmt: skip
    ax.axvline(cut, color=MODEL_COLOUR, linewidth=1.2, linestyle="--", label=f"cut {cut:g}")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("label distance, own labels to reference set")
    ax.set_ylabel("label distance, inferred to own labels")
    ax.legend(fontsize="small")
    return ax


def plot_kiel_distance(
    teff: ArrayLike,
    logg: ArrayLike,
    distance: ArrayLike,
    ax: Axes | None = None,
    *,
    cut: float,
    reference_teff: ArrayLike = (),
    reference_logg: ArrayLike = (),
) -> Axes:
    """
    Plot surface gravity against effective temperature, with label distance as colour.

    Parameters
    ----------
    teff, logg : arrays of shape (N,)
        In K and dex.
    distance : array of shape (N,)
        Label distance to the reference set; stars with a NaN in any of the three arrays are left out.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    cut : float
        Cut in label distance, the middle of the colours: stars below it are blue, those above it red.
    reference_teff, reference_logg : arrays of shape (M,), optional
        Stars of the reference set, drawn grey in the background.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = new_axes(ax)
    x, y, values = (np.asarray(array, dtype=float) for array in (teff, logg, distance))
    shown = np.isfinite(x) & np.isfinite(y) & np.isfinite(values)
    x, y, values = x[shown], y[shown], values[shown]
    behind_x, behind_y = np.asarray(reference_teff, dtype=float), np.asarray(reference_logg, dtype=float)
    draw_behind(ax, behind_x, behind_y, "reference set")
    norm = TwoSlopeNorm(cut, 0.0, max(_FARTHEST, 2 * cut))
    points = scatter_points(ax, x, y, values, norm, cmap=DIVERGING_MAP)
    points.set_edgecolors("black")
    # edges of many stars would hide the colours
    points.set_linewidths(np.where(values < cut, 0.0, 0.5 if len(x) < _MANY else 0.0))
    falling_kiel_axes(ax, np.concatenate([x, behind_x]), np.concatenate([y, behind_y]))
    add_colour_bar(ax.figure, points, ax, f"label distance to the reference set (cut {cut:g})", extend="max")
    if len(behind_x):
        ax.legend(fontsize="small", loc="upper left")
    return ax
