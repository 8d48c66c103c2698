"""Plot of the hidden components of a model along the wavelength, with the features at their peaks."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from bayescannon.data.spectral_features import named_feature
from bayescannon.figures.style import (
    GUIDE_COLOUR,
    LINE_COLOUR,
    NAME_DISTANCE,
    WAVELENGTH_TEXT,
    name_places,
    new_figure,
    span,
)
from bayescannon.numerics.errors import InputError

if TYPE_CHECKING:
    from bayescannon.cannon.hidden_result import HiddenAtlas


def plot_hidden_components(atlas: "HiddenAtlas", number: int = 6) -> Figure:
    """
    Plot the change of the flux by each hidden component, one panel each, with named peaks.

    Parameters
    ----------
    atlas : HiddenAtlas
        From :func:`bayescannon.cannon.hidden_components.hidden_atlas`.
    number : int
        How many components, from the first.

    Returns
    -------
    figure : matplotlib Figure

    Raises
    ------
    InputError
        `number` is below 1.
    """
    if number < 1:
        raise InputError(f"a figure needs at least one component; got number={number}")
    components = atlas.components[:number]
    wavelength = atlas.wavelength
    figure = new_figure(11, 1.7 * len(components) + 0.8)
    axes = np.atleast_1d(figure.subplots(len(components), 1, sharex=True))
    for ax, component in zip(axes, components, strict=True):
        curve = atlas.loadings[:, component.number - 1]
        low, high = span(curve)
        ax.axhline(0, color=GUIDE_COLOUR, linewidth=0.8, zorder=0)
        ax.plot(wavelength, curve, color=LINE_COLOUR, linewidth=0.6)
        ax.set_ylim(low, high + 0.5 * (high - low))
        ax.set_ylabel(f"component {component.number}\n[flux]")
        alike = component.resembles[0]
        ax.set_title(
            f"{100 * component.share:.0f} % of the variance, {component.kind}; "
            f"correlation with {alike.name} {alike.correlation:+.2f}",
            loc="right", fontsize="small", pad=2,
        )  # fmt: skip
        known = [peak for peak in component.peaks if peak.name]
        name_places(
            ax, [peak.wavelength for peak in known],
            [peak.name if peak.spike else named_feature(peak.name).symbol for peak in known],
            apart=NAME_DISTANCE * (wavelength[-1] - wavelength[0]),
        )  # fmt: skip
    axes[-1].set_xlabel(WAVELENGTH_TEXT)
    axes[-1].set_xlim(*span(wavelength, margin=0.01))
    figure.align_ylabels(list(axes))
    return figure
