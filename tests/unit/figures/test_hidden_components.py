"""The figure of hidden components: the curves, the names at their peaks, and how many are drawn."""

from pathlib import Path

import numpy as np
import pytest
from drawing import limits_hold, require_drawable

from bayescannon.cannon.hidden_result import ComponentPeak, HiddenAtlas, HiddenComponent, Resemblance
from bayescannon.figures import plot_hidden_components
from bayescannon.numerics.errors import InputError

WAVELENGTH = np.linspace(5000.0, 7000.0, 400)


def made(n_component: int) -> HiddenAtlas:
    peaks = (
        ComponentPeak(5176.0, 0.02, ("Mg b", "MgH 5100")),
        ComponentPeak(5185.0, 0.01, ("Mg b",)),
        ComponentPeak(6000.0, -0.02, ()),
        ComponentPeak(6564.0, 0.01, ("H alpha",)),
        ComponentPeak(5400.0, 0.01, (), True),
    )
    components = tuple(
        HiddenComponent(n + 1, 1 / n_component, 0.1, 0.2, (), peaks, (Resemblance("velocity", -0.8),))
        for n in range(n_component)
    )
    loadings = 0.01 * np.random.default_rng(0).normal(size=(400, n_component))
    loadings[:5] = np.nan
    return HiddenAtlas(WAVELENGTH, loadings, components)


def test_components(tmp_path: Path) -> None:
    atlas = made(3)
    figure = plot_hidden_components(atlas)
    assert len(figure.axes) == 3
    for n, ax in enumerate(figure.axes):
        curve = np.asarray(ax.lines[1].get_ydata())
        np.testing.assert_array_equal(curve, atlas.loadings[:, n])
        assert limits_hold(ax.get_ylim(), curve)
        # the second peak is too near to the first, the third has no name
        assert [text.get_text() for text in ax.texts] == ["Mg b", r"H$\alpha$", "one pixel at 5400"]
        assert "33 % of the variance, lines; correlation with velocity -0.80" in ax.get_title(loc="right")
        assert ax.get_ylabel() == f"component {n + 1}\n[flux]"
    require_drawable(figure, tmp_path)


def test_how_many() -> None:
    assert len(plot_hidden_components(made(3), 2).axes) == 2
    assert len(plot_hidden_components(made(1)).axes) == 1
    with pytest.raises(InputError, match="at least one component"):
        plot_hidden_components(made(1), 0)
