"""A page with nothing but an explorer."""

from pathlib import Path

from bayescannon.app.report.explorer import explorer_html

LIMIT = 25_000_000
# what the explorer takes from the page around it
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000")
_COLOURS = {
    "paper": "#fff", "ink": "#111", "muted": "#555", "line": "#ddd", "panel": "#f4f4f4", "accent": "#0072b2",
    "accent-ink": "#fff", "good": "#006b4a", "warn": "#8a5200", "bad": "#b3261e",
    **{f"series-{n}": code for n, code in enumerate(_SERIES, start=1)},
}  # fmt: skip


def write_bare_page(out, model, catalogue=None, store=None, **options):
    """Write an explorer to a file; return the file and the explorer's notes."""
    explorer = explorer_html(model, catalogue, store, limit=LIMIT, **options)
    style = ":root{" + ";".join(f"--{name}:{code}" for name, code in _COLOURS.items()) + "}"
    Path(out).write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>explorer</title>'
        f"<style>{style}</style></head><body>{explorer.html}</body></html>",
        encoding="utf-8",
    )
    return Path(out), explorer.notes
