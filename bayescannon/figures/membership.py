"""Membership of a population: over the Kiel diagram, and against the label distance of Ho et al. 2017, eq. 7."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike

from bayescannon.figures.style import (
    DIVERGING_MAP,
    KIND_COLOURS,
    MODEL_COLOUR,
    add_colour_bar,
    falling_kiel_axes,
    new_axes,
    scatter_points,
)

# smallest distance that is drawn
_NEAREST = 0.01


def plot_kiel_membership(
    teff: ArrayLike, logg: ArrayLike, membership: ArrayLike, ax: Axes | None = None, *, population: str
) -> Axes:
    """
    Plot surface gravity against effective temperature, with the probability of a population as colour.

    Parameters
    ----------
    teff, logg : arrays of shape (N,)
        In K and dex.
    membership : array of shape (N,)
        Probability that the star is of the population; stars with a NaN in any of the three arrays are left out.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    population : str
        Its name, for the colour bar.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = new_axes(ax)
    x, y, values = (np.asarray(array, dtype=float) for array in (teff, logg, membership))
    shown = np.isfinite(x) & np.isfinite(y) & np.isfinite(values)
    x, y, values = x[shown], y[shown], values[shown]
    # the stars in between, which are few, on top
    order = np.argsort(-np.abs(values - 0.5), kind="stable")
    points = scatter_points(ax, x[order], y[order], values[order], Normalize(0.0, 1.0), cmap=DIVERGING_MAP.reversed())
    points.set_edgecolors("0.3")
    points.set_linewidths(0.2)
    falling_kiel_axes(ax, x, y)
    add_colour_bar(ax.figure, points, ax, f"probability of population {population}", extend="neither")
    return ax


def plot_distance_membership(
    distance: ArrayLike, membership: ArrayLike, ax: Axes | None = None, *, cut: float, population: str
) -> Axes:
    """
    Plot the probability of a population against the label distance to the reference set: where the two disagree.

    Parameters
    ----------
    distance : array of shape (N,)
        Label distance (Ho et al. 2017, eq. 7); smaller ones than 0.01 are drawn there.
    membership : array of shape (N,)
        Probability that the star is of the population; stars with a NaN in either array are left out.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    cut : float
        Cut in label distance, drawn as a line.
    population : str
        Its name.

    Returns
    -------
    ax : matplotlib Axes
        Its title says how many stars are on either side of the cut and of a probability of 0.5.
    """
    ax = new_axes(ax)
    x, y = np.maximum(np.asarray(distance, dtype=float), _NEAREST), np.asarray(membership, dtype=float)
    shown = np.isfinite(x) & np.isfinite(y)
    x, y = x[shown], y[shown]
    near, inside = x < cut, y > 0.5
    ax.scatter(x, y, s=8, color=KIND_COLOURS[0], alpha=0.5, linewidths=0, rasterized=True)
    ax.axvline(cut, color=MODEL_COLOUR, linewidth=1.2, linestyle="--", label=f"cut {cut:g}")
    ax.axhline(0.5, color="0.6", linewidth=0.8, linestyle=":")
    ax.set_xscale("log")
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel(f"label distance to the reference stars of population {population}")
    ax.set_ylabel(f"probability of population {population}")
    ax.set_title(
        f"{population} by both {int((near & inside).sum())}, by distance alone {int((near & ~inside).sum())}, "
        f"by membership alone {int((~near & inside).sum())}, by neither {int((~near & ~inside).sum())}",
        fontsize="small",
    )
    ax.legend(fontsize="small")
    return ax
