"""What every figure must pass: it can be drawn for good, its axes say their units, and its limits hold its data."""

from pathlib import Path

import numpy as np
from matplotlib import _pylab_helpers
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayescannon.data.labels import PAPER_LABELS
from bayescannon.figures import save_figure

SUBSETS = [("fe_h",), ("teff", "logg", "fe_h"), PAPER_LABELS]


def require_drawable(figure: Figure, tmp_path: Path) -> None:
    """Draw for good: layout and text are only made then, and warn only then."""
    save_figure(figure, tmp_path / "figure.png", dpi=100)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert not _pylab_helpers.Gcf.figs


def require_unit_texts(axes: list[Axes], units: list[str]) -> None:
    """Every panel names what it shows, and the vertical axis its unit."""
    for ax, unit in zip(axes, units, strict=True):
        assert ax.get_xlabel()
        assert f"{unit}]" in ax.get_ylabel()


def limits_hold(limits: tuple[float, float], values: np.ndarray) -> bool:
    """Whether all finite values are between the limits of an axis, in whatever direction it runs."""
    values = values[np.isfinite(values)]
    return min(limits) <= values.min() and values.max() <= max(limits)
