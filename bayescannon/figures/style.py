"""Common parts of all figures: new figures without global state, colours, limits, and saving."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.labels import Label
from bayescannon.data.spectral_features import Feature
from bayescannon.io.outputs import replacing
from bayescannon.numerics.errors import InputError

# colours that colour-blind people can distinguish (Okabe and Ito)
DATA_COLOUR = "0.45"
MODEL_COLOUR = "#D55E00"
LINE_COLOUR = "#0072B2"
MARK_COLOUR = "#E69F00"
BAND_COLOUR = "#56B4E9"
GUIDE_COLOUR = "0.8"
COLOUR_MAP = "viridis"
# names at wavelengths are at least this share of the axis apart
NAME_DISTANCE = 0.02

SNR_TEXT = "S/N in the g band"
WAVELENGTH_TEXT = r"vacuum rest wavelength [$\rm\AA$]"


def new_figure(width: float, height: float) -> Figure:
    """Make a figure of a size in inches, with constrained layout and outside pyplot's global state."""
    return Figure(figsize=(width, height), layout="constrained")


def new_axes(ax: Axes | None, *, width: float = 5.5, height: float = 4.6) -> Axes:
    """Return `ax`, or the axes of a new figure if there is none."""
    return new_figure(width, height).add_subplot() if ax is None else ax


def require_panels(labels: Sequence[Label], **arrays: NDArray[Any]) -> None:
    """
    Raise an error unless every array has one value per label in its last dimension.

    Raises
    ------
    InputError
        No label, or a length differs; the message names the array.
    """
    if not labels:
        raise InputError("a figure needs at least one label; got none")
    for name, array in arrays.items():
        if array.ndim == 0 or array.shape[-1] != len(labels):
            raise InputError(
                f"{name} must have one value per label for the {len(labels)} labels "
                f"({', '.join(label.name for label in labels)}) in its last dimension; got shape {array.shape}"
            )


def span(*arrays: ArrayLike, margin: float = 0.05) -> tuple[float, float]:
    """Return limits that include all finite values with a margin; (0, 1) without finite values."""
    values = np.concatenate([np.ravel(np.asarray(array, dtype=float)) for array in arrays])
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    pad = margin * (high - low) or 0.5
    return low - pad, high + pad


def mark_lines(axes: Sequence[Axes], features: Sequence[Feature], wavelength: NDArray[Any]) -> None:
    """Draw the centres of features on a grid through all panels, and their names over the first."""
    for feature in features:
        lines = [line for line in feature.centres if wavelength[0] <= line <= wavelength[-1]]
        for line in lines:
            for ax in axes:
                ax.axvline(line, color=GUIDE_COLOUR, linewidth=0.6, linestyle=":", zorder=0)
        if lines:
            axes[0].annotate(
                feature.symbol, (float(np.mean(lines)), 1.0), (0, 3), xycoords=axes[0].get_xaxis_transform(),
                textcoords="offset points", ha="center", va="bottom", fontsize="small", color="0.35",
            )  # fmt: skip


def name_places(ax: Axes, places: Sequence[float], names: Sequence[str], *, apart: float) -> None:
    """Mark wavelengths and write their names along the marks; one nearer than `apart` to an earlier one is left out."""
    named: list[float] = []
    for place, name in zip(places, names, strict=True):
        if any(abs(place - other) < apart for other in named):
            continue
        named.append(place)
        ax.axvline(place, color=MARK_COLOUR, linewidth=0.6, zorder=0)
        ax.annotate(
            name, (place, 0.97), xycoords=ax.get_xaxis_transform(), rotation=90, ha="right", va="top",
            fontsize="x-small",
        )  # fmt: skip


def colour_scale(values: NDArray[Any], *, log: bool = False) -> Normalize:
    """Return a colour scale over the central 98 % of the values, so that outliers do not set its range."""
    finite = values[np.isfinite(values) & (values > 0)] if log else values[np.isfinite(values)]
    low, high = np.quantile(finite, [0.01, 0.99]) if len(finite) else (1.0, 2.0)
    if not high > low:
        low, high = (low / 2, low * 2) if log else (low - 0.5, low + 0.5)
    return LogNorm(low, high) if log else Normalize(low, high)


def scatter_points(
    ax: Axes, x: NDArray[Any], y: NDArray[Any], values: NDArray[Any], norm: Normalize, *, cmap: str | Colormap
) -> Any:
    """Draw stars as points coloured by `values`, smaller for more stars; return them for a colour bar."""
    size = float(np.clip(12000 / max(len(x), 1), 3, 16))
    return ax.scatter(x, y, c=values, s=size, norm=norm, cmap=cmap, linewidths=0, rasterized=True)


def add_colour_bar(figure: Any, points: Any, ax: Axes | list[Axes], text: str, *, extend: str) -> None:
    """Add a colour bar; a logarithmic scale has plain numbers."""
    log = {"ticks": log_ticks(), "format": log_numbers()} if isinstance(points.norm, LogNorm) else {}
    bar = figure.colorbar(points, ax=ax, label=text, extend=extend, extendfrac=0.03, pad=0.02, aspect=30, **log)
    bar.ax.minorticks_off()


def log_ticks() -> LogLocator:
    """Return a locator with ticks at 1, 2 and 5 in each decade."""
    return LogLocator(subs=(1.0, 2.0, 5.0))


def log_numbers() -> FuncFormatter:
    """Return a formatter that writes plain numbers instead of powers of ten."""
    return FuncFormatter(lambda value, _: f"{value:g}")


def save_figure(figure: Figure, path: str | os.PathLike[str], *, dpi: float = 150) -> None:
    """
    Write a figure to a file, cropped to its contents; the ending (.png, .pdf, .svg) chooses the format.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure of axes is ``ax.figure``.
    path : path-like
        File to write; an existing file is replaced.
    dpi : float
        Dots per inch of parts that are not vector graphics.

    Raises
    ------
    InputError
        matplotlib does not write files with this ending.
    OSError
        Nothing can be written there.
    """
    target = Path(path)
    known = figure.canvas.get_supported_filetypes()
    if target.suffix.removeprefix(".").lower() not in known:
        raise InputError(f"the ending of a figure must be one of {', '.join(known)}; got {target.name!r}")
    with replacing(target, overwrite=True) as partial:
        figure.savefig(partial, dpi=dpi, bbox_inches="tight")
