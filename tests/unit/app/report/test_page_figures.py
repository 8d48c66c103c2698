"""Figures in a page: vector graphics before pictures, whole ones, and not more than fit."""

import base64

from bayescannon.app.report import page_figures as module
from bayescannon.app.report.captions import run_captions
from bayescannon.app.report.page_figures import figure_names, page_figures

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def test_vector_graphics_come_before_pictures(tmp_path):
    for name, data in (("kiel.png", PNG), ("kiel.svg", SVG), ("sky.png", PNG), ("mine.png", PNG)):
        (tmp_path / name).write_bytes(data)
    assert figure_names(tmp_path) == ["kiel", "mine", "sky"]
    figures, notes = page_figures(tmp_path, run_captions(figure_names(tmp_path)))
    assert notes == []
    assert [one.name for one in figures] == ["kiel", "sky"]
    kind, text = figures[0].source.split(",", 1)
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(text) == SVG
    assert figures[1].source.startswith("data:image/png;base64,")


def test_what_is_no_picture_or_too_large_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "kiel.svg").write_bytes(b"<html>")
    (tmp_path / "sky.png").write_bytes(PNG + bytes(1000))
    (tmp_path / "corner.png").write_bytes(PNG)
    monkeypatch.setattr(module, "_MOST", 500)
    figures, notes = page_figures(tmp_path, run_captions(figure_names(tmp_path)))
    assert [one.name for one in figures] == ["corner"]
    assert sorted(notes)[0].startswith("figure kiel.svg is damaged")
    assert sorted(notes)[1].startswith("figure sky.png is left out")


def test_figures_of_two_folders_share_the_room(tmp_path, monkeypatch):
    (tmp_path / "kiel.png").write_bytes(PNG + bytes(1000))
    monkeypatch.setattr(module, "_MOST_TOGETHER", 1500)
    captions = run_captions(figure_names(tmp_path))
    first, _ = page_figures(tmp_path, captions)
    assert len(first) == 1
    second, notes = page_figures(tmp_path, captions, first)
    assert second == []
    assert notes[0].startswith("figure kiel.png is left out")
