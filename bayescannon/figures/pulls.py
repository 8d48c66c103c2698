"""Differences in units of their errors, against the distribution that right errors would give."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from bayescannon.data.labels import Label
from bayescannon.figures.style import LINE_COLOUR, MODEL_COLOUR, TEXT_BOX, new_figure, require_panels
from bayescannon.numerics.intervals import CENTRAL_68

_REACH, _BINS = 6.0, 48


def plot_pulls(pull: ArrayLike, labels: Sequence[Label]) -> Figure:
    """
    Plot the distribution of (A - B) / error of every label, and the standard normal distribution.

    Parameters
    ----------
    pull : array of shape (N, K)
        NaN where there is no error. Pulls beyond 6 are counted in the outermost bins.
    labels : sequence of K Label

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        The array does not have one value per label.

    Examples
    --------
    >>> from bayescannon.data.labels import KNOWN_LABELS
    >>> len(plot_pulls([[0.5], [-1.2]], [KNOWN_LABELS["teff"]]).axes)
    1
    """
    values = np.asarray(pull, dtype=float)
    require_panels(labels, pull=values)
    n_columns = min(len(labels), 3)
    n_rows = -(-len(labels) // n_columns)
    figure = new_figure(3.6 * n_columns + 0.2, 2.8 * n_rows + 0.4)
    edges = np.linspace(-_REACH, _REACH, _BINS + 1)
    place = np.linspace(-_REACH, _REACH, 241)
    for k, label in enumerate(labels):
        ax = figure.add_subplot(n_rows, n_columns, k + 1)
        known = values[np.isfinite(values[:, k]), k]
        counts = np.histogram(np.clip(known, -_REACH, _REACH), edges)[0]
        ax.stairs(counts, edges, color=LINE_COLOUR, fill=True, alpha=0.8, label="found")
        expected = len(known) * (edges[1] - edges[0]) * np.exp(-(place**2) / 2) / np.sqrt(2 * np.pi)
        ax.plot(place, expected, color=MODEL_COLOUR, linewidth=1.4, label="errors are right")
        if len(known):
            low, high = np.quantile(known, CENTRAL_68)
            text = f"width {(high - low) / 2:.2f}\n{len(known):,} stars"
            ax.text(0.03, 0.96, text, transform=ax.transAxes, va="top", fontsize="small", bbox=TEXT_BOX)
        ax.set_xlim(-_REACH, _REACH)
        ax.set_xlabel(f"difference / error, {label.symbol}")
        ax.set_ylabel("stars per bin")
    handles, texts = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside upper center", ncols=2, fontsize="small", frameon=False)
    return figure
