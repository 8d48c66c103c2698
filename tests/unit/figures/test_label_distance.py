"""Label distances: the cut, kinds of stars, and the Kiel diagram coloured by distance."""

from pathlib import Path

import numpy as np
from drawing import limits_hold, require_drawable
from matplotlib.figure import Figure

from bayescannon.figures import plot_distances, plot_kiel_distance


def test_distances(rng: np.random.Generator, tmp_path: Path) -> None:
    near, far = rng.uniform(0, 2, 30), rng.uniform(3, 90, 20)
    distance = np.concatenate([near, far, [np.nan]])
    moved = rng.uniform(0, 5, 51)
    kinds = {"giants": np.arange(51) < 30, "dwarfs": np.arange(51) >= 30}
    ax = plot_distances(distance, moved, cut=2.5, kinds=kinds)
    assert [len(points.get_offsets()) for points in ax.collections] == [30, 20]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["30 giants", "20 dwarfs", "cut 2.5"]
    (line,) = ax.lines
    assert set(line.get_xdata()) == {2.5}
    assert limits_hold(ax.get_xlim(), distance)
    require_drawable(ax.figure, tmp_path)
    other = Figure().add_subplot()
    assert plot_distances([0.0], [0.0], other, cut=2.5) is other
    require_drawable(other.figure, tmp_path)


def test_kiel_distance(rng: np.random.Generator, tmp_path: Path) -> None:
    teff, logg = rng.uniform(4000, 7000, 60), rng.uniform(0, 5, 60)
    distance = np.where(np.arange(60) < 40, 1.0, 30.0)
    distance[7] = np.nan
    ax = plot_kiel_distance(teff, logg, distance, cut=2.5, reference_teff=[3800.0, 4500.0], reference_logg=[1.0, 2.0])
    behind, points = ax.collections
    assert len(behind.get_offsets()) == 2
    np.testing.assert_array_equal(points.get_array(), np.delete(distance, 7))
    # the cut is the middle of the colours, and what is beyond has a rim
    assert points.norm(2.5) == 0.5
    np.testing.assert_array_equal(np.asarray(points.get_linewidths()) > 0, np.delete(distance, 7) >= 2.5)
    assert ax.xaxis_inverted()
    assert ax.yaxis_inverted()
    assert max(ax.get_xlim()) > 6000 > 3800 > min(ax.get_xlim())
    require_drawable(ax.figure, tmp_path)
    other = Figure().add_subplot()
    assert plot_kiel_distance([], [], [], other, cut=2.5) is other
    require_drawable(other.figure, tmp_path)
