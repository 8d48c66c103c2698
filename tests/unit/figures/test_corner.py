"""The corner plot: widths on the diagonal, rank correlations below it."""

import numpy as np
import pytest
from drawing import require_drawable
from scipy.stats import spearmanr

from bayescannon.data.labels import KNOWN_LABELS, PAPER_LABELS
from bayescannon.figures import plot_corner

LABELS = [KNOWN_LABELS[name] for name in PAPER_LABELS]


def test_numbers_are_those_of_the_differences(tmp_path):
    rng = np.random.default_rng(2)
    shared = rng.normal(size=300)
    values = np.column_stack(
        [60 * shared, 0.1 * shared + 0.1 * rng.normal(size=300), *rng.normal(size=(3, 300)) * 0.05]
    )
    values[4, 3] = np.nan
    figure = plot_corner(values, LABELS)
    assert len(figure.axes) == 15
    assert "299 stars" in figure.get_suptitle()
    used = np.delete(values, 4, axis=0)
    low, middle, high = np.quantile(used[:, 0], [0.1587, 0.5, 0.8413])
    assert figure.axes[0].get_title() == f"{middle:.1f} ± {(high - low) / 2:.1f}"
    assert float(figure.axes[1].texts[0].get_text()) == pytest.approx(spearmanr(used[:, 0], used[:, 1])[0], abs=0.006)
    require_drawable(figure, tmp_path)


@pytest.mark.parametrize("n_star", [0, 1, 2])
def test_few_stars_are_drawn(n_star, tmp_path):
    require_drawable(plot_corner(np.zeros((n_star, 2)), LABELS[:2]), tmp_path)
