"""Histograms of S/N and reduced chi2: every star is counted once, and those without are said."""

import numpy as np
import pytest
from drawing import require_drawable

from bayescannon.figures import plot_chi2_histogram, plot_snr_histogram


@pytest.mark.parametrize("draw", [plot_snr_histogram, plot_chi2_histogram])
def test_every_star_is_counted(draw, tmp_path):
    values = np.concatenate([np.exp(np.random.default_rng(1).normal(3, 1, 500)), [np.nan, -9999.0, 0.0]])
    ax = draw(values)
    assert sum(ax.patches[0].get_data().values) == 500
    assert ax.get_title() == f"500 stars, median {np.median(values[:500]):.3g}; 3 more without"
    require_drawable(ax.figure, tmp_path)


@pytest.mark.parametrize("values", [[], [5.0], [np.nan]])
def test_few_stars_are_drawn(values, tmp_path):
    ax = plot_snr_histogram(values, marked=50.0)
    assert [line.get_xdata()[0] for line in ax.lines] == [50.0]
    require_drawable(ax.figure, tmp_path)
