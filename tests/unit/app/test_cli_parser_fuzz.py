"""Command lines of whatever arguments: each ends with a status, one message, and no control character."""

import argparse
import contextlib
import io
from importlib import import_module

import pytest
from fuzzing import DEAR_CASES, bounded, run
from hypothesis import strategies as st

from bayescannon.app import cli
from bayescannon.app.cli import main
from bayescannon.app.cli_parser import build_parser
from bayescannon.app.cli_verbs import VERBS
from bayescannon.data.display import visible


def _options():
    """Flags of each verb, and the values that they may have."""
    (commands,) = (one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    found = {}
    for verb, parser in commands.choices.items():
        flags = [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]
        values = sorted({str(value) for action in parser._actions for value in action.choices or ()})
        found[verb] = (sorted(set(flags) - {"--help", "--overwrite", "--traceback"}), values)
    return found


OPTIONS = _options()
NASTY = (
    "", " ", "-", "--", "=", "a=b", "a=b,a=c", "teff=4000:5000", "teff=:", "teff=nan:inf", "1e400", "-1", "0",
    "10" * 30, "nan", "inf", "none", "auto", "~", "/", "..", "\x1b[2J", "a\nb", "\u202e", "\udcff", "é" * 200,
    "x" * 300, "{}", "[", "4000:7000:1e-300", ",", ":", "name:unit", "x:K", "x:furlong", "learn", "5km/s", "1 parsec",
)  # fmt: skip


@st.composite
def commands(draw):
    """Return the arguments of a command that reads nothing which exists."""
    verb = draw(st.sampled_from([*OPTIONS, "lable"]))
    flags, values = OPTIONS.get(verb, (["--out"], []))
    value = st.one_of(st.sampled_from(NASTY), st.sampled_from(values or ["x"]), st.text(max_size=8))
    args = [verb]
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.integers(0, 3))
        if kind == 0:
            args.append(draw(st.sampled_from(["in", "none.nc", "none.zarr"])))
        elif kind == 1:
            args += [draw(st.sampled_from(flags)), draw(value)]
        elif kind == 2:
            args.append(f"{draw(st.sampled_from(flags))}={draw(value)}")
        else:
            args.append(draw(value))
    return [arg.replace("\0", "") for arg in args]


@pytest.mark.parametrize("n", DEAR_CASES)
def test_command_lines_of_anything(tmp_path, monkeypatch, n):
    monkeypatch.chdir(tmp_path)
    # importing PyTensor changes the limit of recursion, which hypothesis watches
    import_module("bayescannon.app.run")
    # these do their work whatever is given, and the others find nothing to read
    for verb in ("demo", "mock"):
        monkeypatch.setitem(cli.VERBS, verb, lambda options: None)

    def check(args):
        said, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained), bounded():
            try:
                status = main(args)
            except SystemExit as stop:
                status = stop.code
        text = said.getvalue() + complained.getvalue()
        assert status in (0, 1, 2), text
        # checks say on standard output what they found
        assert status == 0 or complained.getvalue() or args[0].startswith("check")
        assert visible(text) == text
        assert "Traceback" not in text

    run(check, commands(), n=n)


def test_every_verb_is_among_them():
    assert set(OPTIONS) == set(VERBS)
