"""Scatter against S/N: a panel per label with its unit, and the paper's number where there is one."""

from pathlib import Path

import numpy as np
import pytest
from drawing import SUBSETS, limits_hold, require_drawable, require_unit_texts

from bayescannon.data.labels import labels_from_names
from bayescannon.figures import plot_scatter_by_snr


@pytest.mark.parametrize("names", SUBSETS)
def test_scatter_by_snr(tmp_path: Path, names: tuple[str, ...]) -> None:
    labels = labels_from_names(names)
    snr = np.array([12.0, 30.0, 60.0, 150.0])
    scatter = np.outer(20 / snr, np.arange(1, len(names) + 1))
    scatter[0, 0] = np.nan  # an empty bin
    figure = plot_scatter_by_snr(snr, scatter, labels, formal=scatter / 2)
    assert len(figure.axes) == len(names)
    require_unit_texts(figure.axes, [label.unit for label in labels])
    for k, ax in enumerate(figure.axes):
        assert limits_hold(ax.get_xlim(), snr)
        assert limits_hold(ax.get_ylim(), scatter[:, k])
        assert len(ax.lines) == 2
        assert len(ax.collections) == 1  # the paper's scatter
    require_drawable(figure, tmp_path)
    plain = plot_scatter_by_snr(snr, scatter[:, :1], labels_from_names(["c_m"]))
    assert len(plain.axes[0].lines) == 1
    assert not plain.axes[0].collections
