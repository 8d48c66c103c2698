"""Kernels run where nothing can be kept on disk."""

import io
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from numba.core import caching

import bayescannon
from bayescannon.numerics import compiled as module
from bayescannon.numerics.compiled import compiled

PACKAGE = Path(bayescannon.__file__).parent


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(module, "_said", set())
    monkeypatch.setattr(module, "_told_of", set())


def test_without_a_place_for_the_cache_kernels_run_and_that_is_logged_once(monkeypatch, caplog):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    caplog.set_level(logging.DEBUG, logger="bayescannon")
    first, second = compiled(nogil=True)(lambda x: x + 1), compiled(error_model="numpy")(lambda x: 1 / x)
    assert (first(1), second(0.0)) == (2, float("inf"))
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert "not kept on disk" in record.getMessage()


def test_a_full_disk_is_no_fault(monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.Cache, "save_overload", full)
    monkeypatch.setattr(caching.Cache, "load_overload", full)
    caplog.set_level(logging.DEBUG, logger="bayescannon")
    assert compiled()(lambda x: 2 * x)(4) == 8
    assert "No space left on device" in caplog.records[0].getMessage()


def test_it_is_said_once_that_kernels_are_compiled(monkeypatch, caplog, tmp_path):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "stderr", Terminal())
    caplog.set_level(logging.INFO, logger="bayescannon")
    compiled()(lambda x: 3 * x)(4)
    compiled()(lambda x: 5 * x)(4)
    assert len(caplog.records) == 1
    assert sys.stderr.getvalue().count("compile_kernels") == 1
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(module, "_told_of", set())
    compiled()(lambda x: 7 * x)(4)
    assert sys.stderr.getvalue() == ""


def test_every_kernel_is_compiled_this_way():
    direct = re.compile(r"\bnjit\b|numba\.jit|cache=True")
    found = [path.name for path in PACKAGE.rglob("*.py") if direct.search(path.read_text(encoding="utf-8"))]
    assert found == ["compiled.py"]


@pytest.mark.long
def test_a_home_and_an_installation_that_cannot_be_written(tmp_path):
    code = """
import numba.core.caching as caching
caching.CacheImpl._locator_classes = []
import bayescannon as bc
from bayescannon.numerics.student_t import *
from bayescannon.models.spectral import spectral_model
import bayescannon.stars.quartic_kernels, bayescannon.figures, pytensor
assert "bayescannon-pytensor-" in str(pytensor.config.compiledir)
print("fine")
"""
    home = "/proc/nowhere" if Path("/proc").exists() else str(tmp_path / "file" / "nowhere")
    (tmp_path / "file").write_text("")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTENSOR", "NUMBA", "XDG"))}
    env = {**kept, "HOME": home, "PYTHONPATH": str(PACKAGE.parent), "MPLCONFIGDIR": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert ran.stdout == "fine\n", ran.stderr
    assert ran.stderr == ""
