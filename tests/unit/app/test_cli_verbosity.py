"""Quiet commands print warnings and errors only; verbose ones say what is done and how long it took."""

import logging
import re

import pytest

from bayescannon.app.cli import main


def test_quiet_prints_nothing_and_does_the_same(small, tmp_path, capsys):
    command = ["label", str(small.model), str(small.store), "--out"]
    assert main([*command, str(tmp_path / "a.fits"), "-q"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
    assert main([*command, str(tmp_path / "b.fits")]) == 0
    assert "labelled" in capsys.readouterr().out
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()
    assert main([*command, str(tmp_path / "a.fits"), "--quiet"]) == 1
    assert "exists" in capsys.readouterr().err


def test_verbose_says_what_is_done_and_how_long_it_took(small, tmp_path, capsys):
    out = tmp_path / "a.fits"
    assert main(["label", str(small.model), str(small.store), "--out", str(out), "-v"]) == 0
    said = capsys.readouterr()
    assert "labelled" in said.out
    lines = said.err.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    assert any(re.search(r"label: \d+ in \d+\.\d s", line) for line in lines)
    # nothing stays behind
    assert logging.getLogger("bayescannon").handlers == []


def test_the_log_file_has_the_same(small, tmp_path):
    log = tmp_path / "log.txt"
    command = ["check-input", str(small.store), "--json", str(tmp_path / "c.json"), "--log-file", str(log), "-q"]
    assert main(command) == 0
    assert f"wrote {tmp_path / 'c.json'}" in log.read_text(encoding="utf-8")


def test_quiet_and_verbose_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        main(["demo", "-q", "-v"])
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "given", "meant"),
    [
        (["label", "m", "s", "--out", "c.fits"], "--priors", "--prior"),
        (["train", "s", "--labels", "t", "--out", "m.nc"], "--label-name", "--label-names"),
        (["train", "s", "--labels", "t", "--out", "m.nc"], "--clip-round", "--clip-rounds"),
        (["label", "m", "s", "--out", "c.fits"], "--modle", None),
    ],
)
def test_a_misspelt_option_is_named_with_the_one_that_was_meant(verb, given, meant, capsys):
    with pytest.raises(SystemExit):
        main([*verb, given, "1"])
    error = capsys.readouterr().err
    assert f"unrecognized arguments: {given}" in error
    assert ("did you mean" in error) == (meant is not None)
    assert meant is None or f"did you mean {meant}?" in error


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["trian", "s"], "did you mean train?"),
        (["--verson"], "unrecognized arguments: --verson; did you mean --version?"),
        (["train", "s", "--labels", "t", "--out", "m.nc", "--recipe", "papr"], "did you mean paper?"),
        (["fetch", "lamots"], "did you mean lamost?"),
        (["xyzzy"], None),
    ],
)
def test_a_misspelt_command_or_value_is_named_with_the_one_that_was_meant(given, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.endswith(said) if said else "did you mean" not in error
