"""
Scatter of the labels against signal-to-noise ratio, similar to figure 7 of Ho et al. 2017.

The S/N here is that of the files' headers; the paper's figure 7 has three times the header's S/N in the g band.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike

from bayescannon.data.labels import Label
from bayescannon.figures.style import (
    LINE_COLOUR,
    MODEL_COLOUR,
    SNR_TEXT,
    log_numbers,
    log_ticks,
    new_figure,
    require_panels,
    span,
)


def plot_scatter_by_snr(
    snr: ArrayLike, scatter: ArrayLike, labels: Sequence[Label], *, formal: ArrayLike | None = None
) -> Figure:
    """
    Plot the scatter of each label in bins of signal-to-noise ratio, one panel per label.

    Parameters
    ----------
    snr : array of shape (B,)
        Centres of the bins.
    scatter : array of shape (B, K)
        Scatter between inferred and reference label in each bin, in the labels' units.
    labels : sequence of K Label
        The labels that are shown. The paper's scatter at S/N > 50 is drawn for labels that have one.
    formal : array of shape (B, K), optional
        Typical formal errors in the bins, for comparison.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        An array does not have one value per label.
    """
    snr, scatter = np.asarray(snr, dtype=float), np.asarray(scatter, dtype=float)
    expected = np.full_like(scatter, np.nan) if formal is None else np.asarray(formal, dtype=float)
    require_panels(labels, scatter=scatter, formal=expected)
    n_columns = min(len(labels), 3)
    n_rows = math.ceil(len(labels) / n_columns)
    figure = new_figure(3.6 * n_columns + 0.2, 3.0 * n_rows + 0.2)
    right = max(float(snr.max()), 100.0)
    for k, label in enumerate(labels):
        ax = figure.add_subplot(n_rows, n_columns, k + 1)
        ax.plot(snr, scatter[:, k], "o-", color=LINE_COLOUR, label="scatter")
        if formal is not None:
            ax.plot(snr, expected[:, k], "s--", color="black", markersize=4, label="formal error")
        published = label.published.scatter
        if published is not None:
            ax.hlines(published, 50, right, color=MODEL_COLOUR, label="paper, S/N > 50")
        ax.set_xscale("log")
        ax.set_xlim(snr.min() / 1.15, right * 1.15)
        ax.xaxis.set_major_locator(log_ticks())
        ax.xaxis.set_major_formatter(log_numbers())
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_ylim(0, span(scatter[:, k], expected[:, k], [0.0 if published is None else published])[1])
        ax.set_xlabel(SNR_TEXT)
        ax.set_ylabel(f"scatter of {label.axis_text()}")
    handles, texts = figure.axes[0].get_legend_handles_labels()
    # above the panels, where it hides no curve
    figure.legend(handles, texts, loc="outside upper center", ncols=len(handles), fontsize="small", frameon=False)
    return figure
