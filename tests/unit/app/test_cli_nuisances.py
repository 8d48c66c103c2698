"""Nuisances by the command line: training, labelling and the catalogue."""

import numpy as np
import pytest
from nuisance_stars import NuisanceStars
from small_survey import run_refused

import bayescannon as bc
from bayescannon.app.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A store of reference stars and of stars at a wrong velocity, the reference's labels, and a trained model."""
    folder = tmp_path_factory.mktemp("nuisances")
    rng = np.random.default_rng(2)
    reference = NuisanceStars(5 * rng.normal(size=120), n_star=120, n_pixel=60, seed=3).reference()
    bc.save_spectra(reference.spectra, folder / "reference.zarr")
    bc.save_spectra(NuisanceStars(15.0, n_star=20, n_pixel=60, seed=4).spectra(), folder / "store.zarr")
    table = bc.LabelTable(
        reference.spectra.id, labels={name: reference.labels[:, k] for k, name in enumerate(reference.label_names)}
    )
    bc.save_labels(table, folder / "labels.ecsv")
    args = ["train", "reference.zarr", "--labels", "labels.ecsv", "--label-names", "teff,logg", "--folds", "2"]
    args += ["--velocity-prior", "5km/s", "--out", "model.nc"]
    assert main([str(folder / arg) if "." in arg else arg for arg in args]) == 0
    return folder


def label(files, out, *options):
    return main(
        [
            "label",
            str(files / "model.nc"),
            str(files / "store.zarr"),
            "--out",
            str(files / out),
            "--overwrite",
            *options,
        ]
    )


def test_the_model_has_the_nuisances_and_labels_with_them(files, capsys):
    assert bc.load_model(files / "model.nc").options.nuisances == bc.Nuisances(velocity=5)
    assert label(files, "own.ecsv") == 0
    said = capsys.readouterr()
    assert "warning" not in said.err
    assert "with nuisances (velocity 5 km/s), " in " ".join(said.out.split())
    assert " LARGE_NUISANCE" in said.out
    table = bc.read_catalogue(files / "own.ecsv")
    assert np.median(table["rv_residual"]) == pytest.approx(14, abs=3)
    assert "line_spread" not in table.colnames
    assert table.meta["nuisances"] == "velocity 5 km/s"


def test_others_are_used_and_said(files, capsys):
    assert label(files, "other.ecsv", "--velocity-prior", "20km/s", "--line-spread-prior", "40 km/s") == 0
    err = " ".join(capsys.readouterr().err.split())
    assert (
        "qualified with nuisances (velocity 5 km/s), and stars are labelled with nuisances (velocity 20 km/s, line "
        "spread 40 km/s)" in err
    )
    table = bc.read_catalogue(files / "other.ecsv")
    assert table.meta["nuisances"] == "velocity 20 km/s, line spread 40 km/s"
    assert np.median(table["rv_residual"]) == pytest.approx(15, abs=3)
    assert label(files, "none.ecsv", "--velocity-prior", "0") == 0
    assert "rv_residual" not in bc.read_catalogue(files / "none.ecsv").colnames


def test_priors_that_are_no_speeds_are_refused(files, capsys):
    message = run_refused(
        capsys, "label", files / "model.nc", files / "store.zarr", "--out", files / "x.fits", "--velocity-prior", "5pix"
    )
    assert message.startswith("the velocity prior is in pix, which does not convert to km / s; give it as a speed")
    assert not (files / "x.fits").exists()


def test_uncertainties_take_the_nuisances(files):
    args = ["uncertainties", str(files / "model.nc"), str(files / "store.zarr"), "--kinds", "formal,sandwich"]
    assert main([*args, "--out", str(files / "budget.nc"), "--continuum-prior", "0.05"]) == 0
