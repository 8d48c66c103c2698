"""The Kiel diagram: axes that fall, and stars without a colour."""

from pathlib import Path

import numpy as np
from drawing import limits_hold, require_drawable

from bayescannon.data.labels import KNOWN_LABELS
from bayescannon.figures import plot_kiel


def test_kiel(rng: np.random.Generator, tmp_path: Path) -> None:
    teff, logg, fe_h = rng.normal(4800, 300, 80), rng.normal(2.5, 0.6, 80), rng.normal(-0.3, 0.3, 80)
    teff[3], logg[4], fe_h[5:9] = np.nan, np.nan, np.nan
    ax = plot_kiel(teff, logg, fe_h, colour_label=KNOWN_LABELS["fe_h"])
    assert ax.get_xlim()[0] > ax.get_xlim()[1]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    shown = np.isfinite(teff) & np.isfinite(logg)
    assert limits_hold(ax.get_xlim(), teff[shown])
    assert limits_hold(ax.get_ylim(), logg[shown])
    assert ax.get_xlabel().endswith("[K]")
    assert ax.get_ylabel().endswith("[dex]")
    assert [len(points.get_offsets()) for points in ax.collections] == [4, 74]
    assert ax.figure.axes[-1].get_ylabel() == "[Fe/H] [dex]"
    require_drawable(ax.figure, tmp_path)
    bare = plot_kiel(teff, logg, np.full(80, np.nan), ax.figure.add_subplot(), colour_label="nothing known")
    assert bare.figure is ax.figure
    require_drawable(bare.figure, tmp_path)
