"""The colours of a page: text can be read in both themes, and series are told apart."""

import itertools
import re

import pytest

from bayescannon.app.report.theme import DARK, LIGHT, theme_css
from bayescannon.figures.style import KIND_COLOURS


def luminance(code):
    """Relative luminance of sRGB (WCAG 2.2)."""
    parts = [int(code[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def themes():
    """The custom properties of each block of the style."""
    for block in re.findall(r"\{ (color-scheme: [^}]*)\}", theme_css()):
        found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block.lower()))
        yield "dark" if "color-scheme: dark" in block else "light", found


def test_there_are_two_themes_with_the_same_properties():
    kinds, properties = zip(*themes(), strict=True)
    assert kinds == ("light", "dark", "dark")
    assert properties[1] == properties[2]
    assert set(properties[0]) == set(properties[1]) == {*LIGHT, *(f"series-{n}" for n in range(1, 8))}
    assert set(LIGHT) == set(DARK)
    assert tuple(properties[0][f"series-{n}"] for n in range(1, 8)) == tuple(one.lower() for one in KIND_COLOURS)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_enough_contrast(theme):
    for name, behind in itertools.product(("ink", "muted", "accent", "good", "warn", "bad"), ("paper", "panel")):
        assert contrast(theme[name], theme[behind]) >= 4.5, (name, behind)
    assert contrast(theme["accent-ink"], theme["accent"]) >= 4.5


def test_series_are_seen_on_paper():
    # thin lines on black need more than the same on white; the light ones are those of all figures
    for kind, found in themes():
        for n in range(1, 8):
            assert contrast(found[f"series-{n}"], found["paper"]) >= (4.5 if kind == "dark" else 2)
