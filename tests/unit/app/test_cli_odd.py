"""Odd spectra by the command line: held-out stars are scored at the training, and catalogues say what is odd."""

import numpy as np
import pytest
from astropy.table import Table
from small_survey import run_refused

from bayescannon.app.cli import main
from bayescannon.app.config import ConfigError, TrainConfig
from bayescannon.cannon.choice_fields import ChoiceError
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.data.flags import ResultFlag
from bayescannon.io.catalogue import read_catalogue

# emission, bands of carbon and lines of the sky are in it
GRID = "4600:6700:3"


def run(*args):
    assert main([str(arg) for arg in args]) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    run("mock", folder / "survey", "--n-reference", 120, "--n-test", 40, "--odd", "emission=10", "--seed", 3)
    run("prepare", folder / "survey" / "spectra", "--grid", GRID, "--out", folder / "store.zarr")
    train(folder, "model.nc", "--odd")
    train(folder, "plain.nc")
    return folder


def train(folder, name, *choices):
    labels = ["--labels", folder / "survey" / "apogee.fits", "--labels-format", "allstar-dr12"]
    run("train", folder / "store.zarr", *labels, "--label-names", "teff,logg", "--folds", 2, *choices,
        "--out", folder / name)  # fmt: skip


def test_a_catalogue_says_which_stars_are_odd(folder):
    run("label", folder / "model.nc", folder / "store.zarr", "--odd", "--out", folder / "odd.fits")
    catalogue = read_catalogue(folder / "odd.fits")
    assert "held-out stars" in catalogue.meta["odd_spectra"]
    truth = Table.read(folder / "survey" / "truth.csv", format="ascii.csv")
    is_odd = dict(zip(map(str, truth["id"]), np.asarray(truth["emission"]) > 0, strict=True))
    emission = np.array([is_odd[str(name)] for name in catalogue["id"]])
    assert emission.sum() == 10
    flagged = (np.asarray(catalogue["flags"]) & int(ResultFlag.ODD_SPECTRUM)) > 0
    p_value = np.asarray(catalogue["p_odd_emission"])
    assert np.median(p_value[emission]) < 0.01 < np.median(p_value[~emission])
    assert flagged[emission].mean() >= 0.3
    assert flagged[~emission].mean() < 0.1
    assert (np.asarray(catalogue["flag_warn"])[flagged] == 1).all()
    # giants are no pairs of the main sequence
    assert "p_binary" not in catalogue.colnames


@pytest.mark.long
def test_labels_are_the_same_without(folder):
    run("label", folder / "model.nc", folder / "store.zarr", "--out", folder / "labels.fits")
    run("label", folder / "plain.nc", folder / "store.zarr", "--out", folder / "plain.fits")
    one, other = read_catalogue(folder / "labels.fits"), read_catalogue(folder / "plain.fits")
    assert one.colnames == other.colnames
    np.testing.assert_array_equal(one["teff"], other["teff"])
    assert load_any_model(folder / "model.nc").hash == load_any_model(folder / "plain.nc").hash


def test_a_model_without_scores_is_refused(folder, capsys):
    args = ("label", folder / "plain.nc", folder / "store.zarr", "--odd", "--out", folder / "refused.fits")
    assert "the model has no scores; train it with --odd (odd = true in [train])" in run_refused(capsys, *args)
    args = ("label", folder / "model.nc", folder / "store.zarr", "--odd", "--velocity-prior", "5km/s", "--out",
            folder / "refused.fits")  # fmt: skip
    assert "nuisances of the training" in run_refused(capsys, *args)
    assert not (folder / "refused.fits").exists()


def test_choices_that_do_not_go_together():
    with pytest.raises(ConfigError, match="odd needs folds"):
        TrainConfig(odd=True, folds=0)
    with pytest.raises(ChoiceError, match="double_lined needs odd"):
        TrainConfig(double_lined=True)


def test_a_run_that_labels_odd_stars_without_scores_is_refused_before_any_work(tmp_path, capsys):
    config = tmp_path / "run.toml"
    config.write_text(
        'out = "out"\n[prepare]\nspectra = "none"\n[labels]\ntable = "none.fits"\n[label]\nodd = true\n',
        encoding="utf-8",
    )
    assert "needs odd = true in [train]" in run_refused(capsys, "run", config)
