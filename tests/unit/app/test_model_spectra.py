"""Best-fit model spectra: what a store of them holds, the same for any engine and block, taken up, checked."""

import numpy as np
import pytest
import xarray as xr
from small_survey import run_refused
from survey_models import draw_stars, known_survey

from bayescannon.app import model_spectra
from bayescannon.app.check import find_damage
from bayescannon.app.cli import main
from bayescannon.app.model_spectra import write_model_spectra
from bayescannon.app.stores import label_store
from bayescannon.cannon.populations.survey_file import load_any_model
from bayescannon.data.preset import choose_preset
from bayescannon.io.outputs import OutputExistsError
from bayescannon.io.store import StoreError, load_spectra, open_store, store_id
from bayescannon.io.store_append import OldStore
from bayescannon.io.store_writer import save_spectra


@pytest.fixture(scope="module")
def written(small, tmp_path_factory):
    return write_model_spectra(small.model, small.store, tmp_path_factory.mktemp("models") / "models.zarr")


def test_flux_is_the_models_and_residuals_are_what_is_left_of_the_observed(small, written):
    model, observed = load_any_model(small.model), load_spectra(small.store)
    labels = label_store(model, small.store)["labels"].to_numpy()
    with open_store(written) as found:
        assert found.attrs["kind"] == "model spectra"
        assert found["star"].to_numpy().tolist() == observed.id.tolist()
        flux, ivar = found["flux"].to_numpy(), found["ivar"].to_numpy()
        live = np.isfinite(model.scatter)
        np.testing.assert_allclose(flux[:, live], model.predict(labels)[:, live], atol=1e-5)
        np.testing.assert_allclose(np.stack([found[f"fit_{name}"] for name in model.label_names], axis=1), labels)
        weight = observed.ivar / (1 + np.where(live, model.scatter, 0) ** 2 * observed.ivar) * live
        np.testing.assert_allclose(ivar, weight, rtol=1e-5)
        seen = ivar > 0
        np.testing.assert_allclose((flux + found["residual"].to_numpy())[seen], observed.flux[seen], atol=1e-6)
        assert not found["residual"].to_numpy()[~seen].any()
        assert not found["components"].to_numpy().any(), "there are neither hidden components nor nuisances"
        assert (found["fit_status"] == 0).all()
        np.testing.assert_array_equal(found["snr"], observed.columns["snr"])
    # any reader of zarr opens it, and it is a store as every other
    with xr.open_zarr(written, consolidated=True) as foreign:
        np.testing.assert_array_equal(foreign["flux"], flux)
    assert find_damage(written) == []


@pytest.mark.parametrize("options", [{"block": 128}, {"workers": 1}, {"block": 128, "engine": "processes"}])
def test_the_store_depends_neither_on_engine_nor_on_block(small, written, tmp_path, options):
    again = write_model_spectra(small.model, small.store, tmp_path / "again.zarr", **options)
    assert store_id(again) == store_id(written)
    assert list(tmp_path.iterdir()) == [again]


def test_an_interrupted_run_takes_up_what_is_finished(small, written, tmp_path, monkeypatch):
    done, whole = [], model_spectra.write_model_block

    def interrupted(block, task):
        if block.number == 1 and len(done) == 1:
            raise KeyboardInterrupt
        done.append(block.number)
        whole(block, task)

    with monkeypatch.context() as once:
        once.setattr(model_spectra, "write_model_block", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_model_spectra(small.model, small.store, tmp_path / "again.zarr", block=128)
    monkeypatch.setattr(
        model_spectra, "write_model_block", lambda block, task: done.append(block.number) or whole(block, task)
    )
    again = write_model_spectra(small.model, small.store, tmp_path / "again.zarr", block=128)
    assert done == [0, 1]
    assert store_id(again) == store_id(written)
    assert list(tmp_path.iterdir()) == [again]


def test_some_stars_by_the_command_line(small, written, tmp_path, capsys):
    names = load_spectra(small.store).id[[7, 2]].tolist()
    out = tmp_path / "two.zarr"
    options = ["--model-spectra", str(out), "--model-stars", ",".join(names)]
    arguments = ["label", str(small.model), str(small.store), "--out", str(tmp_path / "c.fits"), *options]
    assert main(arguments) == 0
    assert f"wrote model spectra of 2 stars: {out}" in capsys.readouterr().out.replace("\n", "")
    some, every = load_spectra(out), load_spectra(written, names)
    assert some.id.tolist() == names
    np.testing.assert_allclose(some.flux, every.flux, atol=1e-6)
    (tmp_path / "c.fits").unlink()
    assert "two.zarr exists" in run_refused(capsys, *arguments)
    arguments[-4:] = ["--model-stars", "2"]
    assert "model_stars needs model_spectra" in run_refused(capsys, *arguments, "--overwrite")


def test_a_model_spectrum_is_labelled_as_the_star_was(small, written):
    """Its labels are the optimum of its own chi2, whatever the noise."""
    model = load_any_model(small.model)
    again = label_store(model, written)["labels"].to_numpy()
    with open_store(written) as found:
        first = np.stack([found[f"fit_{name}"].to_numpy() for name in model.label_names], axis=1)
    np.testing.assert_allclose(again, first, atol=1e-2)


def test_damage_is_found_and_nothing_is_added_or_replaced_unasked(small, tmp_path):
    path = write_model_spectra(small.model, small.store, tmp_path / "few.zarr", stars=3, seed=1)
    with pytest.raises(OutputExistsError):
        write_model_spectra(small.model, small.store, path)
    with pytest.raises(StoreError, match="store of model spectra, to which nothing is added"):
        OldStore(path, choose_preset("paper", None, None), load_spectra(path).wavelength)
    file = path / "residual" / "c.0.0"
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)
    assert "the file residual/c.0.0, residual of stars 0 to 2, is damaged" in find_damage(path)[0]


def test_a_survey_model_gives_the_spectra_of_each_stars_most_probable_population(tmp_path):
    survey = known_survey(0.02)
    spectra, _, population = draw_stars(survey, 150, seed=3)
    store = save_spectra(spectra, tmp_path / "store.zarr")
    path = write_model_spectra(survey, store, tmp_path / "models.zarr", block=128)
    with open_store(path) as found:
        names = np.array(found["fit_population"].to_numpy().tolist())
        labels = np.stack([found[f"fit_{name}"].to_numpy() for name in survey.label_names], axis=1)
        flux, ivar = found["flux"].to_numpy(), found["ivar"].to_numpy()
        chi = found["residual"].to_numpy() * np.sqrt(ivar)
    right = names == np.array(survey.names)[population]
    assert right.mean() > 0.9
    for number, name in enumerate(survey.names):
        mine = names == name
        assert mine.sum() > 20
        np.testing.assert_allclose(flux[mine], survey.model_of(number).predict(labels[mine]), atol=1e-6)
    # two labels are fitted to 60 pixels
    assert abs(chi[right].std() - np.sqrt(58 / 60)) < 0.03
    whole = write_model_spectra(survey, store, tmp_path / "again.zarr", engine="processes")
    assert store_id(whole) == store_id(path)
