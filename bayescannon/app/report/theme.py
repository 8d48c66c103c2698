"""The colours of a page, light and dark, as custom properties of CSS that the explorer uses too."""

from collections.abc import Mapping, Sequence

from bayescannon.figures.style import DARK_KIND_COLOURS, KIND_COLOURS

# text has a contrast of at least 4.5 with what is behind it
LIGHT: Mapping[str, str] = {
    "paper": "#ffffff", "ink": "#1a212b", "muted": "#535e6b", "line": "#d3d9e0", "panel": "#f3f5f8",
    "accent": "#0b5c99", "accent-ink": "#ffffff", "good": "#136a3f", "warn": "#855000", "bad": "#b3261e",
}  # fmt: skip
DARK: Mapping[str, str] = {
    "paper": "#12161c", "ink": "#e6e9ee", "muted": "#a5afbb", "line": "#323b47", "panel": "#1c222b",
    "accent": "#71b8f0", "accent-ink": "#0d1218", "good": "#63d096", "warn": "#f0b450", "bad": "#ff8f86",
}  # fmt: skip


def theme_css() -> str:
    """Return the custom properties: light ones, and dark ones where the reader, or the system, asks for them."""
    dark = _properties(DARK, DARK_KIND_COLOURS)
    return (
        f":root {{ color-scheme: light; {_properties(LIGHT, KIND_COLOURS)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) "
        f"{{ color-scheme: dark; {dark} }} }}\n"
        f"@media screen {{ :root[data-theme=dark] {{ color-scheme: dark; {dark} }} }}\n"
    )


def _properties(colours: Mapping[str, str], series: Sequence[str]) -> str:
    numbered = {f"series-{number}": colour for number, colour in enumerate(series, start=1)}
    return " ".join(f"--{name}: {colour};" for name, colour in {**colours, **numbered}.items())
