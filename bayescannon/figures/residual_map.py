"""Residuals of many spectra as an image, with the stars in the order of a label: what the model does not describe."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import ArrayLike

from bayescannon.data.labels import Label
from bayescannon.figures.style import DIVERGING_MAP, WAVELENGTH_TEXT, mark_strong_lines, new_axes
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# rows of the image: stars that follow each other in the label are averaged
ROWS = 100


def plot_residual_map(
    wavelength: ArrayLike,
    residuals: ArrayLike,
    values: ArrayLike,
    ax: Axes | None = None,
    *,
    label: Label,
    rows: int = ROWS,
) -> Axes:
    r"""
    Plot (data - model) of many stars as an image, with the stars in the order of a label.

    What all rows share is an error of the model or of the survey; what changes along the label is curvature that the
    quadratic label vector does not have.

    Parameters
    ----------
    wavelength : array of shape (P,)
        Vacuum rest wavelength in Angstrom.
    residuals : array of shape (N, P)
        Of the normalised flux; NaN in dead pixels.
    values : array of shape (N,)
        The label of each star; stars with a NaN are left out.
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    label : Label
        Whose values they are.
    rows : int
        Most rows of the image; more stars than that are averaged with those next in the label.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        The arrays do not fit together, or no star has a value.

    Examples
    --------
    >>> from bayescannon.data.labels import KNOWN_LABELS
    >>> residuals = np.zeros((3, 4))
    >>> ax = plot_residual_map([4000, 4001, 4002, 4003], residuals, [4800, 4500, 5000], label=KNOWN_LABELS["teff"])
    >>> ax.get_ylabel()
    '$T_{\\rm eff}$ [K], stars in its order'
    """
    x, left, order_by = (np.asarray(array, dtype=float) for array in (wavelength, residuals, values))
    if left.shape != (len(order_by), len(x)) or x.ndim != 1:
        raise InputError(
            "residuals must have a row per star and a column per pixel; got shape "
            f"{left.shape} for {order_by.shape} values and {x.shape} wavelengths"
        )
    known = np.flatnonzero(np.isfinite(order_by))
    if len(known) == 0:
        raise InputError(f"no star has a value of {label.name}; a residual map needs at least one")
    order = known[np.argsort(order_by[known], kind="stable")]
    groups = np.array_split(order, min(rows, len(order)))
    image = np.array([_mean(left[group]) for group in groups])
    ax = new_axes(ax, width=11.0, height=4.5)
    reach = float(np.nanquantile(np.abs(image), 0.99)) if np.isfinite(image).any() else 0.0
    norm = Normalize(-(reach or 1.0), reach or 1.0)
    edges = np.concatenate([[x[0] - (x[1] - x[0]) / 2], (x[1:] + x[:-1]) / 2, [x[-1] + (x[-1] - x[-2]) / 2]])
    mesh = ax.pcolormesh(edges, np.arange(len(groups) + 1), image, norm=norm, cmap=DIVERGING_MAP, rasterized=True)
    places = np.unique(np.linspace(0, len(groups) - 1, 6).round().astype(int))
    ax.set_yticks(places + 0.5, [f"{np.median(order_by[groups[k]]):.4g}" for k in places])
    ax.set_xlabel(WAVELENGTH_TEXT)
    ax.set_ylabel(f"{label.axis_text()}, stars in its order")
    ax.figure.colorbar(mesh, ax=ax, label="data $-$ model [flux]", extend="both", pad=0.02, aspect=30)
    mark_strong_lines([ax], x)
    return ax


def _mean(rows: FloatArray) -> FloatArray:
    """Return the mean of the live pixels; NaN where all are dead."""
    live = np.isfinite(rows)
    count = live.sum(axis=0)
    total = np.where(live, rows, 0.0).sum(axis=0)
    mean: FloatArray = np.divide(total, count, out=np.full(rows.shape[1], np.nan), where=count > 0)
    return mean
