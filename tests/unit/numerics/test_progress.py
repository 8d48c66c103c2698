"""Progress: whose function is called, and where a bar is drawn."""

import io
import sys

import pytest
from rich.console import Console

from bayescannon.numerics.progress import can_draw, drawing, reporting


def test_a_function_is_called_as_it_is():
    seen = []
    with reporting(lambda done, total: seen.append((done, total)), "work") as report:
        report(1, 2)
        report(2, 2)
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(("progress", "drawn"), [(True, True), (False, False), (None, False)])
def test_a_bar_is_drawn_on_request_and_not_into_files(progress, drawn, capsys):
    with reporting(progress, "hold out") as report:
        for done in range(1, 4):
            report(done, 3)
    written = capsys.readouterr()
    assert written.out == ""
    assert ("hold out" in written.err) is drawn


def test_an_error_in_the_work_passes_through():
    with pytest.raises(RuntimeError, match="broken"), reporting(True, "work"):
        raise RuntimeError("broken")


def test_a_bar_is_not_drawn_into_the_output_of_a_notebooks_cell(monkeypatch, capsys):
    # ipykernel sets it, and rich then takes every file for a terminal
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert Console(file=io.StringIO()).is_terminal
    with reporting(None, "hold out") as report:
        report(1, 1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("installed", [True, False])
def test_a_notebook_draws_a_bar_with_ipywidgets_only(installed, monkeypatch):
    monkeypatch.setattr("bayescannon.numerics.progress.find_spec", lambda name: sys if installed else None)
    assert can_draw(Console(force_jupyter=True, file=io.StringIO())) is installed
    assert not can_draw(Console(force_jupyter=False, file=io.StringIO()))


def test_a_bar_has_the_rate_and_the_time_left(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    now = iter([0.0, 2.0, 4.0])
    monkeypatch.setattr("bayescannon.numerics.progress.time.monotonic", lambda: next(now, 4.0))
    with drawing(console, "label [x]") as report:
        report(2048, 10_000)
        report(4096, 10_000)
    written = console.file.getvalue()
    assert "label [x]" in written
    assert "1,024/s" in written
    assert "left" in written
