"""Posterior, formal errors and bootstraps of a label of a few stars, side by side, by ArviZ."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayescannon.data.labels import Label
from bayescannon.figures.style import GUIDE_COLOUR, LINE_COLOUR, MARK_COLOUR, MODEL_COLOUR
from bayescannon.numerics.errors import InputError

_COLOURS = (LINE_COLOUR, MODEL_COLOUR, "#009E73", MARK_COLOUR)
# of the thick and the thin line
_PROBABILITIES = (0.6827, 0.95)


def plot_label_forest(draws: Mapping[str, Any], label: Label, *, relative: bool = False) -> Figure:
    """
    Plot medians and central 68.3 % and 95 % intervals of one label, a row a star and a colour a group.

    Parameters
    ----------
    draws : mapping of str to xarray.Dataset
        Groups with one chain and the same number of draws each, from
        :func:`bayescannon.uncertainty.datatree.comparable_draws`.
    label : Label
        Which of their labels.
    relative : bool
        Say that the draws are relative to each star's inferred label.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    ValueError
        There are no groups or more than four, the label is not in one, or they differ in stars or number of draws.
    """
    import arviz_plots

    data = _prepare(draws, label)
    collection = arviz_plots.plot_forest(
        data, point_estimate="median", ci_kind="eti", ci_probs=_PROBABILITIES, **_options(data)
    )
    return _finish(collection, data, label, relative=relative)


def plot_label_ridge(draws: Mapping[str, Any], label: Label, *, relative: bool = False) -> Figure:
    """
    Plot densities of one label, a row a star and a colour a group; see :func:`plot_label_forest`.

    Parameters
    ----------
    draws, label, relative
        As there.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    ValueError
        As there.
    """
    import arviz_plots

    data = _prepare(draws, label)
    collection = arviz_plots.plot_ridge(data, kind="kde", **_options(data))
    return _finish(collection, data, label, relative=relative)


def _prepare(draws: Mapping[str, Any], label: Label) -> dict[str, Any]:
    """Take one label of every group; refuse what ArviZ would drop without a word."""
    if not 1 <= len(draws) <= len(_COLOURS):
        raise InputError(f"a figure compares one to {len(_COLOURS)} groups of draws; got {len(draws)}")
    data = {}
    for name, group in draws.items():
        names = group["stellar_label"].values.tolist()
        if label.name not in names:
            raise InputError(f"the draws of {name} are of {', '.join(names)}; {label.name} is not among them")
        one = group[["labels"]].sel(stellar_label=label.name, drop=True)
        data[name] = one.drop_vars("unit", errors="ignore").drop_attrs()
    first, *others = data.values()
    for name, other in zip(list(data)[1:], others, strict=True):
        same_stars = np.array_equal(first["star"].values, other["star"].values)
        if not same_stars or dict(first.sizes) != dict(other.sizes):
            raise InputError(
                f"groups must have the same stars and numbers of draws; {next(iter(data))} has {dict(first.sizes)} and "
                f"{name} has {dict(other.sizes)}; see comparable_draws"
            )
    return data


def _options(data: Mapping[str, Any]) -> dict[str, Any]:
    n_star = next(iter(data.values())).sizes["star"]
    return {
        "combined": True,
        "backend": "matplotlib",
        "labels": ["star"],
        "color": list(_COLOURS[: len(data)]),
        "figure_kwargs": {
            "figsize": (7.5, 1.4 + 0.5 * n_star),
            "figsize_units": "inches",
            "width_ratios": [1, 2.2],
            "layout": "constrained",
        },
    }


def _finish(collection: Any, data: Mapping[str, Any], label: Label, *, relative: bool) -> Figure:
    """Say what is shown, and take the figure out of pyplot's hands, which would keep and show it."""
    figure: Figure = collection.get_viz("figure")
    Gcf.destroy_fig(figure)
    left, ax = figure.axes
    left.set_xticks([])
    left.spines["bottom"].set_visible(False)
    if relative:
        ax.axvline(0, color=GUIDE_COLOUR, linewidth=0.8, zorder=0)
    ax.set_xlabel(f"{label.symbol} $-$ inferred [{label.unit}]" if relative else label.axis_text())
    lines = [Line2D([], [], color=colour, linewidth=2) for colour in _COLOURS[: len(data)]]
    figure.legend(lines, list(data), loc="outside upper right", ncols=len(data), frameon=False, fontsize="small")
    return figure
