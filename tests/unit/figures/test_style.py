"""What all figures share: limits, colour scales, panels and files."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib import _pylab_helpers
from matplotlib.colors import to_rgb

from bayescannon.data.labels import labels_from_names
from bayescannon.figures import style
from bayescannon.figures.style import (
    add_colour_bar,
    colour_scale,
    new_axes,
    new_figure,
    require_panels,
    save_figure,
    scatter_points,
    span,
)
from bayescannon.numerics.errors import InputError

ROOT = Path(__file__).parents[3]


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


def _luminance(colour):
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _contrast_with_white(colour):
    """As the guidelines for web pages define it: 1 is white."""
    return 1.05 / (_luminance(colour) + 0.05)


@pytest.mark.parametrize(
    "name", ["DATA_COLOUR", "MODEL_COLOUR", "LINE_COLOUR", "MARK_COLOUR", "BAND_COLOUR", "FLAGGED_COLOUR"]
)
def test_every_colour_is_seen_on_white(name):
    assert _contrast_with_white(getattr(style, name)) > 2


def test_colours_of_kinds_and_maps_are_seen_on_white():
    assert min(map(_contrast_with_white, style.KIND_COLOURS)) > 2
    for colour_map, least in ((style.COLOUR_MAP, 2.0), (style.DIVERGING_MAP, 1.7)):
        assert min(_contrast_with_white(colour_map(x)) for x in np.linspace(0, 1, 50)) > least


def test_no_source_draws_in_other_colours():
    for folder in ("bayescannon/figures", "studies", "notebooks"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".ipynb") and path.name != "style.py":
                text = path.read_text(encoding="utf-8")
                assert not re.search(r"""["'\\](C\d|tab:|viridis|RdYlBu|jet|yellow)""", text), path


def test_less_than_a_hundred_dots_per_inch_are_refused(tmp_path):
    with pytest.raises(InputError, match="dpi must be at least 100"):
        save_figure(new_figure(2, 2), tmp_path / "f.png", dpi=72)
    assert list(tmp_path.iterdir()) == []


def test_curves_without_a_colour_have_those_of_the_package():
    ax = new_figure(3, 3).subplots()
    assert [ax.plot([0, 1])[0].get_color() for _ in range(2)] == list(style.KIND_COLOURS[:2])


@pytest.mark.parametrize("ending", [".svg", ".pdf", ".png"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, ending):
    paths = [tmp_path / f"{n}{ending}" for n in range(2)]
    for path in paths:
        figure = new_figure(2, 2)
        figure.add_subplot().fill_between([0, 1], [0, 1], hatch="/")
        save_figure(figure, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b"<dc:date>" not in paths[0].read_bytes()
