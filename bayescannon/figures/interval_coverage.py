"""Plots of the coverage of intervals and of PIT values, which test whether errors are calibrated."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayescannon.figures.style import BAND_COLOUR, GUIDE_COLOUR, KIND_COLOURS, LINE_COLOUR, new_axes
from bayescannon.numerics.errors import InputError

_ONE_SIGMA = 0.6827


def plot_coverage(nominal: ArrayLike, achieved: Mapping[str, ArrayLike], ax: Axes | None = None) -> Axes:
    """
    Plot the fraction of the stars within intervals against the nominal probability of the intervals.

    Parameters
    ----------
    nominal : array of shape (B,)
        Nominal probabilities, ascending.
    achieved : mapping of str to array of shape (B,)
        Fractions of stars within the intervals; one line per entry, named in the legend: labels, or bins of S/N.
    ax : matplotlib Axes, optional

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        `achieved` is empty, or a line does not have as many points as `nominal`.
    """
    nominal = np.asarray(nominal, dtype=float)
    lines = {name: np.asarray(values, dtype=float) for name, values in achieved.items()}
    if not lines:
        raise InputError("a coverage plot needs at least one line; got none")
    for name, values in lines.items():
        if values.shape != nominal.shape:
            raise InputError(
                f"{name} must have one fraction per probability, shape {nominal.shape}; got shape {values.shape}"
            )
    ax = new_axes(ax, width=4.8, height=4.6)
    ax.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle="--", zorder=1)
    for level in (_ONE_SIGMA, 0.95):
        ax.axvline(level, color=GUIDE_COLOUR, linewidth=0.8, zorder=0)
        ax.axhline(level, color=GUIDE_COLOUR, linewidth=0.8, zorder=0)
    for number, (name, values) in enumerate(lines.items()):
        ax.plot(nominal, values, label=name, linewidth=1.5, color=KIND_COLOURS[number % len(KIND_COLOURS)])
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.set_xlabel("probability of the interval")
    ax.set_ylabel("fraction of stars within it")
    ax.legend(loc="upper left", fontsize="small")
    return ax


def plot_pit(edges: ArrayLike, counts: ArrayLike, band: tuple[float, float], ax: Axes | None = None) -> Axes:
    """
    Plot a histogram of PIT values; it is flat if the errors are calibrated, and U-shaped if they are too small.

    Parameters
    ----------
    edges : array of shape (B + 1,)
        Edges of the bins, from 0 to 1.
    counts : array of shape (B,)
        Number of stars per bin.
    band : pair of float
        Expected range of a count, for instance the central 95 % of its binomial distribution.
    ax : matplotlib Axes, optional

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        The number of edges is not one more than the number of counts.
    """
    edges, counts = np.asarray(edges, dtype=float), np.asarray(counts, dtype=float)
    if edges.shape != (len(counts) + 1,):
        raise InputError(f"{len(counts)} counts need {len(counts) + 1} edges; got shape {edges.shape}")
    ax = new_axes(ax, width=4.8, height=3.4)
    ax.axhspan(*band, color=BAND_COLOUR, alpha=0.35, linewidth=0, label="expected")
    ax.stairs(counts, edges, color=LINE_COLOUR, linewidth=1.5, label="found")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.25 * max(float(counts.max()), band[1]))
    ax.set_xlabel("probability of a smaller error (PIT)")
    ax.set_ylabel("stars per bin")
    ax.legend(loc="upper right", ncols=2, fontsize="small")
    return ax
