"""Plots of the information on labels along the wavelength, and of the errors that are expected against S/N."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bayescannon.data.spectral_features import named_feature
from bayescannon.figures.style import (
    DATA_COLOUR,
    LINE_COLOUR,
    MODEL_COLOUR,
    NAME_DISTANCE,
    SNR_TEXT,
    WAVELENGTH_TEXT,
    log_numbers,
    log_ticks,
    name_places,
    new_figure,
    span,
)

if TYPE_CHECKING:
    from bayescannon.cannon.information_result import LabelInformation

# features that each panel names
_N_NAMES = 4


def plot_information(information: "LabelInformation") -> Figure:
    """
    Plot where the information on each label is, in blocks of wavelengths, one panel per label.

    Parameters
    ----------
    information : LabelInformation
        From :func:`bayescannon.cannon.fisher_information.label_information`.

    Returns
    -------
    figure : matplotlib Figure
        Grey: share of the information if everything else is known; blue: if nothing else is; orange: what is lost
        without the block. The features without which most is lost are named.
    """
    labels, wavelength = information.labels, information.wavelength
    figure = new_figure(11, 1.7 * len(labels) + 0.8)
    axes = np.atleast_1d(figure.subplots(len(labels), 1, sharex=True))
    low, high = (np.array([getattr(block, end) for block in information.blocks]) for end in ("low", "high"))
    lost = np.array([block.lost for block in information.blocks])
    edges = np.append(low, high[-1])
    whole = information.marginal.sum(axis=0) + information.prior
    # a pixel belongs to the last block that begins before it
    place = np.searchsorted(low, wavelength, side="right") - 1
    for k, (ax, label) in enumerate(zip(axes, labels, strict=True)):
        known = _percent(np.bincount(place, information.known[:, k], len(low)), information.known[:, k].sum())
        marginal = _percent(np.bincount(place, information.marginal[:, k], len(low)), whole[k])
        ax.stairs(known, edges, color=DATA_COLOUR, linewidth=0.9, label="share, other labels known")
        ax.stairs(marginal, edges, color=LINE_COLOUR, linewidth=1.0, fill=True, alpha=0.5, label="share, marginal")
        ax.stairs(100 * lost[:, k], edges, color=MODEL_COLOUR, linewidth=1.0, label="lost without the block")
        top = span(known, marginal, 100 * lost[:, k])[1]
        ax.set_ylim(0, 1.45 * top)
        ax.set_ylabel(f"{label.symbol}\n[% per block]")
        _name_features(ax, information, label.name)
    axes[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize="small", frameon=False)
    axes[-1].set_xlabel(WAVELENGTH_TEXT)
    axes[-1].set_xlim(*span(wavelength, margin=0.01))
    figure.align_ylabels(list(axes))
    return figure


def plot_expected_errors(information: "LabelInformation") -> Figure:
    """
    Plot the errors that are expected against S/N, one panel per label.

    Parameters
    ----------
    information : LabelInformation
        From :func:`bayescannon.cannon.fisher_information.label_information`.

    Returns
    -------
    figure : matplotlib Figure
        The formal error; that with hidden components and nuisances known, where the model has some; the calibrated
        error, where the model has a calibration.
    """
    expected, labels = information.expected, information.labels
    n_columns = min(len(labels), 3)
    n_rows = -(-len(labels) // n_columns)
    figure = new_figure(3.6 * n_columns + 0.2, 3.0 * n_rows + 0.2)
    for k, label in enumerate(labels):
        ax = figure.add_subplot(n_rows, n_columns, k + 1)
        shown = [expected.formal[:, k]]
        ax.plot(expected.snr, shown[0], "o-", color=LINE_COLOUR, markersize=3, label="formal")
        if not np.array_equal(expected.formal, expected.hidden_known):
            shown.append(expected.hidden_known[:, k])
            ax.plot(expected.snr, shown[-1], "--", color="black", linewidth=1, label="hidden components known")
        if expected.calibrated is not None:
            shown.append(expected.calibrated[:, k])
            ax.plot(expected.snr, shown[-1], "s-", color=MODEL_COLOUR, markersize=3, label="calibrated")
        ax.set_xscale("log")
        finite = np.concatenate(shown)
        finite = finite[np.isfinite(finite) & (finite > 0)]
        if len(finite):
            ax.set_yscale("log")
            ax.set_ylim(finite.min() / 1.3, finite.max() * 1.3)
            ax.yaxis.set_major_locator(log_ticks())
            ax.yaxis.set_major_formatter(log_numbers())
            ax.yaxis.set_minor_formatter(NullFormatter())
        ax.xaxis.set_major_locator(log_ticks())
        ax.xaxis.set_major_formatter(log_numbers())
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel(SNR_TEXT)
        ax.set_ylabel(f"error of {label.axis_text()}")
        if k == 0:
            ax.legend(fontsize="small")
    return figure


def _percent(parts: np.ndarray, whole: float) -> np.ndarray:
    return 100 * parts / whole if whole > 0 else np.zeros(len(parts))


def _name_features(ax: Axes, information: "LabelInformation", label: str) -> None:
    """Mark the features without which most information on a label is lost, at the upper edge of the panel."""
    wavelength = information.wavelength
    known = [named_feature(feature.name) for feature in information.strongest(label, _N_NAMES)]
    # a line beyond the grid does not move the name of a multiplet out of it
    places = [float(np.mean(np.clip(feature.centres, wavelength[0], wavelength[-1]))) for feature in known]
    name_places(
        ax, places, [feature.symbol for feature in known], apart=NAME_DISTANCE * (wavelength[-1] - wavelength[0])
    )
