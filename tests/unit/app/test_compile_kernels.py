"""Kernels are compiled after an installation: by verbs that exist, in a place that later calls find."""

import os
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest

from bayescannon.app import compile_kernels as module
from bayescannon.app.cli_parser import build_parser
from bayescannon.cannon.choices import TrainingChoices
from bayescannon.cannon.options import TrainingOptions
from bayescannon.numerics.errors import BayesCannonError

PACKAGE = Path(module.__file__).parents[2]


@pytest.mark.parametrize("route", list(module.ROUTES))
def test_the_verbs_are_those_of_the_command_line_and_read_what_was_written(route):
    written = {"survey", "survey/spectra", "store.zarr", "survey/apogee.fits"}
    for command in module.ROUTES[route]:
        options = vars(build_parser().parse_args([str(word) for word in command]))
        if command[0] == "train":
            known = {item.name for item in fields(TrainingChoices)}
            TrainingOptions.from_names(**{name: x for name, x in options.items() if name in known and x is not None})
        for name in ("model", "store"):
            assert str(options.get(name) or "store.zarr") in written, command
        written.add(str(options["out"]))


def test_every_kind_of_result_is_made():
    said = " ".join(" ".join(command) for route in module.ROUTES.values() for command in route)
    for word in ("--posterior", "--odd", "--folds", "uncertainties", "--prior"):
        assert word in said


def test_a_verb_that_fails_is_told(monkeypatch):
    monkeypatch.setitem(module.ROUTES, "store", (("train", "nowhere.zarr", "--labels", "none", "--out", "a.nc"),))
    with pytest.raises(BayesCannonError, match="there is no file none"):
        module.compile_kernels()


@pytest.mark.long
def test_routes_are_run_and_the_time_is_told(monkeypatch, capsys):
    for route in module.ROUTES:
        monkeypatch.setitem(module.ROUTES, route, (("mock", route, "--n-reference", "2", "--n-test", "1"),))
    assert module.run([]) == 0
    said = capsys.readouterr().err
    assert "compiling the kernels" in said
    assert "compiled the kernels of bayescannon in" in said


@pytest.mark.long
def test_afterwards_no_verb_compiles_anything(tmp_path):
    """All kernels anew, in a place of their own; then labels and posteriors in a fresh process."""
    kept = tmp_path / "kept"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(kept), "PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}

    def run(*args):
        began = time.process_time(), time.monotonic()
        subprocess.run([sys.executable, "-m", *args], cwd=tmp_path, env=environment, check=True, capture_output=True)
        return time.monotonic() - began[1]

    run("bayescannon.app.compile_kernels")
    files = sorted(path.name for path in kept.rglob("*.nbc"))
    assert len(files) > 60
    for command in module.ROUTES["store"]:
        run("bayescannon", *command)
    run("bayescannon", "train", "store.zarr", *module.LABELS, "--folds", "2", "--out", "model.nc")
    seconds = run("bayescannon", "label", "model.nc", "store.zarr", "--posterior", "--out", "labels.parquet")
    assert sorted(path.name for path in kept.rglob("*.nbc")) == files
    assert seconds < 30
