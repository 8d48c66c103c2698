"""What the command line prints: no escape code of a file reaches a terminal, and rich keeps its own."""

import contextlib
import io
import re
import sys

import pytest
from rich.markup import escape
from rich.progress import Progress

from bayescannon.app.cli import main
from bayescannon.app.console import complain, make_console, print_foreign
from bayescannon.app.terminal import new_table, say

HOSTILE = "x\x1b]0;owned\x07\x1b[2J\x9b1m\r\u202ey"
SHOWN = "x\\x1b]0;owned\\x07\\x1b[2J\\x9b1m\\r\\u202ey"


def test_lines_tables_and_titles_are_filtered(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    console = make_console()
    say(console, f"a\n{HOSTILE}")
    table = new_table(HOSTILE, HOSTILE)
    table.add_row(HOSTILE, HOSTILE)
    console.print(table)
    said = capsys.readouterr().out
    assert said.startswith(f"a\n  {SHOWN}\n")
    assert said.count(SHOWN) == 5
    assert all(sign.isprintable() or sign == "\n" for sign in said)


def test_colours_and_bars_are_kept(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setenv("TERM", "xterm")
    console = make_console(force_terminal=True)
    with Progress(console=console) as bars:
        bars.advance(bars.add_task(HOSTILE, total=2))
    console.print("[bold]good[/]", HOSTILE)
    said = sys.stdout.getvalue()
    assert "\x1b[1mgood\x1b[0m" in said
    assert "\\x1b]0;owned" in said
    # what remains are the codes of rich: styles, and moves of the cursor
    assert not re.search("[\x07\x9b\u202e]|\x1b\\]|\x1b\\[2J(?!\\x1b)", re.sub("\x1b\\[[0-9;?]*[mKAhl]", "", said))


def test_messages_tracebacks_and_warnings_are_filtered(capsys):
    complain(HOSTILE)
    print_foreign(f"{HOSTILE}\nend\n\n")
    assert capsys.readouterr().err == f"bayescannon: {SHOWN}\n{SHOWN}\nend\n"


@pytest.mark.parametrize("kind", ["fault", "warning", "foreign warning", "error"])
def test_whatever_a_verb_does_no_code_gets_through(monkeypatch, capsys, kind):
    import warnings

    import bayescannon.app.cli as cli
    from bayescannon.numerics.errors import BayesCannonWarning, InputError

    def verb(_):
        if kind == "fault":
            raise RuntimeError(HOSTILE)
        if kind == "error":
            raise InputError(HOSTILE)
        warnings.warn(HOSTILE, BayesCannonWarning if kind == "warning" else UserWarning, stacklevel=1)

    monkeypatch.setitem(cli.VERBS, "run", verb)
    # the command is printed with the report of a fault
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        main(["run", HOSTILE])
    said = capsys.readouterr()
    assert "\\x1b]0;owned" in said.err
    assert all(sign.isprintable() or sign == "\n" for sign in said.err + said.out)


@pytest.mark.parametrize("flag", [f"--{HOSTILE}", f"--out={HOSTILE}", HOSTILE, f"--seed={HOSTILE}"])
@pytest.mark.parametrize("verb", ["prepare", "train", "label", "coverage", "information"])
def test_flags_with_codes(capsys, verb, flag, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with contextlib.suppress(SystemExit):
        assert main([verb, "a", "b", flag]) == 1
    said = capsys.readouterr()
    assert all(sign.isprintable() or sign == "\n" for sign in said.err + said.out)


def _statistics():
    table = new_table("all: A - B", "label", "stars", "bias", "scatter")
    table.add_row(escape("alpha_m [dex]"), "13650", "-0.0086", "0.0602")
    return table


def test_a_row_of_a_table_is_one_line_in_a_pipe(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "20")
    make_console().print(_statistics())
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["alpha_m", "[dex]", "13650", "-0.0086", "0.0602"] in rows


def test_no_number_is_cut_on_a_narrow_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("TERM", "xterm")
    console = make_console(force_terminal=True)
    console.print(_statistics())
    said = sys.stdout.getvalue()
    assert all(text in said for text in ("alpha_m", "13650", "-0.0086", "0.0602"))
    assert "…" not in said
    # later lines are as wide as the terminal again
    assert console.width == 20
