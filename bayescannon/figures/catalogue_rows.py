"""Rows of a catalogue as a table on axes, as in table 1 of Ho et al. 2017."""

from collections.abc import Sequence

import numpy as np
from astropy.table import Table
from matplotlib.axes import Axes

from bayescannon.data.display import value_with_error
from bayescannon.data.labels import Label
from bayescannon.figures.style import GUIDE_COLOUR, new_axes
from bayescannon.numerics.errors import InputError

# text of a number that is not known
_UNKNOWN = "-"


def catalogue_cells(catalogue: Table, labels: Sequence[Label], *, errors: str = "e_") -> list[list[str]]:
    """
    Return the cells of a table of stars, the head first: id, every label with its error, S/N and reduced chi2.

    Parameters
    ----------
    catalogue : astropy.table.Table
        Rows of a catalogue.
    labels : sequence of Label
    errors : str
        Beginning of the names of the columns with errors: ``"e_"``, or ``"e_formal_"`` for formal errors, which the
        paper's table 1 has.

    Returns
    -------
    cells : list of list of str
        A row per star, after the head.

    Raises
    ------
    InputError
        The catalogue lacks a column.
    """
    wanted = ["id", "snr_g", "rchi2", *(f"{part}{label.name}" for label in labels for part in ("", errors))]
    missing = [name for name in wanted if name not in catalogue.colnames]
    if missing:
        raise InputError(
            f"the catalogue lacks the columns {', '.join(missing)}; it has {', '.join(catalogue.colnames)}"
        )
    head = ["star", *(label.axis_text() for label in labels), "S/N", r"reduced $\chi^2$"]
    rows = []
    for star in catalogue:
        values = [_with_error(star[label.name], star[errors + label.name]) for label in labels]
        rows.append([str(star["id"]), *values, _text(star["snr_g"], 0), _text(star["rchi2"], 2)])
    return [head, *rows]


def plot_catalogue_rows(
    catalogue: Table, labels: Sequence[Label], ax: Axes | None = None, *, errors: str = "e_"
) -> Axes:
    """
    Draw rows of a catalogue as a table (Ho et al. 2017, table 1).

    Parameters
    ----------
    catalogue : astropy.table.Table
        The rows that are shown.
    labels : sequence of Label
    ax : matplotlib Axes, optional
        Axes to draw on; by default those of a new figure.
    errors : str
        As in :func:`catalogue_cells`.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    InputError
        The catalogue lacks a column.
    """
    head, *rows = catalogue_cells(catalogue, labels, errors=errors)
    ax = new_axes(ax, width=1.7 * len(head), height=0.4 * (len(rows) + 1))
    ax.axis("off")
    if not rows:
        rows = [[_UNKNOWN] * len(head)]
    drawn = ax.table(rows, colLabels=head, loc="center", cellLoc="center", edges="horizontal")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9)
    drawn.auto_set_column_width(list(range(len(head))))
    drawn.scale(1.0, 1.5)
    for cell in drawn.get_celld().values():
        cell.set_edgecolor(GUIDE_COLOUR)
    return ax


def _with_error(value: float, error: float) -> str:
    number, spread = (float(np.ma.filled(one, np.nan)) for one in (value, error))
    return value_with_error(number, spread) if np.isfinite(number) else _UNKNOWN


def _text(value: float, digits: int) -> str:
    number = float(np.ma.filled(value, np.nan))
    return f"{number:.{digits}f}" if np.isfinite(number) else _UNKNOWN
