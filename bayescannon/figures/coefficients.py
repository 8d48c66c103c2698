"""Leading coefficients and scatter against wavelength, as in figure 4 of Ho et al. 2017."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from bayescannon.data.labels import Label
from bayescannon.data.spectral_features import INTERSTELLAR_BANDS
from bayescannon.figures.style import (
    GUIDE_COLOUR,
    LINE_COLOUR,
    MARK_COLOUR,
    WAVELENGTH_TEXT,
    mark_strong_lines,
    new_figure,
    require_panels,
    span,
)
from bayescannon.models.label_vector import n_terms
from bayescannon.numerics.errors import InputError


def plot_coefficients(
    wavelength: ArrayLike,
    theta: ArrayLike,
    scatter: ArrayLike,
    labels: Sequence[Label],
    *,
    scale: ArrayLike,
) -> Figure:
    r"""
    Plot the leading (linear) coefficient of every label, and the scatter (Ho et al. 2017, figure 4).

    The panels show the change of the normalised flux at the pivot for a change of the label by its published plot scale
    d (91.5 K, 0.11, 0.05, 0.05 and 1 for the paper's labels): :math:`\theta_{pk}\, d_k / \mathrm{scale}_k`.

    Parameters
    ----------
    wavelength : array of shape (P,)
        Vacuum rest wavelength in Angstrom.
    theta : array of shape (P, T)
        Coefficients of the label vector of scaled labels.
    scatter : array of shape (P,)
        Intrinsic scatter; a pixel whose scatter is not finite is dead and left blank.
    labels : sequence of K Label
        Labels of the model, in order.
    scale : array of shape (K,)
        Scales of the model's scaler, in the labels' units.

    Returns
    -------
    figure : matplotlib Figure
        K panels of coefficients and one of scatter, from top to bottom.

    Raises
    ------
    InputError
        The shapes do not match.
    """
    wavelength, theta = np.asarray(wavelength, dtype=float), np.asarray(theta, dtype=float)
    scatter, scale = np.asarray(scatter, dtype=float), np.asarray(scale, dtype=float)
    require_panels(labels, scale=scale)
    if theta.shape != (len(wavelength), n_terms(len(labels))) or scatter.shape != wavelength.shape:
        raise InputError(
            f"theta must have shape (pixel, term) = {(len(wavelength), n_terms(len(labels)))} and scatter "
            f"(pixel,) for {len(wavelength)} wavelengths and {len(labels)} labels; got {theta.shape} and "
            f"{scatter.shape}"
        )
    dead = ~np.isfinite(scatter)
    figure = new_figure(11, 1.7 * (len(labels) + 1) + 0.6)
    axes = figure.subplots(len(labels) + 1, 1, sharex=True)
    for k, label in enumerate(labels):
        ax, step = axes[k], label.published.plot_scale
        curve = np.where(dead, np.nan, theta[:, 1 + k] * (step / scale[k]))
        ax.axhline(0, color=GUIDE_COLOUR, linewidth=0.8, zorder=0)
        ax.plot(wavelength, curve, color=LINE_COLOUR, linewidth=0.6)
        ax.set_ylim(*span(curve))
        ax.set_ylabel(f"{label.symbol}\n[flux / {step:g} {label.unit}]")
        if label.name == "a_k":
            _mark_bands(ax, wavelength)
    axes[-1].plot(wavelength, np.where(dead, np.nan, scatter), color="black", linewidth=0.6)
    axes[-1].set_ylim(0, span(scatter)[1])
    axes[-1].set_ylabel("scatter\n[flux]")
    axes[-1].set_xlabel(WAVELENGTH_TEXT)
    axes[-1].set_xlim(*span(wavelength, margin=0.01))
    mark_strong_lines(axes, wavelength)
    figure.align_ylabels(axes)
    return figure


def _mark_bands(ax: Axes, wavelength: np.ndarray) -> None:
    """Mark the interstellar bands by ticks at the upper edge of the panel, whose range is extended for them."""
    known = [band for band in INTERSTELLAR_BANDS if wavelength[0] <= band.wavelength <= wavelength[-1]]
    bands = [band.wavelength for band in known]
    if not bands:
        return
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.3 * (high - low))
    ax.vlines(bands, 0.82, 0.97, transform=ax.get_xaxis_transform(), color=MARK_COLOUR, linewidth=1.4)
    for band, name in zip(bands, (f"{one.air:.0f}" for one in known), strict=True):
        # to the left of its tick if the next band is close
        crowded = any(0 < other - band < 90 for other in bands)
        ax.annotate(
            name, (band, 0.9), (-3 if crowded else 3, 0), xycoords=ax.get_xaxis_transform(),
            textcoords="offset points", ha="right" if crowded else "left", va="center", fontsize="x-small",
        )  # fmt: skip
    edges = np.array([wavelength[0], *bands, wavelength[-1]])
    widest = int(np.argmax(np.diff(edges)))
    ax.text(
        edges[widest : widest + 2].mean(), 0.9, "interstellar bands", transform=ax.get_xaxis_transform(),
        ha="center", va="center", fontsize="x-small",
    )  # fmt: skip
