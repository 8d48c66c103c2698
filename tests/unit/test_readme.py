"""The README's example does what the README says: it prints labels with errors, and draws the figure shown."""

import re
import shlex
from pathlib import Path

import pytest
from matplotlib.image import imread

from bayescannon.app.cli_parser import build_parser

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_example_prints_and_draws_what_it_promises(tmp_path, monkeypatch, capsys):
    example = README.partition("```python\n")[2].partition("```")[0]
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    shown = README.partition("prints\n\n```\n")[2].partition("```")[0].splitlines()
    assert printed[0].split()[:4] == shown[0].split()[:4] == ["id", "teff", "e_teff", "logg"]
    assert [line.split()[0] for line in printed] == [line.split()[0] for line in shown]
    assert imread(tmp_path / "one_to_one.png").shape[1] > 1000
    assert names["model"].calibration is not None
    assert names["check"].row("k-fold", "snr > 50", "teff").n_stars > 200


def test_the_figure_and_every_folder_named_are_there():
    for target in re.findall(r"\]\(([\w./-]+)\)", README) + re.findall(
        r"`((?:studies|notebooks|benchmarks)/\w*)`", README
    ):
        assert (ROOT / target).exists(), target


def test_the_commands_for_real_surveys_can_be_given():
    section = README.partition("## Real surveys")[2].partition("\n## ")[0]
    commands = [part.strip() for line in section.splitlines() if line.startswith("    ") for part in line.split("&&")]
    assert len(commands) == 6
    parser = build_parser()
    verbs = [parser.parse_args(shlex.split(command)[1:]).verb for command in commands]
    assert verbs == ["fetch", "fetch", "init", "run", "fetch", "compare"]
