"""Completion scripts know every command and option, and complete files."""

import subprocess

import pytest

from bayescannon.app.cli import main
from bayescannon.app.cli_verbs import VERBS


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_command_is_completed(shell, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--print-completion", shell])
    assert ended.value.code == 0
    script = capsys.readouterr().out
    assert all(verb in script for verb in VERBS)
    assert "label-names" in script
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
        assert "_shtab_bayescannon_label_pos_0_COMPGEN=_shtab_compgen_files" in script


def test_other_shells_are_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--print-completion", "fish"])
    assert ended.value.code == 2
    assert "choose from bash, zsh, tcsh" in capsys.readouterr().err.replace("'", "")
