"""Expected offsets: columns of estimates and catalogues, subtracted on request and once."""

from dataclasses import replace

import numpy as np
import pytest
from toy import toy_labels, toy_reference, toy_spectra

from bayescannon.app.stores import label_store
from bayescannon.cannon.calibrate import calibrate
from bayescannon.cannon.held_out import hold_out
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.model_file import load_model, save_model
from bayescannon.cannon.offsets import subtract_offsets
from bayescannon.cannon.training import train
from bayescannon.io.catalogue import build_catalogue
from bayescannon.io.store_writer import save_spectra
from bayescannon.numerics.errors import InputError


@pytest.fixture(scope="module")
def model():
    """Calibrated with reference labels of log g that are 0.1 too small."""
    reference = toy_reference(120, seed=2)
    model = train(reference)
    shifted = replace(reference, labels=reference.labels - [0.0, 0.1, 0.0])
    return calibrate(model, shifted, hold_out(reference, folds=3, copies=False))


@pytest.fixture(scope="module")
def fresh():
    return toy_spectra(toy_labels(30, seed=77), seed=78)


def test_offsets_are_found_and_subtracted_on_request(model, fresh):
    plain = label_spectra(model, fresh)
    corrected = label_spectra(model, fresh, correct_offsets=True)
    offset = plain["expected_offset"]
    np.testing.assert_allclose(offset.sel(stellar_label="logg"), 0.1, atol=0.02)
    np.testing.assert_allclose(corrected["labels"], plain["labels"] - offset)
    # an interval around the corrected label need not reach over the offset
    own = {"stellar_label": "logg"}
    assert (plain["calibrated_error"].sel(own) > 0.1).all()
    assert (corrected["calibrated_error"].sel(own) < 0.9 * plain["calibrated_error"].sel(own)).all()
    for name in ("chi2", "formal_covariance", "flags", "expected_offset", "corrected_error"):
        np.testing.assert_array_equal(corrected[name], plain[name])
    with pytest.raises(InputError, match="subtracted from these labels before"):
        subtract_offsets(corrected)


def test_the_catalogue_says_whether_they_are_in_the_labels(model, fresh):
    plain = build_catalogue(label_spectra(model, fresh))
    corrected = build_catalogue(label_spectra(model, fresh, correct_offsets=True))
    np.testing.assert_allclose(plain["logg"] - plain["offset_logg"], corrected["logg"], atol=1e-5)
    assert "not subtracted" in plain["offset_logg"].description
    assert "less offset_logg" in corrected["logg"].description
    assert "offset" not in plain["logg"].description
    assert corrected.meta["offsets"] == "subtracted"
    assert "offsets" not in plain.meta


def test_a_store_and_a_model_file_give_the_same(model, fresh, tmp_path):
    store, path = save_spectra(fresh, tmp_path / "store.zarr"), tmp_path / "model.nc"
    save_model(model, path)
    np.testing.assert_array_equal(load_model(path).calibration.nodes, model.calibration.nodes)
    whole = label_store(path, store, correct_offsets=True)
    # a store holds the fluxes in single precision
    own = label_spectra(model, fresh, correct_offsets=True)["labels"]
    np.testing.assert_allclose(whole["labels"], own, rtol=1e-5, atol=1e-5)


def test_models_without_calibration_have_none(model, fresh, tmp_path):
    without = replace(model, calibration=None)
    estimates = label_spectra(without, fresh)
    assert "expected_offset" not in estimates
    assert not [name for name in build_catalogue(estimates).colnames if name.startswith("offset_")]
    store = save_spectra(fresh, tmp_path / "store.zarr")
    for ask in (
        lambda: subtract_offsets(estimates),
        lambda: label_spectra(without, fresh, correct_offsets=True),
        lambda: label_store(without, store, correct_offsets=True),
    ):
        with pytest.raises(InputError, match="not calibrated, so no offsets of its labels are known"):
            ask()
