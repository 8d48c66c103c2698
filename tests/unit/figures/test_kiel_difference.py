"""Differences over the Kiel diagram: cells have the median, and the colours are even about 0."""

import numpy as np
import pytest
from drawing import require_drawable

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_kiel_difference

TEFF = KNOWN_LABELS["teff"]


def test_cells_have_the_median(tmp_path):
    rng = np.random.default_rng(2)
    teff, logg = np.full(301, 4800.0), np.full(301, 2.5)
    teff[-1], logg[-1] = 4000.0, 1.0
    difference = np.concatenate([rng.normal(30, 5, 300), [-60.0]])
    ax = plot_kiel_difference(teff, logg, difference, label=TEFF)
    values = np.ma.compressed(ax.collections[0].get_array())
    assert sorted(values) == pytest.approx([-60.0, np.median(difference[:-1])])
    norm = ax.collections[0].norm
    assert norm.vmin == -norm.vmax
    assert ax.get_xlim()[0] > ax.get_xlim()[1]
    require_drawable(ax.figure, tmp_path)


@pytest.mark.parametrize("n_star", [0, 1])
def test_few_stars_are_drawn(n_star, tmp_path):
    ax = plot_kiel_difference(np.full(n_star, 4500.0), np.full(n_star, 2.0), np.zeros(n_star), label=TEFF)
    require_drawable(ax.figure, tmp_path)
