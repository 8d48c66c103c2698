"""Pulls against the standard normal distribution: every star is in a bin, and the width is that of the stars."""

import numpy as np
import pytest
from drawing import require_drawable

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_pulls
from bayescannon.numerics.errors import InputError

LABELS = [KNOWN_LABELS["teff"], KNOWN_LABELS["logg"]]


def test_every_star_is_counted(tmp_path):
    pull = 1.5 * np.random.default_rng(1).normal(size=(800, 2))
    pull[0], pull[1, 0] = 40.0, np.nan
    figure = plot_pulls(pull, LABELS)
    counts = [sum(ax.patches[0].get_data().values) for ax in figure.axes]
    assert counts == [799, 800]
    width, n_star = figure.axes[0].texts[0].get_text().splitlines()
    assert float(width.removeprefix("width ")) == pytest.approx(1.5, rel=0.06)
    assert n_star == "799 stars"
    # the expected curve has as many stars
    line = figure.axes[1].lines[0]
    step = np.diff(figure.axes[1].patches[0].get_data().edges)[0]
    assert np.trapezoid(line.get_ydata(), line.get_xdata()) / step == pytest.approx(800, rel=0.01)
    require_drawable(figure, tmp_path)


def test_no_pull_is_drawn(tmp_path):
    require_drawable(plot_pulls(np.full((3, 2), np.nan), LABELS), tmp_path)
    with pytest.raises(InputError, match="one value per label"):
        plot_pulls(np.zeros((3, 1)), LABELS)
