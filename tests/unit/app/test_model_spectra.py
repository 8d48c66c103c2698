"""Model spectra of labelled stars: what they are, of which stars, in stores that are whole."""

import numpy as np
import pytest
import xarray as xr

import bayescannon as bc
from bayescannon.app.cli import main
from bayescannon.app.model_spectra import ModelSpectraError, write_model_spectra


@pytest.fixture(scope="module")
def catalogue(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "catalogue.fits"
    assert main(["label", str(small.model), str(small.store), "--out", str(path)]) == 0
    return path


def test_data_are_model_and_residual(small, catalogue, tmp_path):
    n_star = write_model_spectra(
        small.model, small.store, catalogue, tmp_path / "m.zarr", residuals=tmp_path / "r.zarr", progress=False
    )
    data = bc.load_spectra(small.store)
    model, residual = (bc.load_spectra(tmp_path / name) for name in ("m.zarr", "r.zarr"))
    assert n_star == len(model) == len(data)
    assert model.id.tolist() == residual.id.tolist() == data.id.tolist()
    live = model.ivar > 0
    np.testing.assert_array_equal(live, data.ivar > 0)
    np.testing.assert_allclose((model.flux + residual.flux)[live], data.flux[live], atol=1e-6)
    # the obvious way
    trained, table = bc.load_model(small.model), bc.read_catalogue(catalogue)
    labels = np.column_stack([table[name] for name in trained.label_names])
    np.testing.assert_allclose(model.flux[3], trained.predict(labels[3]), atol=1e-6)
    # chi2 of the residuals is that of the catalogue
    chi2 = (residual.flux**2 / (trained.scatter**2 + 1 / np.where(live, residual.ivar, 1))).sum(1, where=live)
    freedom = live.sum(axis=1) - len(trained.label_names)
    np.testing.assert_allclose(chi2 / freedom, table["rchi2"], rtol=1e-3)
    assert bc.find_damage(tmp_path / "m.zarr") == []
    with xr.open_zarr(tmp_path / "r.zarr") as opened:
        assert opened.attrs["contents"] == "data - model"


def test_some_stars_from_the_command_line(small, catalogue, tmp_path, capsys):
    out = tmp_path / "c.fits"
    command = ["label", str(small.model), str(small.store), "--out", str(out)]
    assert main([*command, "--model-spectra", str(tmp_path / "m.zarr"), "--model-stars", "5"]) == 0
    assert "model spectra of 5 stars" in capsys.readouterr().out
    assert len(bc.load_spectra(tmp_path / "m.zarr")) == 5
    ids = [str(name) for name in bc.read_catalogue(catalogue)["id"][[7, 2]]]
    assert write_model_spectra(small.model, small.store, catalogue, tmp_path / "two.zarr", stars=ids) == 2
    assert set(bc.load_spectra(tmp_path / "two.zarr").id) == set(ids)


def test_wrong_calls_are_said(small, catalogue, tmp_path):
    with pytest.raises(ModelSpectraError, match="nothing to write"):
        write_model_spectra(small.model, small.store, catalogue, None)
    with pytest.raises(ModelSpectraError, match="1 of the stars are not in the catalogue, as 'nobody'"):
        write_model_spectra(small.model, small.store, catalogue, tmp_path / "x.zarr", stars=["nobody"])
    with pytest.raises(ModelSpectraError, match="at least 1; got 0"):
        write_model_spectra(small.model, small.store, catalogue, tmp_path / "x.zarr", stars=0)
    empty = bc.read_catalogue(catalogue)
    empty["status"] = 2
    with pytest.raises(ModelSpectraError, match="no star of the catalogue has labels"):
        write_model_spectra(small.model, small.store, empty, tmp_path / "x.zarr")
    assert list(tmp_path.iterdir()) == []
