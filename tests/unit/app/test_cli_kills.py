"""Commands that are killed at a file operation and run again: the same bytes, nothing lost, nothing left over."""

import shutil
import signal

import pytest

from tests.helpers.kills import failures, kill_at_random, kill_everywhere

TRAIN = ["train", "store.zarr", "--labels", "survey/apogee.fits", "--label-names", "teff,logg,fe_h", "--out"]
VERBS = {
    "prepare": ["prepare", "survey/spectra", "--out", "new.zarr"],
    "prepare again": ["prepare", "survey/spectra", "--out", "store.zarr", "--overwrite"],
    "train": [*TRAIN, "new.nc", "--folds", "0"],
    "train with folds": [*TRAIN, "new.nc", "--folds", "2"],
    "label": ["label", "model.nc", "store.zarr", "--out", "rows.fits"],
    "label again": ["label", "model.nc", "store.zarr", "--out", "rows.ecsv", "--overwrite"],
    "model spectra": ["label", "model.nc", "store.zarr", "--out", "rows.fits", "--model-spectra", "fits.zarr"],
    "uncertainties": ["uncertainties", "model.nc", "store.zarr", "--kinds", "formal,coefficient", "--out", "new.nc"],
    "coverage": ["coverage", "model.nc", "store.zarr", "--out", "rows.parquet"],
    "run": ["run", "run.toml"],
    "run with all steps": ["run", "all.toml"],
}
CONFIG = """
out = "run"
[prepare]
spectra = "survey/spectra"
workers = 1
[labels]
table = "survey/apogee.fits"
[train]
label_names = ["teff", "logg", "fe_h"]
folds = 2
[validate]
folds = 2
"""
ALL_STEPS = (
    CONFIG
    + """
[label]
model_spectra = "fits.zarr"
model_stars = "20"
[uncertainties]
kinds = ["formal", "calibrated"]
stars = "20"
[coverage]
[compare]
table = "survey/truth.csv"
columns_b = { fe_h = "m_h" }
"""
)


@pytest.fixture(scope="module")
def before(small, tmp_path_factory):
    """A survey with its store and a model, and an older catalogue."""
    folder = tmp_path_factory.mktemp("kills") / "before"
    for path in (small.survey, small.store):
        shutil.copytree(path, folder / path.name)
    shutil.copy(small.model, folder / "model.nc")
    (folder / "rows.ecsv").write_text("# an older catalogue\n")
    (folder / "run.toml").write_text(CONFIG)
    (folder / "all.toml").write_text(ALL_STEPS)
    return folder


def _check(verb, before, work, operations):
    outcomes = kill_everywhere(VERBS[verb], before, work, operations=operations)
    assert all(one.killed for one in outcomes)
    assert failures(outcomes) == []


@pytest.mark.long
@pytest.mark.parametrize("verb", ["prepare again", "train", "label", "model spectra", "uncertainties"])
def test_a_command_killed_at_some_operations_finishes_when_it_is_run_again(verb, before, tmp_path):
    _check(verb, before, tmp_path, 2)


@pytest.mark.soak
@pytest.mark.parametrize("verb", VERBS)
def test_a_command_killed_at_any_operation_finishes_when_it_is_run_again(verb, before, tmp_path):
    _check(verb, before, tmp_path, None)


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["KILL", "TERM"])
@pytest.mark.parametrize("verb", ["prepare", "train with folds", "label", "uncertainties", "run"])
def test_a_command_killed_at_a_random_moment_leaves_no_process_and_finishes_when_it_is_run_again(
    verb, number, before, tmp_path
):
    command = [*VERBS[verb], *([] if verb == "run" else ["--workers", "2"])]
    outcomes = kill_at_random(command, before, tmp_path, times=20, number=number)
    assert failures(outcomes) == []
