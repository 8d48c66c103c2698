"""Plots that compare posterior, formal errors and bootstraps of the labels of a few stars."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayescannon.data.labels import Label
from bayescannon.figures.style import GUIDE_COLOUR, LINE_COLOUR, MARK_COLOUR, MODEL_COLOUR, new_figure, require_panels
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.intervals import PROBABILITIES
from bayescannon.numerics.typing import FloatArray

_COLOURS = (LINE_COLOUR, MODEL_COLOUR, "#009E73", MARK_COLOUR)
# quantiles at the ends of the thin and the thick line, and the median
# heights in units of the distance between rows: of all groups of a star, and of the highest density
_ROW, _HIGHEST = 0.6, 0.85


def plot_label_forest(draws: Mapping[str, Any], labels: Label | Sequence[Label], *, relative: bool = False) -> Figure:
    """
    Plot medians and central 68.3 % and 95 % intervals: a panel per label, a row per star, a colour per group.

    Parameters
    ----------
    draws : mapping of str to xarray.Dataset
        Groups of draws (chain, draw, star) of each label, from
        :func:`bayescannon.uncertainty.draws.comparable_draws`.
    labels : Label or sequence of Label
        The labels to plot.
    relative : bool
        Whether the draws are relative to each star's inferred label, for the text of the axes.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        No group or more than four groups, no label, a label that is missing in a group, or groups with different stars.
    """

    def draw(ax: Axes, groups: Sequence[FloatArray]) -> None:
        for k, (values, colour) in enumerate(zip(groups, _COLOURS, strict=False)):
            low, inner_low, middle, inner_high, high = np.quantile(values, PROBABILITIES, axis=0)
            rows = np.arange(values.shape[1]) + _ROW * ((k + 0.5) / len(groups) - 0.5)
            ax.hlines(rows, low, high, color=colour, linewidth=1)
            ax.hlines(rows, inner_low, inner_high, color=colour, linewidth=3)
            ax.plot(middle, rows, "o", color=colour, markersize=5.5, markeredgecolor="white", markeredgewidth=0.6)

    return _panels(draws, labels, draw, relative=relative)


def plot_label_ridge(draws: Mapping[str, Any], labels: Label | Sequence[Label], *, relative: bool = False) -> Figure:
    """
    Plot densities: a panel per label, a row per star, a colour per group; see :func:`plot_label_forest`.

    All densities in a panel have the same scale, so that they have equal areas.

    Parameters
    ----------
    draws, labels, relative
        As in :func:`plot_label_forest`.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        As in :func:`plot_label_forest`.
    """
    from arviz_stats.base import array_stats

    def draw(ax: Axes, groups: Sequence[FloatArray]) -> None:
        curves = [[array_stats.kde(star)[:2] for star in values.T] for values in groups]
        highest = max(density.max() for group in curves for _, density in group)
        for group, colour in zip(curves, _COLOURS, strict=False):
            for row, (grid, density) in enumerate(group):
                top = row - _HIGHEST * density / highest
                ax.plot(grid, top, color=colour, linewidth=1.2)
                ax.fill_between(grid, row, top, color=colour, alpha=0.15, linewidth=0)

    return _panels(draws, labels, draw, relative=relative)


def _panels(
    draws: Mapping[str, Any],
    labels: Label | Sequence[Label],
    draw: Callable[[Axes, Sequence[FloatArray]], None],
    *,
    relative: bool,
) -> Figure:
    """Make one panel per label; `draw` fills it with the draws (draw, star) of each group, one row per star."""
    labels = [labels] if isinstance(labels, Label) else list(labels)
    require_panels(labels)
    stars = _require_same_stars(draws, labels)
    figure = new_figure(1.2 + 2.6 * len(labels), 1.2 + 0.45 * len(stars))
    axes = figure.subplots(1, len(labels), sharey=True, squeeze=False)[0]
    for label, ax in zip(labels, axes, strict=True):
        if relative:
            ax.axvline(0, color=GUIDE_COLOUR, linewidth=0.8, zorder=0)
        draw(ax, [group[label.name].transpose(..., "star").values.reshape(-1, len(stars)) for group in draws.values()])
        ax.set_xlabel(f"{label.symbol} $-$ inferred [{label.unit}]" if relative else label.axis_text())
        ax.tick_params(left=False)
        ax.locator_params(axis="x", nbins=5)
        for side in ("left", "right", "top"):
            ax.spines[side].set_visible(False)
    axes[0].set_yticks(np.arange(len(stars)), labels=stars)
    axes[0].set_ylim(len(stars) - 0.4, -1.0)  # the first star on top, with room for its density
    lines = [Line2D([], [], color=colour, linewidth=2) for colour in _COLOURS[: len(draws)]]
    figure.legend(lines, list(draws), loc="outside upper right", ncols=len(draws), frameon=False, fontsize="small")
    return figure


def _require_same_stars(draws: Mapping[str, Any], labels: Sequence[Label]) -> list[str]:
    """Return the names of the stars; raise an error unless every group has the same stars, and the labels."""
    if not 1 <= len(draws) <= len(_COLOURS):
        raise InputError(f"a figure needs one to {len(_COLOURS)} groups of draws; got {len(draws)}")
    stars: dict[str, list[str]] = {}
    for group, values in draws.items():
        names = [str(name) for name in values.data_vars]
        for label in labels:
            if label.name not in names:
                raise InputError(f"the draws of {group} must have the label {label.name}; they have {', '.join(names)}")
        stars[group] = [str(name) for name in values["star"].values]
    first = next(iter(stars))
    for group, names in stars.items():
        if names != stars[first]:
            raise InputError(
                f"groups must have the same stars; {first} has {len(stars[first])} stars, {group} has {len(names)} or "
                "different ones. Use comparable_draws"
            )
    return stars[first]
