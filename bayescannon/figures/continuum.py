"""A spectrum with its continuum, the broad running mean that it is divided by, as in figure 2 of Ho et al. 2017."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayescannon.figures.style import DATA_COLOUR, GUIDE_COLOUR, MODEL_COLOUR, WAVELENGTH_TEXT, new_figure, span
from bayescannon.numerics.errors import InputError


def plot_continuum(
    wavelength: ArrayLike,
    flux: ArrayLike,
    continuum: ArrayLike,
    ax: tuple[Axes, Axes] | None = None,
    *,
    unit: str = "counts",
) -> tuple[Axes, Axes]:
    """
    Plot a spectrum with its continuum, and below them the normalised spectrum (Ho et al. 2017, figure 2).

    Parameters
    ----------
    wavelength : array of shape (P,)
        Vacuum rest wavelength in Angstrom.
    flux : array of shape (P,)
        As the survey gives it; NaN in dead pixels.
    continuum : array of shape (P,)
        Its running Gaussian mean (eq. 1 and 2), see :func:`bayescannon.data.continuum.running_mean`; NaN where there
        is none.
    ax : pair of matplotlib Axes, optional
        By default those of a new figure.
    unit : str
        Of the flux.

    Returns
    -------
    upper, lower : matplotlib Axes

    Raises
    ------
    InputError
        The arrays do not have one value per pixel.

    Examples
    --------
    >>> upper, lower = plot_continuum([4000.0, 4001.0, 4002.0], [90.0, 80.0, 91.0], [88.0, 88.0, 88.0])
    >>> lower.get_ylabel()
    'normalised flux'
    """
    x, y, mean = (np.asarray(array, dtype=float) for array in (wavelength, flux, continuum))
    if not x.shape == y.shape == mean.shape or x.ndim != 1:
        raise InputError(
            "wavelength, flux and continuum must have one value per pixel; got shapes "
            f"{x.shape}, {y.shape} and {mean.shape}"
        )
    upper, lower = ax if ax is not None else tuple(new_figure(10, 5).subplots(2, 1, sharex=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        normalised = np.where(mean > 0, y / mean, np.nan)
    upper.plot(x, y, color=DATA_COLOUR, linewidth=0.6, label="spectrum")
    upper.plot(x, mean, color=MODEL_COLOUR, linewidth=1.6, label="running Gaussian mean")
    upper.set_ylabel(f"flux [{unit}]")
    upper.set_ylim(*span(y, mean))
    upper.legend(fontsize="small", frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    lower.axhline(1, color=GUIDE_COLOUR, linewidth=1.0, zorder=0)
    lower.plot(x, normalised, color=DATA_COLOUR, linewidth=0.6)
    lower.set_ylabel("normalised flux")
    lower.set_ylim(*span(normalised))
    lower.set_xlabel(WAVELENGTH_TEXT)
    lower.set_xlim(*span(x, margin=0.01))
    return upper, lower
