"""Common parts of all figures: new figures without global state, colours, limits, and saving."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import ArrayLike, NDArray

from bayescannon.data.labels import KNOWN_LABELS, Label
from bayescannon.data.spectral_features import Feature, named_feature
from bayescannon.io.outputs import replacing
from bayescannon.numerics.errors import InputError

# colours that colour-blind people can distinguish (Okabe and Ito)
DATA_COLOUR = "0.45"
MODEL_COLOUR = "#D55E00"
LINE_COLOUR = "#0072B2"
MARK_COLOUR = "#E69F00"
BAND_COLOUR = "#56B4E9"
GUIDE_COLOUR = "0.8"
# kinds of stars, in the order in which they are given
KIND_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
# the same on black: a blue that is seen there, and white for black
DARK_KIND_COLOURS = ("#5B8DF5", *KIND_COLOURS[1:6], "#FFFFFF")
# of flagged stars, whose markers are open
FLAGGED_COLOUR = "0.55"
# viridis without its yellow end, which is hardly seen on white
COLOUR_MAP = ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.75, 256)), "bayescannon")
# viridis without its dark end, which is hardly seen on black
DARK_COLOUR_MAP = ListedColormap(colormaps["viridis"](np.linspace(0.25, 1.0, 256)), "bayescannon dark")
# two ends that are told apart, and a grey middle that is seen on white
DIVERGING_MAP = LinearSegmentedColormap.from_list("bayescannon diverging", ["#0072B2", "0.72", "#D55E00"])
# few dots per inch make text that cannot be read
LEAST_DPI = 100
# more stars than this are drawn as their density
MOST_POINTS = 20_000
# names at wavelengths are at least this share of the axis apart
NAME_DISTANCE = 0.02

# where formats hold when they were made
_DATES = {".svg": "Date", ".pdf": "CreationDate"}
_STRONG_LINES = ("H gamma", "H beta", "Mg b", "Na D", "H alpha", "Ca II triplet")
_GREYS = LinearSegmentedColormap.from_list("bayescannon greys", ["0.82", "0.35"])
# stars from which on the farthest do not set the limits of axes
_MANY = 2000

# behind numbers in a panel
TEXT_BOX = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": "0.8", "alpha": 0.85}
SNR_TEXT = "S/N in the g band"
WAVELENGTH_TEXT = r"vacuum rest wavelength [$\rm\AA$]"


class _StyledFigure(Figure):
    """A figure whose curves have the colours of this package where they are not given one."""

    def add_subplot(self, *args: Any, **options: Any) -> Any:
        ax = super().add_subplot(*args, **options)
        ax.set_prop_cycle(color=list(KIND_COLOURS))
        return ax


def new_figure(width: float, height: float) -> Figure:
    """Make a figure of a size in inches, with constrained layout and outside pyplot's global state."""
    return _StyledFigure(figsize=(width, height), layout="constrained")


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


def mark_strong_lines(axes: Sequence[Axes], wavelength: NDArray[Any]) -> None:
    """Mark and name the strongest lines of a giant, as :func:`mark_lines`."""
    mark_lines(axes, [named_feature(name) for name in _STRONG_LINES], wavelength)


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


def draw_behind(ax: Axes, x: NDArray[Any], y: NDArray[Any], text: str) -> None:
    """Draw stars in grey behind others: as points, or many as their density; give them an entry in the legend."""
    shown = np.isfinite(x) & np.isfinite(y)
    x, y = x[shown], y[shown]
    if len(x) > MOST_POINTS:
        ax.hexbin(x, y, gridsize=120, mincnt=1, bins="log", cmap=_GREYS, linewidths=0.1, zorder=0, rasterized=True)
        ax.scatter([], [], s=12, color=DATA_COLOUR, linewidths=0, label=text)
    else:
        ax.scatter(x, y, s=5, color=DATA_COLOUR, alpha=0.35, linewidths=0, zorder=0, rasterized=True, label=text)


def draw_flagged(ax: Axes, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Draw flagged stars as open markers, and say in the legend how many they are; nothing without any."""
    n_flagged = int(np.count_nonzero(np.isfinite(x) & np.isfinite(y)))
    if n_flagged:
        ax.scatter(
            x, y, s=9, facecolors="none", edgecolors=FLAGGED_COLOUR, linewidths=0.6, rasterized=True, zorder=1,
            label=f"{n_flagged:,} flagged",
        )  # fmt: skip


def falling_kiel_axes(ax: Axes, teff: NDArray[Any], logg: NDArray[Any]) -> None:
    """Let both axes of a Kiel diagram fall, with limits that hold all but the farthest thousandth of many stars."""
    ax.set_xlim(*reversed(span(central(teff, 0.0005, least=_MANY))))
    ax.set_ylim(*reversed(span(central(logg, 0.0005, least=_MANY))))
    ax.set_xlabel(KNOWN_LABELS["teff"].axis_text())
    ax.set_ylabel(KNOWN_LABELS["logg"].axis_text())


def central(values: NDArray[Any], left_out: float, *, least: int = 1) -> NDArray[Any]:
    """
    Return the finite values without a share of them at either end, so that outliers do not set the limits of axes.

    Fewer than `least` values are all returned.
    """
    finite: NDArray[Any] = values[np.isfinite(values)]
    if len(finite) < max(least, 1):
        return finite
    low, high = np.quantile(finite, [left_out, 1 - left_out])
    inside: NDArray[Any] = finite[(finite >= low) & (finite <= high)]
    return inside


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
        matplotlib does not write files with this ending, or `dpi` is below 100.
    OSError
        Nothing can be written there.
    """
    if not dpi >= LEAST_DPI:
        raise InputError(f"dpi must be at least {LEAST_DPI}, so that texts can be read; got {dpi}")
    target = Path(path)
    known = figure.canvas.get_supported_filetypes()
    if target.suffix.removeprefix(".").lower() not in known:
        raise InputError(f"the ending of a figure must be one of {', '.join(known)}; got {target.name!r}")
    # the same figure gives the same bytes: no random ids, and no date
    no_date = {date: None for ending, date in _DATES.items() if target.suffix.lower() == ending}
    with replacing(target, overwrite=True) as partial, rc_context({"svg.hashsalt": "bayescannon"}):
        figure.savefig(partial, dpi=dpi, bbox_inches="tight", metadata=no_date or None)
