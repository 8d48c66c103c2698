"""Posteriors, priors and error budgets from the command line."""

import numpy as np
import pytest
import xarray as xr
from small_survey import run_refused

from bayescannon.app.cli import main
from bayescannon.io.catalogue import read_catalogue


def run(*args):
    return main([str(arg) for arg in args])


@pytest.mark.parametrize("ending", ["fits", "ecsv", "vot", "parquet", "mrt"])
def test_label_with_prior_and_posterior(small, tmp_path, ending):
    out = tmp_path / f"catalogue.{ending}"
    assert (
        run("label", small.model, small.store, "--out", out, "--prior", "coverage", "--posterior", "--draws", 400) == 0
    )
    table = read_catalogue(out)
    assert table.meta["prior"] == "coverage of teff, logg, fe_h"
    good = np.asarray(table["status"]) == 0
    low, centre, high = (np.asarray(table[f"logg_p{name}"])[good] for name in ("15_9", "50", "84_1"))
    assert (low < centre).all()
    assert (centre < high).all()
    # the posterior of the noise alone is that of the formal errors, where it is Gaussian
    ratio = 0.5 * (high - low) / np.asarray(table["e_formal_logg"])[good]
    assert 0.9 < np.median(ratio) < 1.1
    assert (np.asarray(table["ess"])[good] > 50).all()
    assert (np.asarray(table["n_modes"])[good] >= 1).all()
    assert set(np.asarray(table["posterior_status"]).tolist()) <= {0, 1, 2, 3, 4}
    assert table["logg_p50"].unit == table["logg"].unit


def test_without_posterior_there_are_no_columns_of_it(small, tmp_path):
    out = tmp_path / "catalogue.ecsv"
    assert run("label", small.model, small.store, "--out", out) == 0
    table = read_catalogue(out)
    assert table.meta["prior"] == "flat"
    assert not [name for name in table.colnames if "_p50" in name or name == "k_hat"]


def test_uncertainties_of_drawn_stars(small, tmp_path, capsys):
    out = tmp_path / "budget.nc"
    options = ["--stars", 12, "--bootstrap", 3, "--keep-draws", "--draws", 300, "--out", out]
    assert run("uncertainties", small.model, small.store, *small.allstar, *options) == 0
    shown = capsys.readouterr().out
    assert "evaluated 7 kinds of error of 12 stars" in shown
    assert "Median error of each kind" in shown
    with xr.open_dataset(out, engine="h5netcdf") as budget:
        assert budget["error"].sizes == {"star": 12, "stellar_label": 3, "kind": 7}
        assert budget["posterior_draws"].sizes == {"draw": 300, "star": 12, "stellar_label": 3}
        assert budget["bootstrap_labels"].sizes["bootstrap"] == 3
        assert (np.isfinite(budget["error"]).all(("stellar_label",)) == (budget["error_status"] == 0)).all()
    message = run_refused(capsys, "uncertainties", small.model, small.store, "--out", out)
    assert "exists; choose another name" in message


def test_uncertainties_of_named_stars(small, tmp_path, capsys):
    with xr.open_zarr(small.store, consolidated=False, chunks=None) as store:
        names = [str(name) for name in store["star"].to_numpy()[[5, 2]]]
    listed = tmp_path / "stars.txt"
    listed.write_text("\n".join(names))
    out = tmp_path / "budget.nc"
    for stars in (",".join(names), str(listed)):
        options = ["--stars", stars, "--kinds", "formal,repeat", "--out", str(out), "--overwrite"]
        assert run("uncertainties", small.model, small.store, *options) == 0
        with xr.open_dataset(out, engine="h5netcdf") as budget:
            assert budget["star"].to_numpy().tolist() == names
            assert budget["kind"].to_numpy().tolist() == ["formal", "repeat"]
        assert "repeat: 2 stars: " in capsys.readouterr().out
    assert run("uncertainties", small.model, small.store, *options, "--star-id", "release") == 0
    assert "repeat: 1 stars in 210 spectra: the same release" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kinds", "formal,guess"], "kinds of error must be among formal, coefficient"),
        (["--kinds", "bootstrap"], "need the reference set"),
        (["--stars", "0"], "from 1 to the 210"),
        (["--stars", "spec-0-none_sp00-000"], "'spec-0-none_sp00-000'"),
        (["--kinds", "posterior", "--draws", "5"], "n_draws must be at least 100"),
    ],
)
def test_wrong_budgets_are_refused(small, tmp_path, capsys, options, message):
    refused = run_refused(capsys, "uncertainties", small.model, small.store, "--out", tmp_path / "no.nc", *options)
    assert message in refused
    assert not (tmp_path / "no.nc").exists()


def test_one_bootstrap_is_refused(small, tmp_path, capsys):
    options = [*small.allstar, "--kinds", "bootstrap", "--bootstrap", "1", "--out", tmp_path / "no.nc"]
    assert "at least 2" in run_refused(capsys, "uncertainties", small.model, small.store, *options)
