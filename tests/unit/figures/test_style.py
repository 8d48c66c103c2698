"""What all figures share: limits, colour scales, panels and files."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import _pylab_helpers

from bayescannon.data.labels import labels_from_names
from bayescannon.figures.style import (
    add_colour_bar,
    colour_scale,
    new_axes,
    require_panels,
    save_figure,
    scatter_points,
    span,
)
from bayescannon.numerics.errors import InputError


def test_span_and_colour_scale() -> None:
    assert span([1.0, 3.0], [np.nan, np.inf], margin=0.1) == pytest.approx((0.8, 3.2))
    assert span([np.nan]) == (0.0, 1.0)
    assert span([2.0]) == (1.5, 2.5)
    norm = colour_scale(np.array([np.nan, -5.0, 10.0, 100.0]), log=True)
    assert 10 <= norm.vmin < norm.vmax <= 100
    assert colour_scale(np.array([3.0])).vmax == 3.5


def test_new_axes_belong_to_no_global_state() -> None:
    ax = new_axes(None, width=3.0, height=2.0)
    assert ax.figure.get_size_inches().tolist() == [3.0, 2.0]
    assert new_axes(ax) is ax
    assert not _pylab_helpers.Gcf.figs


def test_arrays_of_a_figure_have_one_value_per_label() -> None:
    labels = labels_from_names(("teff", "logg"))
    require_panels(labels, bias=np.zeros(2), scatter=np.zeros((7, 2)))
    with pytest.raises(
        InputError, match=r"scatter must have one value per label for the 2 labels \(teff, logg\).*\(2, 7\)"
    ):
        require_panels(labels, bias=np.zeros(2), scatter=np.zeros((2, 7)))
    with pytest.raises(InputError, match=r"bias must have one value .* got shape \(\)"):
        require_panels(labels, bias=np.array(0.0))
    with pytest.raises(InputError, match="at least one label; got none"):
        require_panels([], bias=np.zeros(0))


def test_a_logarithmic_colour_bar_has_plain_numbers() -> None:
    ax = new_axes(None)
    values = np.geomspace(1, 1000, 50)
    norm = colour_scale(values, log=True)
    points = scatter_points(ax, values, values, values, norm, cmap="viridis")
    add_colour_bar(ax.figure, points, ax, "S/N", extend="both")
    ax.figure.draw_without_rendering()
    bar = ax.figure.axes[-1]
    assert bar.get_ylabel() == "S/N"
    texts = [tick.get_text() for tick in bar.get_yticklabels()]
    shown = [text for tick, text in zip(bar.get_yticks(), texts, strict=True) if norm.vmin <= tick <= norm.vmax]
    assert {"10", "100", "500"} <= set(shown)


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_the_ending_of_a_file_chooses_its_format(tmp_path: Path, ending: str, magic: bytes) -> None:
    figure = new_axes(None, width=2, height=2).figure
    path = tmp_path / f"figure.{ending}"
    path.write_bytes(b"older")
    save_figure(figure, path, dpi=100)
    assert path.read_bytes().startswith(magic)
