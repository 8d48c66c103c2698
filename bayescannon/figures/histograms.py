"""Distributions of signal-to-noise ratio and reduced chi2 over the stars of a catalogue."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayescannon.figures.style import (
    GUIDE_COLOUR,
    LINE_COLOUR,
    MODEL_COLOUR,
    SNR_TEXT,
    log_numbers,
    log_ticks,
    new_axes,
)
from bayescannon.numerics.typing import FloatArray

_BINS = 50


def plot_snr_histogram(snr: ArrayLike, ax: Axes | None = None, *, marked: float | None = None) -> Axes:
    """
    Plot how many stars have which signal-to-noise ratio.

    Parameters
    ----------
    snr : array of shape (N,)
        Of every star; those without one, or below 0, are counted in the title.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    marked : float, optional
        An S/N that is marked by a line, as that of a selection.

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> plot_snr_histogram([12.0, 80.0, float("nan")]).get_title()
    '2 stars, median 46.0; 1 more without'
    """
    return _histogram(snr, new_axes(ax), SNR_TEXT, marked)


def plot_chi2_histogram(reduced_chi2: ArrayLike, ax: Axes | None = None, *, limit: float | None = None) -> Axes:
    r"""
    Plot how many stars have which reduced chi2; 1 is where the noise is as stated and the model is right.

    Parameters
    ----------
    reduced_chi2 : array of shape (N,)
        Of every star; those without one are counted in the title.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    limit : float, optional
        The limit above which stars are flagged, marked by a line.

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> plot_chi2_histogram([0.8, 1.2]).get_xlabel()
    'reduced $\\chi^2$'
    """
    ax = _histogram(reduced_chi2, new_axes(ax), r"reduced $\chi^2$", limit)
    ax.axvline(1.0, color=GUIDE_COLOUR, linewidth=1.2, zorder=0)
    return ax


def _histogram(values: ArrayLike, ax: Axes, text: str, marked: float | None) -> Axes:
    """Draw a histogram with bins of equal width in the logarithm."""
    given = np.asarray(values, dtype=float).ravel()
    known: FloatArray = given[np.isfinite(given) & (given > 0)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.5, 2.0)
    if not high > low:
        low, high = low / 1.5, high * 1.5
    counts, edges = np.histogram(known, np.geomspace(low, high, _BINS + 1))
    ax.stairs(counts, edges, color=LINE_COLOUR, fill=True, alpha=0.8)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(log_ticks())
    ax.xaxis.set_major_formatter(log_numbers())
    ax.xaxis.set_minor_formatter("")
    if marked is not None:
        ax.axvline(marked, color=MODEL_COLOUR, linewidth=1.4, linestyle="--", label=f"{marked:g}")
        ax.legend(fontsize="small")
    ax.set_xlabel(text)
    ax.set_ylabel("stars per bin")
    median = f", median {_three_digits(float(np.median(known)))}" if len(known) else ""
    missing = len(given) - len(known)
    ax.set_title(f"{len(known):,} stars{median}" + (f"; {missing:,} more without" if missing else ""), fontsize="small")
    return ax


def _three_digits(value: float) -> str:
    """Return a number with three digits."""
    return f"{value:#.3g}".rstrip(".")
