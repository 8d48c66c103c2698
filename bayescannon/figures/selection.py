"""Completeness and purity of a selection by membership, from held-out stars."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike

from bayescannon.figures.style import GUIDE_COLOUR, KIND_COLOURS, MODEL_COLOUR, new_axes

_TICKS = (1e-5, 1e-3, 0.05, 0.5, 0.95, 1 - 1e-3, 1 - 1e-5)
_TICK_TEXTS = ("1e-5", "0.001", "0.05", "0.5", "0.95", "0.999", "1 - 1e-5")


def plot_selection(
    limit: ArrayLike,
    completeness: ArrayLike,
    contamination: Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    population: str,
    purity: ArrayLike | None = None,
    chosen: tuple[float, float, float] | None = None,
) -> Axes:
    """
    Plot what a limit on membership keeps of a population and of the others.

    Parameters
    ----------
    limit : array of shape (L,)
        On the probability of the population, between 0 and 1; drawn in log odds.
    completeness : array of shape (L,)
        Share of the population's held-out stars that are kept.
    contamination : mapping of str to array of shape (L,)
        Share of every other population's held-out stars that are kept.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    population : str
        Its name.
    purity : array of shape (L,), optional
        Share of the kept stars that are of the population, in the proportions of a survey.
    chosen : tuple of three float, optional
        A limit and the ends of its interval, which are shaded.

    Returns
    -------
    ax : matplotlib Axes
    """
    ax = new_axes(ax)
    at = np.asarray(limit, dtype=float)
    ax.plot(at, np.asarray(completeness, dtype=float), color=KIND_COLOURS[0], label=f"{population} kept: completeness")
    for number, (name, share) in enumerate(contamination.items(), start=2):
        values = np.asarray(share, dtype=float)
        if np.isfinite(values).any():
            ax.plot(at, values, color=KIND_COLOURS[number % len(KIND_COLOURS)], linestyle="--", label=f"{name} kept")
    if purity is not None:
        ax.plot(at, np.asarray(purity, dtype=float), color="black", linewidth=1.0, label="purity")
    if chosen is not None:
        value, low, high = chosen
        ax.axvspan(low, high, color=GUIDE_COLOUR, alpha=0.3, linewidth=0)
        ax.axvline(value, color=MODEL_COLOUR, linewidth=1.2, label=f"limit {value:.3g}")
    ax.set_xscale("logit")
    # the scale's own labels overlap
    ax.set_xticks(_TICKS, labels=_TICK_TEXTS)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(float(at.min()), float(at.max()))
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel(f"limit on the probability of population {population}")
    ax.set_ylabel("share of held-out stars")
    ax.legend(fontsize="small")
    return ax
