"""Residuals of labels against the reference labels, in ranges of S/N, as in figures 1 and 6 of Ho et al. 2017."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.display import value_with_error
from bayescannon.data.labels import Label
from bayescannon.figures.style import (
    DATA_COLOUR,
    GUIDE_COLOUR,
    KIND_COLOURS,
    MOST_POINTS,
    TEXT_BOX,
    central,
    new_figure,
    require_panels,
    span,
)
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.intervals import CENTRAL_68
from bayescannon.numerics.typing import FloatArray

# bins of the running median, and stars that one needs
_BINS, _LEAST = 12, 8
# share of the stars at either end that axes do not hold
_LEFT_OUT = 0.005


def plot_residuals(
    reference: ArrayLike,
    residuals: Mapping[str, ArrayLike],
    labels: Sequence[Label],
    *,
    snr: ArrayLike | None = None,
    edges: Sequence[float] = (),
    reference_name: str = "reference",
) -> Figure:
    """
    Plot residuals of labels against the reference labels: a row per label, a column per source and range of S/N.

    Figure 1 of Ho et al. (2017) has one source, the labels of Survey B's pipeline, and all stars; figure 6 has the
    Cannon's labels too, in ranges of S/N. Each panel has the running median, and bias and scatter (half of the central
    68.3 %) in numbers. All panels of a label have the same axes.

    Parameters
    ----------
    reference : array of shape (N, K)
        Reference labels, in the labels' units.
    residuals : mapping of str to array of shape (N, K)
        (Label - reference) of every source, by its name, such as ``"LAMOST - APOGEE"``. NaN where it has none.
    labels : sequence of K Label
    snr : array of shape (N,), optional
    edges : sequence of float
        Edges of the ranges of S/N; by default one range with all stars.
    reference_name : str
        Source of the reference labels, for the axes.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        An array does not have one value per label, there is no source, or there are edges without S/N.

    Examples
    --------
    >>> from bayescannon.data.labels import KNOWN_LABELS
    >>> teff = np.linspace(4000, 5200, 30)[:, None]
    >>> figure = plot_residuals(teff, {"survey - truth": 0.1 * (teff - 4600)}, [KNOWN_LABELS["teff"]])
    >>> len(figure.axes)
    1
    """
    values = np.asarray(reference, dtype=float)
    sources = {name: np.asarray(array, dtype=float) for name, array in residuals.items()}
    require_panels(labels, reference=values, **sources)
    if not sources:
        raise InputError("residuals must have at least one source; got none")
    ranges = _ranges(snr, edges, len(values))
    columns = [(name, text, members) for name in sources for text, members in ranges]
    figure = new_figure(2.7 * len(columns) + 1.0, 2.3 * len(labels) + 0.4)
    axes = figure.subplots(len(labels), len(columns), sharex="row", sharey="row", squeeze=False)
    for k, label in enumerate(labels):
        spread = np.concatenate([array[:, k] for array in sources.values()])
        for ax, (name, text, members) in zip(axes[k], columns, strict=True):
            _draw(ax, values[members, k], sources[name][members, k], label)
            ax.set_xlim(*span(central(values[:, k], _LEFT_OUT)))
            ax.set_ylim(*_even_limits(spread))
            if k == 0:
                ax.set_title("\n".join(part for part in (name, text) if part), fontsize="medium")
        axes[k, 0].set_ylabel(f"residual of\n{label.axis_text()}")
        for ax in axes[k]:
            ax.set_xlabel(f"{reference_name} {label.axis_text()}", fontsize="small")
    return figure


def _ranges(snr: ArrayLike | None, edges: Sequence[float], n_star: int) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the text and the members of every range of S/N."""
    if not len(edges):
        return [("", np.ones(n_star, dtype=bool))]
    if snr is None or len(edges) < 2:
        raise InputError("ranges of S/N need snr, the S/N of every star, and at least two edges")
    known = np.asarray(snr, dtype=float)
    return [
        (f"S/N {low:g} to {high:g}" if np.isfinite(high) else f"S/N > {low:g}", (known > low) & (known <= high))
        for low, high in pairwise(edges)
    ]


def _draw(ax: Axes, x: FloatArray, y: FloatArray, label: Label) -> None:
    """Draw the stars of one panel, their running median and the numbers."""
    shown = np.isfinite(x) & np.isfinite(y)
    x, y = x[shown], y[shown]
    ax.axhline(0, color=GUIDE_COLOUR, linewidth=1.0, zorder=0)
    size = 2.0 if len(x) > MOST_POINTS else 4.0
    ax.scatter(x, y, s=size, color=DATA_COLOUR, alpha=0.35, linewidths=0, rasterized=True, zorder=1)
    if len(x) == 0:
        ax.text(0.5, 0.5, "no stars", transform=ax.transAxes, ha="center", va="center", fontsize="small")
        return
    centres, medians = _running_median(x, y)
    ax.plot(centres, medians, "o-", color=KIND_COLOURS[1], markersize=3, linewidth=1.2, zorder=3)
    low, high = np.quantile(y, CENTRAL_68)
    error = float(np.std(y)) / np.sqrt(len(y)) if len(y) > 1 else float("nan")
    scatter = float(high - low) / 2
    # of a Gaussian, whose half central interval is less certain than its standard deviation
    uncertainty = 0.93 * scatter / np.sqrt(len(y)) if len(y) > 1 else float("nan")
    text = (
        f"bias {value_with_error(float(np.mean(y)), error, label.unit)}\n"
        f"scatter {value_with_error(scatter, uncertainty, label.unit)}"
    )
    ax.text(
        0.03, 0.97, f"{text}\n{len(y):,} stars", transform=ax.transAxes, va="top", fontsize="x-small", bbox=TEXT_BOX,
        zorder=4,
    )  # fmt: skip


def _running_median(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return places and medians of bins of equal width within the central 98 % of x."""
    low, high = np.quantile(x, [0.01, 0.99])
    if not high > low:
        return np.array([]), np.array([])
    number = np.floor((x - low) / (high - low) * _BINS).astype(int)
    usable = [k for k in range(_BINS) if np.count_nonzero(number == k) >= _LEAST]
    centres = np.array([np.median(x[number == k]) for k in usable])
    return centres, np.array([np.median(y[number == k]) for k in usable])


def _even_limits(values: FloatArray) -> tuple[float, float]:
    """Return limits that are even about 0 and hold all but the outermost hundredth."""
    reach = 1.3 * float(np.abs(central(values, _LEFT_OUT)).max(initial=0.0)) or 1.0
    return -reach, reach
