"""`--populations` on the command line: trained, labelled, selected, assessed, validated, and what is refused."""

import json
from functools import partial

import numpy as np
import pytest
import xarray as xr
from small_survey import run_refused
from toy import toy_labels, toy_spectra, toy_table
from toy_survey import NAMES, TOML

import bayescannon as bc
from bayescannon.app.cli import main
from bayescannon.io.catalogue import read_catalogue

N_REFERENCE, N_STAR = 120, 150


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store of toy stars, trusted labels of most of them, two populations, and their survey model."""
    folder = tmp_path_factory.mktemp("populations")
    labels = toy_labels(N_STAR, NAMES)
    spectra = toy_spectra(labels, NAMES, sigma=0.03, n_pixel=60)
    bc.save_spectra(spectra, folder / "store.zarr")
    some = np.arange(N_REFERENCE)
    bc.save_labels(toy_table(spectra.select(some), labels[some], NAMES), folder / "labels.ecsv")
    (folder / "two.toml").write_text(TOML)
    train = ["train", folder / "store.zarr", "--labels", folder / "labels.ecsv", "--label-names", "teff,logg"]
    train += ["--populations", folder / "two.toml", "--folds", 2, "--out", folder / "model.nc"]
    assert main([str(arg) for arg in train]) == 0
    return folder


@pytest.fixture
def refused(capsys):
    """Run a command that must fail with status 1; return its message."""
    return partial(run_refused, capsys)


@pytest.fixture
def run(folder, capsys):
    """Run a command on model and store; return what it says."""

    def run_it(verb, *options, stars="store.zarr"):
        capsys.readouterr()
        assert main([str(arg) for arg in (verb, folder / "model.nc", folder / stars, *options)]) == 0
        said = capsys.readouterr()
        assert said.err == ""
        return said.out

    return run_it


def test_the_catalogue_has_populations_and_is_selected(run, tmp_path):
    last = run("label", "--out", tmp_path / "c.fits").splitlines()[-1]
    assert f"labelled {N_STAR} of {N_STAR} stars" in last
    assert "BETWEEN_POPULATIONS" in last
    table = read_catalogue(tmp_path / "c.fits")
    assert table.meta["populations"] == "lower: logg < 2.5; upper: logg > 2.5"
    total = table["p_lower"] + table["p_upper"] + table["p_none"]
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert set(table["population"]) == {"lower", "upper"}
    # the plural is understood, and the limit, what it loses and how many stars it is from are said in both places
    last = run("label", "--only", "uppers", "--false-alarms", 0.05, "--out", tmp_path / "u.ecsv").splitlines()[-1]
    kept = read_catalogue(tmp_path / "u.ecsv")
    assert f"keeps {len(kept)} of {N_STAR} stars: p_upper >= " in last
    assert "for a loss of 5 % of upper, from" in kept.meta["selection"]
    assert N_STAR / 4 < len(kept) < N_STAR
    assert set(kept["id"]) > set(table["id"][table["p_upper"] > 0.9])


@pytest.mark.long
def test_coverage_of_a_store_and_of_a_catalogue(run, folder, tmp_path):
    run("coverage", "--out", folder / "coverage.fits")
    of_store = read_catalogue(folder / "coverage.fits")
    assert {"cov_euclid", "p_none", "p_lower"} & set(of_store.colnames) >= {"p_none", "p_lower"}
    run("coverage", "--out", tmp_path / "again.fits", stars="coverage.fits")
    of_catalogue = read_catalogue(tmp_path / "again.fits")
    np.testing.assert_array_equal(of_catalogue["p_none"], of_store["p_none"])
    assert (of_catalogue["flags"] == of_store["flags"]).all()


@pytest.mark.long
def test_validation_is_of_each_population(run, folder, tmp_path):
    said = run("validate", "--labels", folder / "labels.ecsv", "--folds", 2, "--json", tmp_path / "v.json")
    assert "k-fold, upper: inferred - reference of" in said
    selections = {row["selection"] for row in json.loads((tmp_path / "v.json").read_text())}
    assert selections >= {"all", "lower", "upper", "upper, snr > 50"}


@pytest.mark.long
def test_uncertainties_have_membership(run, folder, tmp_path):
    said = run("uncertainties", "--stars", 5, "--labels", folder / "labels.ecsv", "--out", tmp_path / "b.nc")
    assert "membership" in said
    with xr.open_datatree(tmp_path / "b.nc", engine="h5netcdf") as tree:
        assert "bootstrap" not in tree["kind"].to_numpy()


@pytest.mark.long
def test_information_is_of_one_model(folder, refused, capsys):
    message = refused("information", folder / "model.nc")
    assert (
        message == "the model has several populations: give one of router, lower, upper (--population NAME); got none"
    )
    assert main(["information", str(folder / "model.nc"), "--population", "upper"]) == 0
    assert "Information at S/N 50" in capsys.readouterr().out


def test_what_is_refused(folder, refused, tmp_path):
    model, store, out = folder / "model.nc", folder / "store.zarr", tmp_path / "out.fits"
    assert "the populations of this model are lower, upper; got 'giants'" in refused(
        "label", model, store, "--only", "giants", "--out", out
    )
    train = ("train", store, "--labels", folder / "labels.ecsv", "--out", tmp_path / "m.nc", "--label-names")
    assert "auto, giants or the path of a TOML file; there is no file giant" in refused(
        *train, "teff,logg", "--populations", "giant"
    )
    assert "bounded in teff and logg, and logg is not among the labels teff" in refused(
        *train, "teff", "--populations", "auto"
    )
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[lower]\nlogg = [3, 2]\n")
    assert f"{wrong}: population 'lower' needs low < high of logg" in refused(
        *train, "teff,logg", "--populations", wrong
    )
    assert not out.exists()


def test_only_needs_populations(folder, refused, tmp_path):
    one = tmp_path / "one.nc"
    train = ["train", folder / "store.zarr", "--labels", folder / "labels.ecsv", "--label-names", "teff,logg"]
    assert main([str(arg) for arg in (*train, "--folds", 0, "--out", one)]) == 0
    message = refused("label", one, folder / "store.zarr", "--only", "giant", "--out", tmp_path / "c.fits")
    assert "--only giant needs a survey model, which tells populations apart" in message
    assert "the model is of one population; leave out the population" in refused(
        "information", one, "--population", "giant"
    )


@pytest.mark.long
def test_run_draws_populations(tmp_path, capsys):
    """The whole pipeline of a small field sample from one file, with giants and others."""
    survey = tmp_path / "survey"
    assert main(["mock", str(survey), "--n-reference=160", "--n-test=60", "--seed=3", "--populations=field"]) == 0
    (tmp_path / "run.toml").write_text(
        f"""
out = "results"
[prepare]
spectra = "{survey}/spectra"
[labels]
table = "{survey}/apogee.fits"
format = "allstar-dr12"
cuts = "none"
[train]
label_names = ["teff", "logg"]
populations = "giants"
folds = 2
[label]
only = "giants"
false_alarms = 0.05
[validate]
folds = 2
"""
    )
    assert main(["run", str(tmp_path / "run.toml")]) == 0
    assert "keeps" in capsys.readouterr().out.splitlines()[-1]
    results = tmp_path / "results"
    for figure in ("coefficients_router", "kiel_giant", "distance_giant", "selection_giant"):
        assert (results / "figures" / f"{figure}.png").stat().st_size > 10_000
    assert len(read_catalogue(results / "catalogue.fits")) < 220
