"""PyTensor gets a folder that can be written."""

import os
import sys
from pathlib import Path

import pytest

from bayescannon.models.compile_folder import provide_compile_folder


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.delitem(sys.modules, "pytensor", raising=False)
    monkeypatch.setenv("PYTENSOR_FLAGS", "floatX=float64")
    monkeypatch.delenv("PYTENSORRC", raising=False)


def test_a_home_that_is_not_writable(tmp_path):
    (tmp_path / "file").write_text("")
    provide_compile_folder(tmp_path / "file" / "home")
    flags = os.environ["PYTENSOR_FLAGS"]
    assert flags.startswith("floatX=float64,base_compiledir=")
    assert Path(flags.partition("base_compiledir=")[2]).is_dir()


def test_a_home_that_is_writable_and_a_choice_of_the_user(tmp_path, monkeypatch):
    provide_compile_folder(tmp_path / "not yet there")
    assert os.environ["PYTENSOR_FLAGS"] == "floatX=float64"
    monkeypatch.setenv("PYTENSOR_FLAGS", "base_compiledir=/else")
    provide_compile_folder(Path("/proc/nowhere"))
    assert os.environ["PYTENSOR_FLAGS"] == "base_compiledir=/else"
