"""
Compile the kernels that the verbs use, so that no later call waits: python -m bayescannon.app.compile_kernels.

Kernels are compiled for the types of what they are given. A mock survey is therefore taken through the verbs, as a user
would, in two processes at once; what they compile is kept on disk (:mod:`bayescannon.numerics.compiled`). A second time
it takes as long as the verbs do. Rare choices, such as noise of stars, outliers and line spreads, are left to their
first call: training with them takes longer than compiling.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bayescannon.numerics.errors import BayesCannonError

LABELS = ("--labels", "survey/apogee.fits", "--labels-format", "allstar-dr12")
_TRAIN = ("train", "store.zarr", *LABELS)
_ALONE = ("store.zarr", "--workers", "1")
# the verbs of one process, and then of two at once, about as long
ROUTES: dict[str, tuple[tuple[str, ...], ...]] = {
    "store": (
        ("mock", "survey", "--n-reference", "150", "--n-test", "40", "--seed", "1"),
        ("prepare", "survey/spectra", "--out", "store.zarr"),
    ),
    "recommended": (
        (*_TRAIN, "--folds", "3", "--odd", "--out", "recommended.nc"),
        ("label", "recommended.nc", *_ALONE, "--posterior", "--odd", "--out", "recommended.parquet"),
    ),
    "paper": (
        (*_TRAIN, "--recipe", "paper", "--folds", "3", "--out", "paper.nc"),
        ("label", "paper.nc", *_ALONE, "--prior", "mixture", "--posterior", "--out", "paper.parquet"),
        ("label", "paper.nc", *_ALONE, "--prior", "coverage", "--out", "coverage.parquet"),
        ("uncertainties", "paper.nc", "store.zarr", "--stars", "8", "--bootstrap", "2", *LABELS, "--out", "budget.nc"),
    ),
}


def compile_kernels() -> float:
    """
    Take a mock survey through the verbs, so that their kernels are compiled and kept on disk.

    Returns
    -------
    seconds : float
        What it took.

    Raises
    ------
    BayesCannonError
        A verb failed; with its last lines.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bayescannon-compile-") as folder:
        _finish([_start("store", folder)])
        _finish([_start(route, folder) for route in ROUTES if route != "store"])
    return time.monotonic() - began


def _start(route: str, folder: str) -> "subprocess.Popen[str]":
    """Start the verbs of a route in a process of its own, in a folder."""
    # the package that runs now, whether it is installed or not
    here = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.Popen(
        [sys.executable, "-m", "bayescannon.app.compile_kernels", json.dumps(ROUTES[route])], cwd=folder,
        env=os.environ | {"PYTHONPATH": here, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _finish(processes: "Sequence[subprocess.Popen[str]]") -> None:
    """Wait for processes; raise with the last lines of one that failed."""
    try:
        said = [process.communicate()[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, output in zip(processes, said, strict=True):
        if process.returncode:
            raise BayesCannonError(f"kernels were not compiled: {output.strip()[-1000:]}")


def run(args: Sequence[str]) -> int:
    """Compile everything, or what the commands need that are given as JSON; return the exit status."""
    if args:
        from bayescannon.app.cli import main

        return max(main(command) for command in json.loads(args[0]))
    sys.stderr.write("compiling the kernels of bayescannon, once after an installation: one to three minutes\n")
    sys.stderr.write(f"compiled the kernels of bayescannon in {compile_kernels():.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
