"""`bayescannon run`: the whole pipeline from one file."""

import json
import shutil
from functools import partial

import numpy as np
import pytest
from small_survey import N_REFERENCE, N_TEST, run_refused

from bayescannon.app.cli import main
from bayescannon.app.report.page import write_report
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.data.prepare import lamost_grid
from bayescannon.io.catalogue import read_catalogue
from bayescannon.io.store import load_spectra

# of labels without [alpha/M]
FIGURES = ("one_to_one", "coefficients", "kiel", "snr_and_chi2", "sky", "corner", "scatter_by_snr")


@pytest.fixture
def refused(capsys):
    """Run a command that must fail with status 1; return its message."""
    return partial(run_refused, capsys)


@pytest.fixture
def config(small, tmp_path):
    """Write a configuration of a run; return its path."""

    def write(**changes):
        lines = {
            "out": 'out = "results"', "figures": "figures = true",
            "prepare": f'[prepare]\nspectra = "{small.survey}/spectra"',
            "labels": f'[labels]\ntable = "{small.survey}/apogee.fits"\nformat = "allstar-dr12"',
            "train": '[train]\nlabel_names = ["teff", "logg", "fe_h"]',
            "label": "[label]\nstarts = 3",
            "validate": "[validate]\nfolds = 2",
        } | changes  # fmt: skip
        path = tmp_path / "run.toml"
        path.write_text("\n".join(lines.values()))
        return path

    return write


def test_run_does_it_all(config, tmp_path, capsys, refused):
    path = config()
    assert main(["run", str(path)]) == 0
    said = capsys.readouterr().out
    results = tmp_path / "results"
    trained = TrainedModel.load(results / "model.nc")
    assert trained.calibration is not None
    catalogue = read_catalogue(results / "catalogue.fits")
    assert catalogue.meta["errors"] == trained.calibration.describe()
    assert "errors: calibrated on" in said
    assert len(read_catalogue(results / "catalogue.fits")) == len(load_spectra(results / "store.zarr"))
    assert len(json.loads((results / "validation.json").read_text())) == 12
    for figure in FIGURES:
        assert (results / "figures" / f"{figure}.png").stat().st_size > 10_000
    for text in (f"prepared {N_REFERENCE + N_TEST} of", "Reference set", "k-fold, snr > 50", "labelled", "drew"):
        assert text in said
    # the page of the run is the one that can be had of its folder
    page = results / "report.html"
    assert f"wrote a page of the run, to be opened in a browser: {page}" in said
    assert write_report(results, tmp_path / "again.html").read_bytes() == page.read_bytes()
    assert page.read_text().count('<img src="data:image/svg+xml') == len(FIGURES) - 1
    # again: every step is finished, and nothing is touched
    before = {file: file.stat().st_mtime_ns for file in results.rglob("*")}
    assert main(["run", str(path)]) == 0
    said = capsys.readouterr().out
    assert said.count("finished before, with the same inputs") == 6
    assert f"{N_REFERENCE + N_TEST} stars" in said.splitlines()[-1]
    # other choices: refused before anything happens; and when told to replace, what does not depend on them stays
    path = config(validate="[validate]\nfolds = 3")
    assert "--overwrite" in refused("run", path)
    assert {file: file.stat().st_mtime_ns for file in results.rglob("*")} == before
    assert main(["run", str(path), "--overwrite"]) == 0
    changed = {
        file.name for file in results.rglob("*") if file.stat().st_mtime_ns != before.get(file) and file.is_file()
    }
    vector = {path.name for path in results.glob("figures/*.svg")}
    assert {"scatter_by_snr.svg", "kiel.svg", "one_to_one.svg"} <= vector
    assert "coefficients.svg" not in vector
    assert changed == {"validation.json", "run.json", "report.html", *(f"{name}.png" for name in FIGURES), *vector}


