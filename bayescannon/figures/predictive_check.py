"""Plot of posterior predictive checks along wavelength."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from bayescannon.cannon.predictive_check import PixelCheck
from bayescannon.figures.style import (
    BAND_COLOUR,
    DATA_COLOUR,
    GUIDE_COLOUR,
    LINE_COLOUR,
    MODEL_COLOUR,
    WAVELENGTH_TEXT,
    new_figure,
    span,
)
from bayescannon.numerics.errors import InputError

# the share of pixels whose p-value is below this is as large where the model holds
_SMALL = 0.05


def plot_predictive_check(check: PixelCheck, axes: Sequence[Axes] | None = None) -> tuple[Axes, ...]:
    """
    Plot what each pixel's residuals are, and what they would be under the model.

    Parameters
    ----------
    check : PixelCheck
        From :func:`bayescannon.cannon.predictive_check.check_pixels`.
    axes : sequence of matplotlib Axes, optional
        One for each statistic and one for the p-values; by default those of a new figure.

    Returns
    -------
    axes : tuple of matplotlib Axes

    Raises
    ------
    InputError
        Another number of axes.
    """
    n_panel = len(check.names) + 1
    if axes is None:
        axes = new_figure(11, 1.7 * n_panel + 0.6).subplots(n_panel, 1, sharex=True)
    panels = tuple(axes)
    if len(panels) != n_panel:
        raise InputError(f"a check of {', '.join(check.names)} needs {n_panel} axes; got {len(panels)}")
    x = check.wavelength
    for k, (ax, name) in enumerate(zip(panels, check.names, strict=False)):
        low, high, observed = check.low[k], check.high[k], check.observed[k]
        ax.fill_between(x, low, high, color=BAND_COLOUR, alpha=0.6, linewidth=0, label="95 % of replications")
        ax.plot(x, observed, color=DATA_COLOUR, linewidth=0.6, label="observed")
        ax.set_ylabel(f"{name} of\nresidual / $\\sigma$")
        ax.set_ylim(*span(low, high, observed))
        ax.grid(axis="y", color=GUIDE_COLOUR, linewidth=0.4)
    panels[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize="small", frameon=False)
    last = panels[-1]
    smallest = float(np.nanmin(check.p_value, initial=_SMALL))
    for name, p_value, colour in zip(
        check.names, check.p_value, (DATA_COLOUR, MODEL_COLOUR, LINE_COLOUR, "black"), strict=False
    ):
        share = float(np.mean(p_value[np.isfinite(p_value)] < _SMALL)) if np.isfinite(p_value).any() else float("nan")
        text = f"{name}: {100 * share:.1f} % below {_SMALL:g}"
        last.plot(x, p_value, ".", color=colour, markersize=2.5, label=text)
    last.axhline(_SMALL, color="black", linewidth=0.6, linestyle="--")
    last.set_yscale("log")
    last.set_ylim(smallest / 1.5, 1.3)
    last.set_ylabel("p-value")
    last.set_xlabel(WAVELENGTH_TEXT)
    # above the points, which fill the panel
    last.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize="small", frameon=False, markerscale=3)
    for ax in panels:
        ax.set_xlim(*span(x, margin=0.01))
    return panels
