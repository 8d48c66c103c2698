"""The command line on terminals without all letters."""

import io
import sys

import pytest

from bayescannon.app.cli import main


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_letter(tmp_path, monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(["label", str(tmp_path / "mödel 星.nc"), str(tmp_path), "--out", str(tmp_path / "c.fits")]) == 1
    stream.flush()
    assert "del \\u661f.nc" in stream.buffer.getvalue().decode(encoding)


def test_a_name_that_the_locale_cannot_write(tmp_path, monkeypatch, capsys):
    import bayescannon.app.cli as cli

    def fail(_):
        "é".encode("ascii")

    monkeypatch.setitem(cli.VERBS, "label", fail)
    arguments = ["label", "m.nc", "s.zarr", "--out", str(tmp_path / "c.fits")]
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    assert main(arguments) == 1
    assert "cannot be written in this locale; set PYTHONUTF8=1" in capsys.readouterr().err
