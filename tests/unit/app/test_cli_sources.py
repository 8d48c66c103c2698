"""`--labels` several times: the mock survey's trusted table, and its pipeline's labels of all stars."""

import json
from functools import partial

import numpy as np
import pytest
from small_survey import LABELS, SmallSurvey, run_refused

from bayescannon.app.cli import main
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.io.catalogue import read_catalogue

N_REFERENCE, N_TEST = 90, 40
N_ALL = N_REFERENCE + N_TEST
SOURCES = """
[[labels]]
table = "{0}/apogee.fits"
name = "APOGEE"
format = "allstar-dr12"

[[labels]]
table = "{0}/lasp.csv"
name = "LASP"
keep = {{ teff = [4000, 5300] }}
errors = {{ teff = 25, logg = 0.07, fe_h = 0.04 }}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A mock survey and its store."""
    folder = tmp_path_factory.mktemp("sources")
    found = SmallSurvey(folder / "survey", folder / "store.zarr", folder / "both.nc")
    sizes = ["--n-reference", N_REFERENCE, "--n-test", N_TEST, "--seed", 3]
    for command in (["mock", found.survey, *sizes], ["prepare", found.survey / "spectra", "--out", found.store]):
        assert main([str(arg) for arg in command]) == 0
    return found


@pytest.fixture(scope="module")
def sources(small):
    path = small.survey.parent / "sources.toml"
    path.write_text(SOURCES.format(small.survey))
    return path


@pytest.fixture(scope="module")
def model(small):
    """A model of both tables, trained with their errors."""
    tables = ["--labels", small.survey / "apogee.fits", "--labels", small.survey / "lasp.csv"]
    more = ["--label-errors", "table", "--hidden", "0", "--folds", "2", "--clip-rounds", "0", "--max-per-cell", "12"]
    assert main([str(arg) for arg in ["train", small.store, *tables, *LABELS, *more, "--out", small.model]]) == 0
    return small.model


@pytest.fixture
def refused(capsys):
    """Run a command that must fail with status 1; return its message."""
    return partial(run_refused, capsys)


def said_of(capsys, *command, status=0):
    capsys.readouterr()
    assert main([str(arg) for arg in command]) == status
    return " ".join(capsys.readouterr().out.split())


def test_a_model_of_two_tables(model):
    trained = TrainedModel.load(model)
    counts = trained.source_counts
    assert set(counts) == {"apogee", "lasp"}
    assert sum(counts.values()) == len(trained.reference_id) < N_ALL
    errors = trained.reference_errors
    assert np.isfinite(errors).all()
    steps = [row.step for row in trained.tally]
    assert any(step.startswith("lasp: linear map of ") for step in steps)
    assert any(step.startswith("more than 12 stars in a cell of teff 250 K") for step in steps)


@pytest.mark.long
def test_verbs_that_need_the_labels_take_those_of_the_training(model, small, sources, tmp_path, capsys):
    trained = TrainedModel.load(model)
    both = ["--labels", small.survey / "apogee.fits", "--labels", small.survey / "lasp.csv"]
    said = said_of(capsys, "validate", model, small.store, *both, "--folds", "0", "--json", tmp_path / "v.json")
    assert "labels and errors are those of the training, on its scale" in said
    rows = json.loads((tmp_path / "v.json").read_text())
    assert rows[0]["n_stars"] == len(trained.reference_id)
    command = ["uncertainties", model, small.store, "--labels", sources, "--stars", "3", "--bootstrap", "2"]
    said = said_of(capsys, *command, "--kinds", "formal,bootstrap", "--out", tmp_path / "b.nc")
    assert "evaluated 2 kinds of error of 3 stars" in said
    said_of(capsys, "label", model, small.store, "--out", tmp_path / "c.fits", "--starts", "2")
    header = read_catalogue(tmp_path / "c.fits").meta["reference"]
    assert header == trained.describe_reference()
    assert "labels of apogee" in header


def test_a_toml_file_stands_for_its_tables(small, sources, tmp_path, capsys):
    said = said_of(capsys, "check-input", small.store, "--labels", sources, *LABELS)
    assert f"labels LASP: {N_ALL} rows; known: teff 100 %" in said.replace("│", "").replace("  ", " ")
    assert "LASP: linear map of" in said
    command = ["train", small.store, "--labels", sources, *LABELS, "--folds", "0", "--clip-rounds", "0"]
    said = said_of(capsys, *command, "--keep", "logg=1.5:", "--out", tmp_path / "m.nc")
    assert "labels: LASP: lasp.csv is read as a table with columns named after labels" in said
    trained = TrainedModel.load(tmp_path / "m.nc")
    assert set(trained.source_counts) == {"APOGEE", "LASP"}
    assert trained.reference_labels[:, 1].min() >= 1.5
    assert trained.label_table.format == "allstar-dr12"
    steps = [row.step for row in trained.tally]
    assert "LASP: teff < 4000 or teff > 5300 K" in steps
    assert steps.index("logg < 1.5 dex") > max(n for n, step in enumerate(steps) if step.startswith("LASP"))


def test_tables_that_do_not_go_together_are_refused(small, tmp_path, refused):
    rows = (small.survey / "lasp.csv").read_text().splitlines()
    (tmp_path / "far.csv").write_text("\n".join([rows[0], *rows[1 + N_REFERENCE :]]) + "\n")
    train = ["train", small.store, *LABELS, "--out", tmp_path / "m.nc", "--labels", small.survey / "apogee.fits"]
    message = " ".join(refused(*train, "--labels", tmp_path / "far.csv").split())
    assert (
        "the offsets between the labels of apogee and far cannot be fitted: 0 stars have the labels of both" in message
    )
    assert "--offsets none" in message
    message = refused(*train, "--labels", small.survey / "apogee.fits")
    assert "each of several tables of labels needs a name of its own" in message
    message = refused(*train[:-2], "--labels", small.survey / "lasp.csv", "--label-names", "teff,alpha_m")
    assert "label 'alpha_m'" in message
    (tmp_path / "s.toml").write_text("[[label]]\n")
    assert "must hold [[labels]], one for each table" in refused(*train[:-2], "--labels", tmp_path / "s.toml")
    assert not (tmp_path / "m.nc").exists()


@pytest.mark.long
def test_a_run_of_several_tables(small, sources, tmp_path, capsys):
    lines = (
        'out = "results"', "report = false", f'[prepare]\nspectra = "{small.survey}/spectra"',
        sources.read_text(), '[train]\nlabel_names = ["teff", "logg", "fe_h"]\noffsets = "none"\nfolds = 2',
        "[label]\nstarts = 3", "[validate]\nfolds = 2",
    )  # fmt: skip
    (tmp_path / "run.toml").write_text("\n".join(lines))
    said = said_of(capsys, "run", tmp_path / "run.toml")
    assert "LASP: taken as they are" in said
    assert "scales taken as equal" in read_catalogue(tmp_path / "results" / "catalogue.fits").meta["reference"]
