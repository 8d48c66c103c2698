"""`bayescannon information`: what it prints, writes, draws and refuses."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from toy import toy_labels, toy_reference, toy_spectra

import bayescannon as bc
from bayescannon.app.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model with hidden components, one without, and a store."""
    folder = tmp_path_factory.mktemp("information")
    reference = toy_reference(80)
    model = bc.train(reference)
    bc.save_model(model, folder / "plain.nc")
    loadings = 0.02 * np.random.default_rng(0).normal(size=(120, 3))
    bc.save_model(replace(model, loadings=loadings), folder / "hidden.nc")
    bc.save_spectra(toy_spectra(toy_labels(10, seed=2), seed=2), folder / "store.zarr")
    other = toy_spectra(toy_labels(3, seed=2), seed=2, n_pixel=90)
    bc.save_spectra(other, folder / "other.zarr")
    return folder


def test_it_prints_the_table_and_what_the_numbers_are(files, capsys):
    assert main(["information", str(files / "plain.nc"), "--at", "teff=4700", "--snr", "30"]) == 0
    said = capsys.readouterr().out
    assert "Information at S/N 30: teff 4700.0" in said
    assert "Expected formal errors" in said
    assert "Expected calibrated errors" not in said
    assert "noise of the pixels: the same in all of them" in said
    assert "Hidden components" not in said
    assert "nan" not in said


def test_it_writes_numbers_and_figures(files, tmp_path, capsys):
    out, drawn = tmp_path / "information.nc", tmp_path / "figures"
    options = ["--store", str(files / "store.zarr"), "--out", str(out), "--figures", str(drawn)]
    assert main(["information", str(files / "hidden.nc"), *options]) == 0
    said = capsys.readouterr().out
    assert "the median of 10 of the 10 spectra of" in said
    assert "Hidden components" in said
    assert f"wrote {out}" in said
    assert {path.name for path in drawn.iterdir()} == {
        "information.png", "expected_errors.png", "hidden_components.png",
    }  # fmt: skip
    with xr.open_datatree(out, engine="h5netcdf") as tree:
        assert set(tree.children) == {"information", "hidden_components"}
        assert tree["information/marginal"].shape == (120, 3)
    assert main(["information", str(files / "hidden.nc"), "--out", str(out)]) == 1
    assert "exists" in capsys.readouterr().err


def test_the_noise_of_a_store_is_used(files, capsys):
    tables = []
    for more in ([], ["--store", str(files / "store.zarr")]):
        assert main(["information", str(files / "plain.nc"), *more]) == 0
        tables.append(capsys.readouterr().out)
    assert tables[0] != tables[1]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--at", "tef=1"], 1, "got a value of 'tef'"),
        (["--snr", "0"], 1, "snr must be finite and above 0"),
        (["--store", "other.zarr"], 1, "grid"),
        (["--at", "teff"], 2, "expected NAME=VALUE,... as teff=4800,logg=2.5; got 'teff'"),
    ],
)
def test_what_it_refuses(files, options, status, said, capsys):
    options = [str(files / one) if one.endswith(".zarr") else one for one in options]
    args = ["information", str(files / "plain.nc"), *options]
    if status == 2:
        with pytest.raises(SystemExit):
            main(args)
    else:
        assert main(args) == status
    assert said in capsys.readouterr().err
