"""What a limit on membership keeps, as curves."""

import numpy as np
from drawing import require_drawable

from bayescannon.figures import plot_selection


def test_curves_and_limit(tmp_path):
    limit = np.linspace(0.001, 0.999, 30)
    ax = plot_selection(
        limit, 1 - limit**2, {"dwarf": 1 - limit**0.2, "hot": np.full(30, np.nan)}, population="giant",
        purity=limit, chosen=(0.4, 0.2, 0.6),
    )  # fmt: skip
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["giant kept: completeness", "dwarf kept", "purity", "limit 0.4"], "no star, no curve"
    assert ax.get_xscale() == "logit"
    require_drawable(ax.figure, tmp_path)
    bare = plot_selection(limit, limit, {}, population="giant")
    assert len(bare.lines) == 1
    require_drawable(bare.figure, tmp_path)
