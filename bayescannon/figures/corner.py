"""Differences of labels against each other: where errors go together."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from bayescannon.data.labels import Label
from bayescannon.figures.style import (
    DATA_COLOUR,
    GUIDE_COLOUR,
    LINE_COLOUR,
    MODEL_COLOUR,
    TEXT_BOX,
    new_figure,
    require_panels,
)
from bayescannon.numerics.intervals import CENTRAL_68
from bayescannon.numerics.typing import FloatArray

_BINS = 30
# share of the stars that the axes hold
_HELD = (0.005, 0.995)


def plot_corner(differences: ArrayLike, labels: Sequence[Label], *, name: str = "inferred - reference") -> Figure:
    """
    Plot the differences of all labels against each other, and their distributions on the diagonal.

    Distributions have the median and half of the central 68.3 %, pairs the rank correlation.

    Parameters
    ----------
    differences : array of shape (N, K)
        In the labels' units; stars with a NaN are left out.
    labels : sequence of K Label
    name : str
        What the differences are of.

    Returns
    -------
    figure : matplotlib Figure
        With K rows and K columns of panels, of which the upper triangle is empty.

    Raises
    ------
    InputError
        The array does not have one value per label.

    Examples
    --------
    >>> from bayescannon.data.labels import KNOWN_LABELS
    >>> figure = plot_corner([[10.0, 0.1], [-5.0, 0.0]], [KNOWN_LABELS["teff"], KNOWN_LABELS["logg"]])
    >>> len(figure.axes)
    3
    """
    values = np.asarray(differences, dtype=float)
    require_panels(labels, differences=values)
    values = values[np.isfinite(values).all(axis=1)]
    n_label = len(labels)
    figure = new_figure(2.1 * n_label + 0.8, 2.1 * n_label + 0.6)
    limits = [_limits(values[:, k]) for k in range(n_label)]
    for row in range(n_label):
        for column in range(row + 1):
            ax = figure.add_subplot(n_label, n_label, row * n_label + column + 1)
            ax.set_xlim(*limits[column])
            if row == column:
                _draw_distribution(ax, values[:, row], labels[row], limits[row])
            else:
                ax.set_ylim(*limits[row])
                _draw_pair(ax, values[:, column], values[:, row])
            ax.locator_params(nbins=4)
            ax.tick_params(labelsize="x-small")
            if row == n_label - 1:
                ax.set_xlabel(labels[column].axis_text(), fontsize="small")
                ax.tick_params(axis="x", rotation=45)
            else:
                ax.tick_params(labelbottom=False)
            if column == 0 and row > 0:
                ax.set_ylabel(labels[row].axis_text(), fontsize="small")
            elif column > 0 and row != column:
                ax.tick_params(labelleft=False)
    figure.suptitle(f"{name}, {len(values):,} stars", fontsize="medium")
    return figure


def _draw_distribution(ax: Axes, values: FloatArray, label: Label, limits: tuple[float, float]) -> None:
    counts, edges = np.histogram(values, _BINS, range=limits)
    ax.stairs(counts, edges, color=LINE_COLOUR, fill=True, alpha=0.8)
    ax.axvline(0, color=GUIDE_COLOUR, linewidth=1.0)
    ax.tick_params(labelleft=False, left=False)
    if len(values):
        low, middle, high = np.quantile(values, [CENTRAL_68[0], 0.5, CENTRAL_68[1]])
        ax.set_title(f"{middle:.{label.digits}f} ± {(high - low) / 2:.{label.digits}f}", fontsize="small")


def _draw_pair(ax: Axes, x: FloatArray, y: FloatArray) -> None:
    ax.axvline(0, color=GUIDE_COLOUR, linewidth=0.8, zorder=0)
    ax.axhline(0, color=GUIDE_COLOUR, linewidth=0.8, zorder=0)
    ax.scatter(x, y, s=2.5, color=DATA_COLOUR, alpha=0.4, linewidths=0, rasterized=True)
    if len(x) > 2:
        ax.text(
            0.04, 0.95, f"{_rank_correlation(x, y):+.2f}", transform=ax.transAxes, va="top", fontsize="x-small",
            color=MODEL_COLOUR, bbox=TEXT_BOX,
        )  # fmt: skip


def _rank_correlation(x: FloatArray, y: FloatArray) -> float:
    """Return Spearman's correlation; 0 where one of them is constant."""
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float) for values in (x, y)]
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def _limits(values: FloatArray) -> tuple[float, float]:
    """Return limits that are even about 0 and hold nearly all stars."""
    reach = 1.2 * float(np.abs(np.quantile(values, _HELD)).max()) if len(values) else 0.0
    return (-reach, reach) if reach > 0 else (-1.0, 1.0)
