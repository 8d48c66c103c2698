"""Calibration of errors: what goes in, what comes out, what is refused, and that a file keeps it."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from same import assert_same
from toy import toy_labels, toy_reference, toy_spectra

from bayescannon.cannon.calibrate import calibrate
from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.io.catalogue import build_catalogue

ERROR = {"teff": 20.0, "logg": 0.05, "fe_h": 0.02}


@pytest.fixture(scope="module")
def reference():
    exact = toy_reference(160, seed=2)
    noise = np.random.default_rng(3).normal(size=exact.labels.shape) * list(ERROR.values())
    return replace(exact, labels=exact.labels + noise, errors=np.tile(list(ERROR.values()), (160, 1)))


@pytest.fixture(scope="module")
def calibrated(reference):
    return calibrate(train(reference), reference, hold_out(reference, folds=4))


@pytest.fixture(scope="module")
def fresh():
    return toy_spectra(toy_labels(50, seed=77), seed=78)


def test_labels_and_hash_do_not_depend_on_it(reference, calibrated, fresh):
    model = train(reference)
    assert model.hash == calibrated.hash
    before, after = label_spectra(model, fresh), label_spectra(calibrated, fresh)
    np.testing.assert_array_equal(before["labels"], after["labels"])
    np.testing.assert_array_equal(before["formal_covariance"], after["formal_covariance"])
    assert "calibrated_error" not in before
    assert before.attrs["errors"] == "formal"
    assert after["calibrated_error"].dims == ("star", "stellar_label")
    assert after.attrs["errors"] == calibrated.calibration.describe()
    assert "160 reference stars" in after.attrs["errors"]
    assert calibrated.describe_errors().startswith(f"{calibrated.calibration.describe()}; level known to ")
    assert (after["calibrated_error"] > 0).all()


def test_the_catalogue_has_both_errors(calibrated, fresh):
    estimates = label_spectra(calibrated, fresh)
    table = build_catalogue(estimates)
    np.testing.assert_allclose(table["e_teff"], estimates["calibrated_error"].sel(stellar_label="teff"))
    np.testing.assert_allclose(table["e_formal_teff"], formal_errors(estimates)[:, 0])
    assert table.meta["errors"].startswith("calibrated")


def test_the_file_keeps_it(calibrated, tmp_path, fresh):
    path = tmp_path / "model.nc"
    calibrated.save(path)
    loaded = TrainedModel.load(path)
    for name, values in calibrated.calibration.arrays().items():
        np.testing.assert_array_equal(loaded.calibration.arrays()[name], values)
    assert_same(loaded, calibrated)
    xr.testing.assert_identical(
        label_spectra(loaded, fresh)["calibrated_error"], label_spectra(calibrated, fresh)["calibrated_error"]
    )


def test_a_file_without_stays_without(reference, tmp_path):
    train(reference).save(tmp_path / "model.nc")
    assert TrainedModel.load(tmp_path / "model.nc").calibration is None


def test_given_estimates_are_those_it_would_make(reference, calibrated):
    held_out = hold_out(reference, folds=4)
    again = calibrate(train(reference), reference, held_out)
    assert again.calibration.hash == calibrated.calibration.hash
    backwards = held_out.estimates.isel(star=slice(None, None, -1))
    with pytest.raises(ValueError, match="in their order"):
        calibrate(train(reference), reference, replace(held_out, labels=replace(held_out.labels, estimates=backwards)))


def test_it_does_not_depend_on_the_number_of_workers(reference, calibrated):
    held_out = hold_out(reference, folds=4)
    again = calibrate(train(reference), reference, held_out, workers=1)
    assert again.calibration.hash == calibrated.calibration.hash


def test_few_stars_leave_it_formal_and_say_so(reference, tmp_path):
    few = reference.select(np.arange(40))
    model = calibrate(train(few), few, hold_out(few, folds=2))
    assert model.calibration is None
    assert model.calibration_note.startswith("none: to calibrate errors at least 50 reference stars")
    model.save(tmp_path / "model.nc")
    assert TrainedModel.load(tmp_path / "model.nc").calibration_note == model.calibration_note
    assert model.describe_errors() == f"formal; calibration {model.calibration_note}"


def test_clipped_stars_count(reference):
    kept, clipped = reference.select(np.arange(140)), reference.select(np.arange(140, 160))
    model = calibrate(train(kept), kept, hold_out(kept, folds=2), clipped=clipped)
    assert model.calibration.n_stars == 160


@pytest.mark.parametrize("errors", ["none", "some", "given"])
def test_unknown_reference_errors(reference, errors):
    held_out = hold_out(reference, folds=2)
    given = reference.errors.copy()
    given[:, 0] = np.nan
    if errors == "some":
        given[::2, 0] = ERROR["teff"]
    unknown = replace(reference, errors=given)
    label_errors = {"teff": ERROR["teff"]} if errors == "given" else None
    model = calibrate(train(reference), unknown, held_out, label_errors=label_errors)
    said = "errors of teff are unknown and count as none" in model.calibration_note
    assert said == (errors == "none")
    full = calibrate(train(reference), reference, held_out)
    assert (model.calibration.hash == full.calibration.hash) == (errors != "none")


def test_a_wrong_error_is_refused(reference):
    held_out = hold_out(reference, folds=2)
    for wrong, text in (({"a_k": 0.1}, "'a_k'; the model's labels are"), ({"teff": -1.0}, "must not be negative")):
        with pytest.raises(ValueError, match=text):
            calibrate(train(reference), reference, held_out, label_errors=wrong)


def test_reference_errors_as_large_as_the_scatter_are_suspected(reference):
    held_out = hold_out(reference, folds=2)
    model = calibrate(train(reference), reference, held_out, label_errors={"logg": 3.0})
    assert "errors of logg are as large as the scatter" in model.calibration_note
    assert np.isfinite(label_spectra(model, reference.spectra)["calibrated_error"]).all()


def test_a_calibration_without_a_place_is_saved(calibrated, tmp_path, fresh):
    n_label = len(calibrated.label_names)
    calibration = replace(
        calibrated.calibration,
        axes=np.zeros((n_label, 0)),
        location=calibrated.calibration.location[:, :2],
        floor=calibrated.calibration.floor[:, :3],
        nodes=None,
    )
    model = replace(calibrated, calibration=calibration)
    model.save(tmp_path / "model.nc")
    loaded = TrainedModel.load(tmp_path / "model.nc")
    assert loaded.calibration.hash == calibration.hash
    assert loaded.calibration.axes.shape == (n_label, 0)
    error = label_spectra(loaded, fresh)["calibrated_error"]
    xr.testing.assert_identical(error, label_spectra(model, fresh)["calibrated_error"])
