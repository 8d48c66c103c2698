"""How a label differs between two catalogues over the Kiel diagram."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike

from bayescannon.data.labels import Label
from bayescannon.figures.style import DIVERGING_MAP, falling_kiel_axes, new_axes

_CELLS = 40


def plot_kiel_difference(
    teff: ArrayLike, logg: ArrayLike, difference: ArrayLike, ax: Axes | None = None, *, label: Label
) -> Axes:
    """
    Plot the median difference of a label in cells of the Kiel diagram.

    Parameters
    ----------
    teff, logg : arrays of shape (N,)
        In K and dex; stars with a NaN in any of the three arrays are left out.
    difference : array of shape (N,)
        A - B, in the label's unit; the colours reach to the central 98 % of the cells.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    label : Label
        Whose difference it is.

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> from bayescannon.data.labels import KNOWN_LABELS
    >>> ax = plot_kiel_difference([4800, 4500], [2.5, 1.9], [10.0, -20.0], label=KNOWN_LABELS["teff"])
    >>> ax.get_title()
    '2 stars'
    """
    ax = new_axes(ax)
    x, y, values = (np.asarray(array, dtype=float) for array in (teff, logg, difference))
    shown = np.isfinite(x) & np.isfinite(y) & np.isfinite(values)
    x, y, values = x[shown], y[shown], values[shown]
    if len(x):
        cells = ax.hexbin(
            x, y, C=values, reduce_C_function=np.median, gridsize=_CELLS, cmap=DIVERGING_MAP, linewidths=0.1,
            rasterized=True,
        )  # fmt: skip
        reach = float(np.quantile(np.abs(np.ma.compressed(np.ma.asarray(cells.get_array()))), 0.98)) or 1.0
        cells.set_norm(Normalize(-reach, reach))
        ax.figure.colorbar(cells, ax=ax, label=f"A $-$ B, {label.axis_text()}", extend="both", pad=0.02, aspect=30)
    falling_kiel_axes(ax, x, y)
    ax.set_title(f"{len(x):,} stars", fontsize="small")
    return ax
