"""What each verb of the command line writes and reads, checked before any of them begins."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bayescannon.cannon.engine_choices import FILE

# options that name what is written, by verb, and what kind of output each is; `run` and `demo` check what they are told
# by other means
_FILE: dict[str, bool] = {}
_STORE = {"is_folder": True}
_FOLDER = {"is_added_to": True}
_LOG = {"is_appended": True}
WRITTEN: dict[str, dict[str, dict[str, bool]]] = {
    "demo": {"out": _FOLDER},
    "mock": {"out": _FOLDER},
    "check-input": {"json": _FILE},
    "init": {"out": _FILE},
    "fetch": {"out": _FOLDER, "failed": _LOG},
    "prepare": {"out": _STORE, "refused": _FILE},
    "train": {"out": _FILE},
    "label": {"out": _FILE, "model_spectra": _STORE},
    "uncertainties": {"out": _FILE},
    "coverage": {"out": _FILE},
    "validate": {"json": _FILE},
    "compare": {"out": _FOLDER},
    "information": {"out": _FILE, "figures": _FOLDER},
    "compare-models": {"json": _FILE},
    "run": {},
    "check": {"json": _FILE},
    "report": {"out": _FILE},
}
# options of any verb that name what is read; those that may be no path are looked for and not required
_READ = (
    "spectra", "store", "model", "stars", "labels", "pipeline_labels", "config", "configs", "paths", "grid", "redshift",
    "populations", "a", "b", "ids", "token_file", "run", "also",
)  # fmt: skip


def check_files(options: argparse.Namespace) -> None:
    """
    Raise an error unless all that a command is to write can be written.

    Parameters
    ----------
    options : argparse.Namespace
        The parsed command line, with ``verb`` and ``overwrite``.

    Raises
    ------
    BayesCannonError
        As :func:`bayescannon.io.output_check.check_outputs`.
    """
    # imported here so that --help is quick
    from bayescannon.io.output_check import Output, check_outputs
    from bayescannon.io.urls import url_of

    written = {**WRITTEN[options.verb], "log_file": _LOG}
    if getattr(options, "append", False):
        # the store exists, and stays until a new generation of it is whole
        written["out"] = _FOLDER
    if getattr(options, "layout", FILE) != FILE:
        written["out"] = _STORE
    outputs = [
        Output(Path(path), "--out" if name == "out" else f"--{name.replace('_', '-')}", **kind)
        for name, kind in written.items()
        # what can be written at a URL is known where it is written
        if (path := getattr(options, name, None)) is not None and url_of(path) is None
    ]
    check_outputs(outputs, list(_read_by(options)), overwrite=options.overwrite)


def _read_by(options: argparse.Namespace) -> Iterable[Path]:
    """Yield the paths that a command reads."""
    for name in _READ:
        given: Any = getattr(options, name, None)
        for one in given if isinstance(given, list) else [given]:
            # names of stars, grids and numbers may stand in place of paths; too long ones are none
            if isinstance(one, Path) or (isinstance(one, str) and 0 < len(one) < 1000):
                yield Path(one)
