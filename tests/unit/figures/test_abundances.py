"""[alpha/M] against [Fe/H] (figure 11): contours enclose the shares of the stars that they say."""

import numpy as np
import pytest
from drawing import require_drawable
from matplotlib.path import Path as Outline

from bayescannon.figures import plot_alpha_fe
from bayescannon.numerics.errors import InputError


def test_contours_enclose_their_shares(tmp_path):
    rng = np.random.default_rng(4)
    x, y = rng.normal(-0.2, 0.2, 6000), rng.normal(0.1, 0.05, 6000)
    ax = plot_alpha_fe(x, y, shares=(0.3, 0.7))
    contours = next(one for one in ax.collections if hasattr(one, "levels"))
    for outline, share in zip(contours.get_paths(), (0.7, 0.3), strict=True):
        inside = Outline(outline.vertices).contains_points(np.column_stack([x, y])).mean()
        # the density is smoothed, which widens contours a little
        assert inside == pytest.approx(share, abs=0.04)
    assert "30, 70 % of the stars" in [text.get_text() for text in ax.get_legend().get_texts()]
    require_drawable(ax.figure, tmp_path)


@pytest.mark.parametrize("n_star", [0, 1, 10])
def test_few_stars_have_no_contours(n_star, tmp_path):
    ax = plot_alpha_fe(np.full(n_star, -0.1), np.linspace(0, 0.1, n_star))
    assert not any(hasattr(one, "levels") for one in ax.collections)
    require_drawable(ax.figure, tmp_path)


def test_shares_are_between_0_and_1():
    with pytest.raises(InputError, match=r"between 0 and 1; got 0\.5, 2"):
        plot_alpha_fe([0.0], [0.0], shares=(0.5, 2))