def test_an_interrupted_run_goes_on_at_the_step_that_was_interrupted(config, tmp_path, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    path = config(train='[train]\nlabel_names = ["teff", "logg"]\nfolds = 0', figures="figures = false\nreport = false")
    with monkeypatch.context() as patch:
        patch.setattr("bayescannon.app.run_steps.label_catalogue", interrupt)
        assert main(["run", str(path)]) == 130
    assert "run the same command again" in capsys.readouterr().err
    model = (tmp_path / "results" / "model.nc").read_bytes()
    assert main(["run", str(path)]) == 0
    said = capsys.readouterr().out
    assert said.count("finished before") == 3
    assert "labelled" in said.splitlines()[-1]
    assert (tmp_path / "results" / "model.nc").read_bytes() == model
    assert not list(tmp_path.rglob(".*"))


def test_run_reads_as_the_configuration_says(small, config, tmp_path, capsys):
    """The grid of a file beside the configuration, and the reader by name."""
    np.savetxt(tmp_path / "grid.txt", lamost_grid()[::4])
    prepare = f'[prepare]\nspectra = "{small.survey}/spectra"\nreader = "lamost-lrs"\ngrid = "grid.txt"\nair = "vacuum"'
    assert main(["run", str(config(prepare=prepare, figures="figures = false\nreport = false"))]) == 0
    assert "read by lamost-lrs" in capsys.readouterr().out
    np.testing.assert_allclose(load_spectra(tmp_path / "results" / "store.zarr").wavelength, lamost_grid()[::4])


def test_run_refuses_a_figures_folder_that_exists(config, tmp_path, refused):
    (tmp_path / "results" / "figures").mkdir(parents=True)
    assert "figures exists" in refused("run", config())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validate": "[validate]\nfold = 2"}, "[validate] fold is not a known key (did you mean folds?); known"),
        ({"out": ""}, "out is missing; it has no default"),
        ({"label": "[label]\nstarts = 0"}, "[label] starts must be at least 1; got 0"),
        ({"label": '[label]\ncatalogue = "labels.txt"'}, "the ending of a catalogue must be one of .fits"),
        ({"labels": '[labels]\ntable = "nothing.csv"'}, "there is no file"),
        ({"train": '[train]\nlabel_names = ["teff", "mg_fe"]'}, "no column for label 'mg_fe'"),
        ({"train": "[train]\nkeep = { teff = [5000, 4000] }"}, "the range of teff must be two numbers [low, high]"),
        ({"train": '[train]\ncuts = "mine"'}, "cuts must be one of paper, released, none; got 'mine'"),
        ({"prepare": '[prepare]\nspectra = "x"\npreset = "mine"'}, "preset must be one of paper, released, masked"),
        (
            {"prepare": '[prepare]\nspectra = "x"\nvariance = "no"'},
            "variance must be one of interpolate, propagate",
        ),
    ],
)
def test_run_finds_mistakes_before_any_work(config, tmp_path, refused, changes, message):
    assert message in refused("run", config(**changes))
    assert not list(tmp_path.glob("results/*"))


def test_run_finds_a_wrong_way_to_match_before_any_work(small, config, tmp_path, refused):
    labels = f'[labels]\ntable = "{small.survey}/apogee.fits"\nformat = "allstar-dr12"\n'
    assert "match must be 'id', 'sky' or a pair of columns LEFT=RIGHT; there is no column 'name'" in refused(
        "run", config(labels=labels + 'match = "name"')
    )
    assert "radius must be positive" in refused("run", config(labels=labels + "radius = 0"))
    assert not list(tmp_path.glob("results/*"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": "[train]\nfolds = 0", "validate": "[coverage]"}, "[coverage] needs folds in [train]"),
        ({"validate": '[coverage]\npipeline_labels = "no.csv"'}, "there is no file"),
        ({"validate": '[uncertainties]\nkinds = ["fromal"]'}, "kinds of error must be among formal"),
        ({"validate": '[compare]\ntable = "no.csv"'}, "no.csv"),
        ({"label": '[label]\nmodel_stars = "3"'}, "[label] model_stars needs model_spectra"),
        ({"label": '[label]\nmodel_spectra = "model.nc"'}, "the output of model-spectra and the output of train"),
    ],
)
def test_later_steps_that_cannot_be_done_are_refused_before_any_work(config, tmp_path, refused, changes, message):
    assert message in refused("run", config(**changes))
    assert not (tmp_path / "results").exists()


def test_a_damaged_journal_and_a_step_without_its_output_are_done_again(config, tmp_path, capsys):
    path = config(train='[train]\nlabel_names = ["teff", "logg"]\nfolds = 0', figures="figures = false\nreport = false")
    results = tmp_path / "results"
    assert main(["run", str(path), "--until", "train"]) == 0
    model = (results / "model.nc").read_bytes()
    # what a killed run left of a step is no output of it
    (results / "run.json").write_text('{"format": "bayescannon run 1", "steps": {"prepare"')
    capsys.readouterr()
    assert main(["run", str(path), "--until", "train"]) == 1
    assert "exists; choose another name, or replace it with --overwrite" in capsys.readouterr().err
    assert (results / "model.nc").read_bytes() == model
    assert main(["run", str(path), "--until", "train", "--overwrite"]) == 0
    shutil.rmtree(results / "store.zarr" / "flux")
    capsys.readouterr()
    assert main(["run", str(path), "--until", "validate"]) == 1
    assert "flux/c.0.0" in capsys.readouterr().err
