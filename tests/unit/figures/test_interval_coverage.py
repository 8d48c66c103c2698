"""Coverage of intervals, and histograms of PIT values."""

from pathlib import Path

import numpy as np
import pytest
from drawing import require_drawable
from matplotlib.figure import Figure

from bayescannon.figures import plot_coverage, plot_pit


def test_coverage(tmp_path: Path) -> None:
    nominal = np.linspace(0.05, 0.95, 19)
    lines = {"teff": nominal, "logg": nominal**1.5}
    ax = plot_coverage(nominal, lines)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == list(lines)
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(drawn["logg"], nominal**1.5)
    require_drawable(ax.figure, tmp_path)
    other = Figure().add_subplot()
    assert plot_coverage(nominal, lines, other) is other
    with pytest.raises(ValueError, match="at least one line"):
        plot_coverage(nominal, {})
    with pytest.raises(ValueError, match="logg must have one fraction per probability"):
        plot_coverage(nominal, {"logg": nominal[1:]})


def test_pit(tmp_path: Path) -> None:
    edges = np.linspace(0, 1, 11)
    counts = np.array([30, 12, 9, 8, 8, 7, 9, 10, 12, 28])
    ax = plot_pit(edges, counts, (6.0, 20.0))
    (stairs,) = [patch for patch in ax.patches if hasattr(patch, "get_data")]
    np.testing.assert_array_equal(stairs.get_data().values, counts)
    assert ax.get_ylim()[1] > 30
    require_drawable(ax.figure, tmp_path)
    with pytest.raises(ValueError, match="10 counts need 11 edges"):
        plot_pit(edges[1:], counts, (6.0, 20.0))
