"""Every verb with the recommended recipe, on files, twice: decided by held-out stars, and with components given."""

import json

import numpy as np
import pytest
import xarray as xr
from small_survey import LABELS, N_REFERENCE, N_TEST

from bayescannon.app.cli import main
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.io.catalogue import read_catalogue
from bayescannon.uncertainty.kinds import KINDS

GRID = "4900:5300:1"


def run(*args):
    assert main([str(arg) for arg in args]) == 0


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recommended") / "survey"
    run("mock", folder, "--n-reference", N_REFERENCE, "--n-test", N_TEST, "--seed", 3)
    run("prepare", folder / "spectra", "--grid", GRID, "--out", folder / "store.zarr")
    return folder


@pytest.mark.long
@pytest.mark.parametrize(
    "choices",
    [pytest.param([], marks=pytest.mark.long, id="auto"),
     pytest.param(["--hidden", 2, "--label-errors", "learn"], id="given")],
)  # fmt: skip
def test_every_verb_twice(survey, tmp_path, capsys, choices):
    labels = ["--labels", survey / "apogee.fits", "--labels-format", "allstar-dr12"]
    model, store = tmp_path / "model.nc", survey / "store.zarr"
    catalogues, hashes = [], []
    for _ in range(2):
        run("train", store, *labels, *LABELS, "--recipe", "recommended", *choices, "--folds", 2, "--out", model,
            "--overwrite")  # fmt: skip
        out = tmp_path / "catalogue.fits"
        run("label", model, store, "--posterior", "--draws", 200, "--out", out, "--overwrite")
        run("uncertainties", model, store, *labels, "--kinds", ",".join(KINDS), "--stars", 10, "--bootstrap", 3,
            "--draws", 200, "--out", tmp_path / "budget.nc", "--overwrite")  # fmt: skip
        run("coverage", model, store, "--out", tmp_path / "coverage.fits", "--overwrite")
        run("validate", model, store, *labels, "--folds", 2, "--json", tmp_path / "scores.json", "--overwrite")
        run("information", model, "--out", tmp_path / "information.nc", "--overwrite")
        catalogues.append(read_catalogue(out))
        hashes.append(TrainedModel.load(model).hash)
    assert hashes[0] == hashes[1]
    np.testing.assert_array_equal(catalogues[0]["teff"], catalogues[1]["teff"])
    trained = TrainedModel.load(model)
    if choices:
        assert trained.loadings.shape == (401, 2)
        assert trained.latent_labels is not None
    assert trained.calibration is not None
    assert (np.asarray(catalogues[0]["status"]) == 0).mean() > 0.95
    assert json.loads((tmp_path / "scores.json").read_text())
    with xr.open_dataset(tmp_path / "budget.nc", engine="h5netcdf") as budget:
        assert budget["kind"].to_numpy().tolist() == list(KINDS)
        error = budget["error"].sel(kind=[kind for kind in KINDS if kind not in ("repeat", "membership")])
        assert (error > 0).mean() > 0.9
        assert (budget["error"].sel(kind="coefficient") > budget["error"].sel(kind="formal")).all()
    assert f"evaluated {len(KINDS)} kinds of error of 10 stars" in capsys.readouterr().out


@pytest.mark.long
def test_run_with_the_recipe_in_its_file(survey, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(
        f'''out = "results"
[prepare]
spectra = "{survey}/spectra"
grid = "{GRID}"
[labels]
table = "{survey}/apogee.fits"
format = "allstar-dr12"
[train]
label_names = ["teff", "logg", "fe_h"]
recipe = "recommended"
hidden = 2
label_errors = "learn"
[label]
starts = 3
[validate]
folds = 2
'''
    )
    tables = []
    for again in ([], ["--overwrite"]):
        run("run", path, *again)
        tables.append(read_catalogue(tmp_path / "results" / "catalogue.fits"))
    assert TrainedModel.load(tmp_path / "results" / "model.nc").loadings.shape == (401, 2)
    assert len(tables[0]) == N_REFERENCE + N_TEST
    np.testing.assert_array_equal(tables[0]["logg"], tables[1]["logg"])
