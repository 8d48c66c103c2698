"""Plot of one spectrum, its model and the residuals."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayescannon.figures.style import (
    BAND_COLOUR,
    DATA_COLOUR,
    GUIDE_COLOUR,
    MARK_COLOUR,
    MODEL_COLOUR,
    WAVELENGTH_TEXT,
    new_figure,
    span,
)
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.outlier_mixture import OUTLYING


def plot_spectrum(
    wavelength: ArrayLike,
    flux: ArrayLike,
    ivar: ArrayLike,
    model: ArrayLike,
    ax: tuple[Axes, Axes] | None = None,
    *,
    shares: ArrayLike | None = None,
) -> tuple[Axes, Axes]:
    """
    Plot a spectrum with its model, and below them the residuals.

    Parameters
    ----------
    wavelength : array of shape (P,)
        Vacuum rest wavelength in Angstrom.
    flux, ivar : arrays of shape (P,)
        Normalised flux and its inverse variance; the flux of dead pixels (0) is left blank, the model is drawn.
    model : array of shape (P,)
        Model flux; NaN in dead pixels of the model.
    ax : pair of matplotlib Axes, optional
        Axes for spectrum and residuals; by default those of a new figure.
    shares : array of shape (P,), optional
        What is left of the pixels' weights, a row of :func:`bayescannon.cannon.outlying_pixels.pixel_shares`: pixels
        with less than half are marked.

    Returns
    -------
    upper, lower : matplotlib Axes

    Raises
    ------
    InputError
        The arrays do not have one value per pixel.
    """
    x, y, weight, fit = (np.asarray(array, dtype=float) for array in (wavelength, flux, ivar, model))
    left = np.ones(x.shape) if shares is None else np.asarray(shares, dtype=float)
    if not x.shape == y.shape == weight.shape == fit.shape == left.shape or x.ndim != 1:
        raise InputError(
            "wavelength, flux, ivar and model must have one value per pixel; got shapes "
            f"{x.shape}, {y.shape}, {weight.shape} and {fit.shape}"
            + ("" if shares is None else f", and shares {left.shape}")
        )
    upper, lower = ax if ax is not None else _new_pair()
    live = weight > 0
    sigma = 1 / np.sqrt(np.where(live, weight, np.nan))
    y = np.where(live, y, np.nan)
    residual = y - fit

    upper.fill_between(x, y - sigma, y + sigma, color=BAND_COLOUR, alpha=0.5, linewidth=0, label=r"$\pm 1\sigma$")
    upper.plot(x, y, color=DATA_COLOUR, linewidth=0.6, label="data")
    upper.plot(x, fit, color=MODEL_COLOUR, linewidth=0.8, label="model")
    outlying = live & (left < OUTLYING)
    if outlying.any():
        upper.plot(x[outlying], y[outlying], "o", color=MARK_COLOUR, markersize=3, label="outliers")
    upper.set_ylim(*span(y, fit))
    upper.set_ylabel("normalised flux")
    upper.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize="small", frameon=False)

    lower.plot(x, residual, color=DATA_COLOUR, linewidth=0.6)
    # above the data, which would hide it
    lower.fill_between(x, -sigma, sigma, color=BAND_COLOUR, alpha=0.5, linewidth=0, zorder=3)
    lower.axhline(0, color=MODEL_COLOUR, linewidth=0.8, zorder=4)
    lower.set_ylim(*span(residual))
    lower.set_ylabel("data $-$ model\n[flux]")
    lower.set_xlabel(WAVELENGTH_TEXT)
    for axes in (upper, lower):
        axes.set_xlim(*span(x, margin=0.01))
        axes.grid(axis="y", color=GUIDE_COLOUR, linewidth=0.4)
    return upper, lower


def _new_pair() -> tuple[Axes, Axes]:
    """Make a figure with a tall panel above a short one."""
    upper, lower = new_figure(11, 5).subplots(2, 1, sharex=True, height_ratios=[2.5, 1])
    return upper, lower
