"""The command line as a new user meets it: help, and every command on a small mock survey."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from astropy.table import Table
from small_survey import LABELS, N_REFERENCE, N_TEST, run_refused

from bayescannon import __version__
from bayescannon.app.cli import main
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.io.catalogue import read_catalogue
from bayescannon.io.store import load_spectra, open_store


@pytest.fixture
def misused(capsys):
    """Run a command that must fail with status 2; return what it says."""

    def run(*args):
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        assert stop.value.code == 2
        message = capsys.readouterr().err
        assert message.startswith("usage: bayescannon")
        return message

    return run


def test_help_is_quick_and_names_every_command():
    command = [sys.executable, "-m", "bayescannon", "--help"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    took = time.perf_counter() - start
    print(f"--help took {took:.3f} s")
    assert took < 1.0
    assert done.stderr == ""
    for name in ("demo", "mock", "prepare", "train", "label", "validate", "information", "run"):
        assert f"\n    {name} " in done.stdout


def test_help_imports_no_numerics():
    code = "import sys, bayescannon.app.cli as c; c.build_parser().format_help(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"bayescannon {__version__}"


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "commands:" in said.err
    assert "validate" in said.err


@pytest.mark.parametrize("command", ["demo", "mock", "prepare", "train", "label", "validate", "information", "run"])
def test_every_command_has_help_without_empty_defaults(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "--overwrite" in said
    for nothing in ("default: None", "default: False", "default: {}", "default: []"):
        assert nothing not in said
    assert ("--seed" not in said) or ("(default: " in said)


def test_wrong_usage_is_told_with_the_usage(misused):
    assert "invalid choice: 'lable'" in misused("lable")
    # also where something is missing
    for given in (("m.nc", "s.zarr", "--out=c.fits"), ()):
        said = misused("label", *given, "--strats=3")
        assert "unrecognized arguments: --strats=3; did you mean --starts?" in said
    assert "unrecognized arguments: --lables" in misused("train", "s.zarr", "--lables", "t.csv", "--out", "m.nc")
    assert "argument --redshift: a value that begins with '-' is given as --redshift=-1e-4" in misused(
        "prepare", "x", "--out=y", "--redshift", "-1e-4"
    )
    assert "required: MODEL.nc, STORE" in misused("label", "--out=c.fits")
    assert "expected a whole number from 0 up; got 'abc'" in misused("mock", "x", "--n-test=abc")
    assert "expected a whole number from 0 up; got '-3'" in misused("mock", "x", "--n-test=-3")
    assert "expected NAME=...,NAME=...; got 'binary'" in misused("mock", "x", "--odd=binary")
    assert "expected a whole number from 0 up; got 'two'" in misused("mock", "x", "--odd=binary=two")
    assert "invalid choice: 'paprika'" in misused("prepare", "x", "--out=y", "--preset=paprika")
    train = ("train", "s.zarr", "--labels=t.csv", "--out=m.nc")
    for nonsense in ("teff", "teff=5000", "teff=a:b", "=1:2"):
        assert f"expected NAME=LOW:HIGH, for instance teff=4000:5500; got '{nonsense}'" in misused(
            *train, "--keep", nonsense
        )
    for nonsense in ("teff", "tabel", "teff=hot"):
        assert (
            f"expected table, learn, auto, none, or NAME=ERROR,... as teff=90,logg=0.11; got '{nonsense}'"
            in misused(*train, "--label-errors", nonsense)
        )
    assert "expected a whole number from 0 up; got '-1'; or auto" in misused(*train, "--hidden=-1")
    assert "expected NAME=...,NAME=...; got 'idfile'" in misused(*train, "--columns=idfile")
    assert "a name is given twice; got 'teff=a,teff=b'" in misused(*train, "--columns=teff=a,teff=b")


def test_mock_writes_a_survey(small, capsys, tmp_path):
    assert len(list((small.survey / "spectra").glob("*.fits"))) == N_REFERENCE + N_TEST
    assert len(Table.read(small.survey / "apogee.fits")) == N_REFERENCE
    for name in ("lasp.csv", "truth.csv"):
        assert len(Table.read(small.survey / name, format="ascii.csv")) == N_REFERENCE + N_TEST
    # in a folder whose name could be mistaken for markup
    out = tmp_path / "a[/b][red]" / "survey"
    assert main(["mock", str(out), "--n-reference=2", "--n-test=1"]) == 0
    assert capsys.readouterr().out == f"wrote 2 reference and 1 test stars: {out}\n"


def test_mock_writes_a_field_sample_with_odd_stars(tmp_path):
    out = tmp_path / "field"
    sizes = ["--n-reference=2", "--n-test=12", "--populations=field", "--odd=binary=2,sky=1"]
    assert main(["mock", str(out), *sizes]) == 0
    truth = Table.read(out / "truth.csv", format="ascii.csv")
    assert (truth["odd"] == "binary").sum() == 2
    assert (truth["odd"] == "sky").sum() == 1
    assert {"giant", "dwarf"} <= set(truth["population"])


def test_prepare_makes_a_store(small):
    spectra = load_spectra(small.store)
    assert len(spectra) == N_REFERENCE + N_TEST
    assert spectra.flux.shape[1] == 3626
    assert open_store(small.store).attrs["preset"] == "paper"


@pytest.mark.parametrize(("options", "preset"), [(["masked"], "masked"), (["paper", "--variance=propagate"], "paper")])
def test_prepare_obeys_its_options(small, tmp_path, options, preset):
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(map(str, sorted((small.survey / "spectra").iterdir())[:2])))
    out = tmp_path / "store.zarr"
    assert main(["prepare", str(listed), "--out", str(out), "--workers=1", "--preset", *options]) == 0
    attrs = open_store(out).attrs
    assert attrs["preset"].startswith(preset)
    assert attrs["variance"] == "propagate"


def test_train_saves_a_model_and_prints_the_tally(small, tmp_path, capsys):
    out = tmp_path / "model.nc"
    assert (
        main(["train", str(small.store), *small.allstar, *LABELS, "--folds=0", "--keep=teff=4200:", "--out", str(out)])
        == 0
    )
    said = capsys.readouterr().out
    for step in ("no labels under this id", "is missing", "quality flag set", "teff < 4200 K", "clip round 1"):
        assert step in said
    assert "after Ho et al. 2017, section 3: teff < 3500 or teff > 6000 K; alpha_m < -0.1 dex; quality flag set" in said
    trained = TrainedModel.load(out)
    assert trained.label_names == ("teff", "logg", "fe_h")
    assert said.rstrip().splitlines()[-1] == (
        f"trained 3 labels on {len(trained.reference_id)} stars in 3626 pixels; errors of its labels are formal: "
        f"calibrated ones need --folds 8: {out}"
    )
    assert trained.reference_labels[:, 0].min() >= 4200


def test_train_by_position_finds_the_same_stars(small, tmp_path):
    by_id, by_sky = tmp_path / "id.nc", tmp_path / "sky.nc"
    for out, match in ((by_id, ["--match=id"]), (by_sky, ["--match=sky", "--radius=2"])):
        options = [*LABELS, *match, "--clip-rounds=0", "--scatter=grid"]
        assert main(["train", str(small.store), *small.allstar, *options, "--folds=0", "--out", str(out)]) == 0
    assert TrainedModel.load(by_id).hash == TrainedModel.load(by_sky).hash


def test_train_on_any_table_with_its_own_columns(small, tmp_path, capsys):
    table = Table.read(small.survey / "lasp.csv", format="ascii.csv")
    table.rename_columns(["file", "teff"], ["spectrum", "Temperature"])
    path = tmp_path / "labels.ecsv"
    table.write(path)
    columns = "--columns=id=spectrum,teff=Temperature"
    out = tmp_path / "model.nc"
    assert (
        main(["train", str(small.store), "--labels", str(path), columns, *LABELS, "--folds=0", "--out", str(out)]) == 0
    )
    said = capsys.readouterr().out
    assert "quality flag" not in said, "no cuts unless asked for: the paper's are for APOGEE's table"
    assert len(TrainedModel.load(out).reference_id) > 0.9 * (N_REFERENCE + N_TEST)


@pytest.fixture(scope="module")
def fits_catalogue(small):
    out = small.model.with_name("catalogue.fits")
    assert main(["label", str(small.model), str(small.store), "--out", str(out), "--seed=5"]) == 0
    return read_catalogue(out)


def test_label_writes_every_star(small, fits_catalogue):
    assert len(fits_catalogue) == N_REFERENCE + N_TEST
    assert fits_catalogue.meta["seed"] == 5
    assert fits_catalogue.meta["model_hash"] == TrainedModel.load(small.model).hash
    truth = Table.read(small.survey / "truth.csv", format="ascii.csv")
    row = {str(name): k for k, name in enumerate(truth["id"])}
    order = [row[str(name)] for name in fits_catalogue["id"]]
    off = np.asarray(fits_catalogue["teff"]) - np.asarray(truth["teff"])[order]
    assert np.median(np.abs(off)) < 100


@pytest.mark.parametrize("ending", ["ecsv", "parquet", "vot", "mrt"])
def test_label_writes_the_same_to_every_format(small, fits_catalogue, tmp_path, capsys, ending):
    out = tmp_path / f"catalogue.{ending}"
    assert main(["label", str(small.model), str(small.store), "--out", str(out), "--seed=5"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"labelled {N_REFERENCE + N_TEST} of {N_REFERENCE + N_TEST} stars")
    assert said.endswith(f": {out}\n"), "on one line"
    catalogue = read_catalogue(out)
    assert catalogue["id"].tolist() == fits_catalogue["id"].tolist()
    rounding = {"teff": 0.5, "logg": 0.005, "fe_h": 0.005} if ending == "mrt" else {}
    for name in ("teff", "logg", "fe_h"):
        np.testing.assert_allclose(
            np.asarray(catalogue[name]), np.asarray(fits_catalogue[name]), atol=rounding.get(name, 0), rtol=1e-12
        )


def test_label_warns_of_spectra_prepared_otherwise(small, tmp_path, capsys):
    store = tmp_path / "masked.zarr"
    assert main(["prepare", str(small.survey / "spectra"), "--out", str(store), "--preset=masked", "--workers=1"]) == 0
    assert main(["label", str(small.model), str(store), "--out", str(tmp_path / "catalogue.fits")]) == 0
    said = capsys.readouterr().err
    assert "warning: the spectra were prepared with" in said
    assert "masked" in said
    assert main(["label", str(small.model), str(small.store), "--out", str(tmp_path / "other.fits")]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.long
def test_training_with_priors_is_recorded_in_the_catalogue(small, tmp_path, capsys):
    model, out = tmp_path / "model.nc", tmp_path / "catalogue.fits"
    priors = ["--coefficients=pooled", "--noise=global", "--marginal", "--censor=logg=5000:5100"]
    names = ["--label-names=teff,logg,fe_h", "--folds=0", "--out", str(model)]
    assert main(["train", str(small.store), *small.allstar, *names, *priors]) == 0
    assert main(["label", str(model), str(small.store), "--out", str(out)]) == 0
    meta = read_catalogue(out).meta
    assert meta["priors"] == "theta pooled, s flat, kappa global, REML, censored"
    assert 0.3 < float(meta["kappa"]) < 0.7
    assert meta["data_release"] == meta["model_release"] == "LAMOST MOCK"
    trained = TrainedModel.load(model)
    inside = (trained.wavelength > 5000) & (trained.wavelength < 5100)
    assert (trained.theta[inside, 2] == 0).all()
    assert (trained.theta[~inside, 2] != 0).any()
    assert trained.populations.learned == ("coefficients",)
    capsys.readouterr()


def test_training_with_label_errors_given_and_of_the_table(small, tmp_path, capsys):
    model, out = tmp_path / "model.nc", tmp_path / "catalogue.fits"
    errors = ["--label-errors=teff=90,logg=0.11", "--hidden=4", "--clip-rounds=0"]
    assert main(["train", str(small.store), *small.allstar, *LABELS, *errors, "--folds=0", "--out", str(model)]) == 0
    assert main(["label", str(model), str(small.store), "--out", str(out)]) == 0
    assert read_catalogue(out).meta["priors"] == "theta flat, s flat, kappa fixed, label errors given, 4 hidden"
    trained = TrainedModel.load(model)
    assert trained.loadings.shape == (3626, 4)
    assert (trained.options.label_errors, trained.options.n_hidden) == ({"teff": 90, "logg": 0.11}, 4)
    capsys.readouterr()


def test_validate_prints_and_writes_statistics(small, tmp_path, capsys):
    out = tmp_path / "validation.json"
    options = ["--folds=2", "--snr-min=40", "--json", str(out)]
    assert main(["validate", str(small.model), str(small.store), *small.allstar, *options]) == 0
    said = capsys.readouterr().out
    rows = json.loads(out.read_text())
    assert len(rows) == 2 * 2 * 3
    assert {row["method"] for row in rows} == {"leave-none-out", "k-fold"}
    assert {row["selection"] for row in rows} == {"all", "snr > 40"}
    for row in rows:
        assert f"{row['method']}, {row['selection']}" in said
        assert row["scatter"] > 0
        assert row["n_stars"] > 50


def test_validate_without_folds(small, capsys):
    assert main(["validate", str(small.model), str(small.store), *small.allstar, "--folds=0"]) == 0
    assert "k-fold" not in capsys.readouterr().out


def test_coverage_of_a_store_and_of_a_catalogue(small, tmp_path, capsys):
    model, labelled, out = (tmp_path / name for name in ("model.nc", "labelled.fits", "coverage.fits"))
    names = ["--label-names=teff,logg,fe_h", "--folds=2", "--out", str(model)]
    assert main(["train", str(small.store), *small.allstar, *names]) == 0
    assert main(["label", str(model), str(small.store), "--out", str(labelled)]) == 0
    table = read_catalogue(labelled)
    assert np.isfinite(np.asarray(table["p_novelty"])).mean() > 0.95
    capsys.readouterr()
    own = ["--pipeline-labels", str(small.survey / "lasp.csv")]
    assert main(["coverage", str(model), str(labelled), "--out", str(out), *own]) == 0
    assert "distance cut 2.5 keeps" in capsys.readouterr().out
    by_labels = read_catalogue(out)
    # the labels of a catalogue are in single precision
    np.testing.assert_allclose(by_labels["p_coverage"], table["p_coverage"], rtol=1e-3)
    assert np.isnan(np.asarray(by_labels["p_novelty"])).all()
    assert (np.asarray(by_labels["label_distance"]) != np.asarray(table["label_distance"])).any()
    # a model without a coverage reference, with the labels to fit one
    bare = str(tmp_path / "bare.nc")
    assert main(["train", str(small.store), *small.allstar, *LABELS, "--folds=0", "--out", bare]) == 0
    options = [*small.allstar, "--folds=2", "--overwrite", "--out", str(out)]
    assert main(["coverage", bare, str(small.store), *options]) == 0
    assert "assessed 210 stars" in capsys.readouterr().out
    message = run_refused(capsys, "coverage", bare, small.store, "--out", tmp_path / "none.fits")
    assert "holds no coverage reference; train with --folds 8" in message


def test_errors_are_calibrated_unless_told_otherwise(small, tmp_path, capsys):
    assert TrainedModel.load(small.model).calibration is not None
    model, catalogue = tmp_path / "formal.nc", tmp_path / "formal.ecsv"
    options = [*small.allstar, *LABELS, "--folds", "0", "--out", model]
    assert main([str(arg) for arg in ["train", small.store, *options]]) == 0
    assert "errors:" not in capsys.readouterr().out
    assert main([str(arg) for arg in ["label", model, small.store, "--out", catalogue]]) == 0
    table = read_catalogue(catalogue)
    assert "e_teff" not in table.colnames
    assert np.isfinite(table["e_formal_teff"]).any()
    assert table.meta["errors"].startswith("formal only")
