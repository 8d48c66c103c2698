"""Inferred labels against reference labels, as in figure 5 of Ho et al. 2017."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from bayescannon.data.display import value_with_error
from bayescannon.data.labels import Label
from bayescannon.figures.style import (
    COLOUR_MAP,
    MODEL_COLOUR,
    SNR_TEXT,
    TEXT_BOX,
    add_colour_bar,
    colour_scale,
    new_axes,
    new_figure,
    require_panels,
    scatter_points,
    span,
)

_DENSITY_TEXT = "stars per cell"


def plot_one_to_one(
    reference: ArrayLike,
    inferred: ArrayLike,
    ax: Axes | None = None,
    *,
    label: Label,
    bias: float,
    scatter: float,
    bias_error: float = math.nan,
    snr: ArrayLike | None = None,
    names: tuple[str, str] = ("reference", "inferred"),
) -> Axes:
    """
    Plot the inferred label of each star against its reference label.

    Parameters
    ----------
    reference, inferred : arrays of shape (N,)
        In the label's unit; stars with a NaN are left out.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    label : Label
        The label that is shown.
    bias, scatter : float
        Numbers printed in the panel, in the label's unit; they are not computed here.
    bias_error : float
        Standard error of the bias; not printed if NaN.
    snr : array of shape (N,), optional
        Signal-to-noise ratio, shown as colour. Without it the colour is the density of stars.
    names : pair of str
        Sources of the reference and of the inferred labels, for the text of the axes.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = new_axes(ax)
    norm = None if snr is None else colour_scale(np.asarray(snr, dtype=float), log=True)
    points = _draw_panel(reference, inferred, ax, label, (bias, bias_error, scatter), snr, norm)
    ax.set_xlabel(f"{names[0]} {label.axis_text()}")
    ax.set_ylabel(f"{names[1]} {label.axis_text()}")
    _explain_colours(ax.figure, points, ax, with_snr=snr is not None)
    return ax


def plot_one_to_one_panels(
    reference: ArrayLike,
    inferred: ArrayLike,
    labels: Sequence[Label],
    *,
    bias: ArrayLike,
    scatter: ArrayLike,
    bias_error: ArrayLike | None = None,
    snr: ArrayLike | None = None,
    names: tuple[str, str] = ("reference", "inferred"),
) -> Figure:
    """
    Plot inferred against reference labels, one panel per label (Ho et al. 2017, figure 5).

    Parameters
    ----------
    reference, inferred : arrays of shape (N, K)
        In the labels' units; in each panel, stars with a NaN are left out.
    labels : sequence of K Label
        The labels that are shown.
    bias, scatter : arrays of shape (K,)
        Numbers printed in the panels, in the labels' units.
    bias_error : array of shape (K,), optional
        Standard errors of the biases.
    snr, names
        See :func:`plot_one_to_one`; all panels share one colour scale.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        An array does not have one value per label.
    """
    reference, inferred = np.asarray(reference, dtype=float), np.asarray(inferred, dtype=float)
    bias, scatter = np.asarray(bias, dtype=float), np.asarray(scatter, dtype=float)
    errors = np.full(bias.shape, np.nan) if bias_error is None else np.asarray(bias_error, dtype=float)
    require_panels(labels, reference=reference, inferred=inferred, bias=bias, bias_error=errors, scatter=scatter)
    n_columns = min(len(labels), 3)
    n_rows = math.ceil(len(labels) / n_columns)
    figure = new_figure(3.6 * n_columns + 0.8, 3.5 * n_rows + 0.2)
    axes = [figure.add_subplot(n_rows, n_columns, k + 1) for k in range(len(labels))]
    norm = None if snr is None else colour_scale(np.asarray(snr, dtype=float), log=True)
    drawn = [
        _draw_panel(reference[:, k], inferred[:, k], axes[k], label, (bias[k], errors[k], scatter[k]), snr, norm)
        for k, label in enumerate(labels)
    ]
    if norm is None:
        shared = LogNorm(1, max(points.norm.vmax for points in drawn))
        for points in drawn:
            points.set_norm(shared)
    for ax, label in zip(axes, labels, strict=True):
        ax.set_xlabel(f"{names[0]} {label.axis_text()}")
        ax.set_ylabel(f"{names[1]} {label.axis_text()}")
    _explain_colours(figure, drawn[0], axes, with_snr=snr is not None)
    return figure


def _draw_panel(
    reference: ArrayLike,
    inferred: ArrayLike,
    ax: Axes,
    label: Label,
    statistics: tuple[float, float, float],
    snr: ArrayLike | None,
    norm: Normalize | None,
) -> Any:
    """Draw stars, the one-to-one line and the numbers; return the points, for the colour bar."""
    x, y = np.asarray(reference, dtype=float), np.asarray(inferred, dtype=float)
    shown = np.isfinite(x) & np.isfinite(y)
    x, y = x[shown], y[shown]
    limits = span(x, y)
    if snr is None or norm is None:
        extent = (*limits, *limits)
        cells = int(np.clip(2 * math.sqrt(len(x)), 20, 70))
        points = ax.hexbin(x, y, gridsize=cells, extent=extent, mincnt=1, cmap=COLOUR_MAP, linewidths=0.1)
        counts = np.asarray(points.get_array())
        points.set_norm(LogNorm(1, max(2, counts.max() if len(counts) else 2)))
    else:
        points = scatter_points(ax, x, y, np.asarray(snr, dtype=float)[shown], norm, cmap=COLOUR_MAP)
    ax.plot(limits, limits, color=MODEL_COLOUR, linewidth=1.2, linestyle="--")
    ax.set(xlim=limits, ylim=limits, aspect="equal")
    ax.locator_params(nbins=5)
    bias, error, scatter = statistics
    said = value_with_error(bias, error, label.unit)
    if not np.isfinite(error):
        said = f"{bias:.{label.digits}f} {label.unit}"
    ax.text(
        0.04, 0.96, f"bias {said}\nscatter {scatter:.{label.digits}f} {label.unit}\n{len(x):,} stars",
        transform=ax.transAxes, va="top", ha="left", fontsize="small", bbox=TEXT_BOX,
    )  # fmt: skip
    return points


def _explain_colours(figure: Any, points: Any, axes: Axes | list[Axes], *, with_snr: bool) -> None:
    """Add one colour bar for all panels."""
    if with_snr:
        add_colour_bar(figure, points, axes, SNR_TEXT, extend="both")
    else:
        add_colour_bar(figure, points, axes, _DENSITY_TEXT, extend="neither")
