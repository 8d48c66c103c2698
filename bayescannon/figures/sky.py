"""Stars on the sky in Galactic coordinates, as in figure 12 of Ho et al. 2017."""

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from bayescannon.data.labels import Label
from bayescannon.figures.style import COLOUR_MAP, GUIDE_COLOUR, add_colour_bar, colour_scale, new_figure, scatter_points
from bayescannon.numerics.errors import InputError

PROJECTION = "mollweide"


def plot_sky(
    ra: ArrayLike,
    dec: ArrayLike,
    ax: Axes | None = None,
    *,
    values: ArrayLike | None = None,
    value_label: Label | str = "",
) -> Axes:
    """
    Plot the positions of stars in Galactic coordinates (Ho et al. 2017, figure 12).

    The centre is the anticentre of the Galaxy, which LAMOST looks at; longitude increases to the left.

    Parameters
    ----------
    ra, dec : arrays of shape (N,)
        ICRS position in degrees; stars with a NaN are left out.
    ax : matplotlib Axes, optional
        With the projection "mollweide"; by default those of a new figure.
    values : array of shape (N,), optional
        Shown as colour; stars with a NaN are left out.
    value_label : Label or str
        Text of the colour bar.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        The axes have another projection, or the arrays have other lengths.

    Examples
    --------
    >>> ax = plot_sky([83.6, 266.4], [22.0, -29.0])
    >>> ax.get_title()
    'Galactic coordinates of 2 stars'
    """
    x, y = (np.asarray(array, dtype=float) for array in (ra, dec))
    colour = np.zeros(x.shape) if values is None else np.asarray(values, dtype=float)
    if not x.shape == y.shape == colour.shape or x.ndim != 1:
        raise InputError(
            f"ra, dec and values must have one value per star; got shapes {x.shape}, {y.shape}, {colour.shape}"
        )
    ax = new_figure(8.5, 4.8).add_subplot(projection=PROJECTION) if ax is None else ax
    if ax.name != PROJECTION:
        raise InputError(f"the axes must have the projection {PROJECTION!r}; got {ax.name!r}")
    shown = np.isfinite(x) & np.isfinite(y) & np.isfinite(colour)
    position = SkyCoord(x[shown], y[shown], unit=units.deg).galactic
    # longitudes from the anticentre, to the left
    longitude = -(position.l - 180 * units.deg).wrap_at(180 * units.deg).radian
    latitude = position.b.radian
    if values is None:
        ax.scatter(longitude, latitude, s=3, color=COLOUR_MAP(0.35), linewidths=0, alpha=0.5, rasterized=True)
    else:
        points = scatter_points(ax, longitude, latitude, colour[shown], colour_scale(colour[shown]), cmap=COLOUR_MAP)
        text = value_label.axis_text() if isinstance(value_label, Label) else value_label
        add_colour_bar(ax.figure, points, ax, text, extend="both")
    ticks = np.arange(-150, 151, 30)
    ax.set_xticks(np.deg2rad(ticks), [f"{(180 - tick) % 360}°" for tick in ticks], fontsize="x-small")
    ax.grid(color=GUIDE_COLOUR, linewidth=0.5)
    # above the stars, which would hide the longitudes
    ax.set_axisbelow(False)
    for tick in ax.get_xticklabels():
        tick.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0})
    ax.set_xlabel("longitude $l$")
    ax.set_ylabel("latitude $b$")
    stars = "1 star" if shown.sum() == 1 else f"{int(shown.sum()):,} stars"
    ax.set_title(f"Galactic coordinates of {stars}", fontsize="medium", pad=12)
    return ax
