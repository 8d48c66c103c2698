"""What estimates say of the information left, and the flag of stars with too little of it."""

from dataclasses import replace

import numpy as np
import pytest
import toy
import xarray as xr

from bayescannon.cannon.information import GAP_MEASURES, information_left, read_information, too_little, with_prior
from bayescannon.cannon.label_priors import as_label_prior
from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.qualification import qualify
from bayescannon.cannon.trained_model import TrainedModel
from bayescannon.cannon.training import train
from bayescannon.data.flags import FLAG_BAD, FitStatus, ResultFlag


@pytest.fixture(scope="module")
def model():
    reference = toy.toy_reference(200)
    return qualify(train(reference), reference, folds=3)


@pytest.fixture(scope="module")
def spectra():
    """Forty complete stars, and the same with 100, 60, 30 and 14 of 120 pixels."""
    return [cut(toy.toy_spectra(toy.toy_labels(40, seed=5), seed=6), n) for n in (120, 100, 60, 30, 14)]


def cut(spectra, n_left):
    live = np.zeros(spectra.flux.shape, dtype=bool)
    for row in live:
        row[np.random.default_rng(1).permutation(120)[:n_left]] = True
    return replace(spectra, ivar=np.where(live, spectra.ivar, 0))


def test_less_is_left_of_fewer_pixels_and_errors_grow(model, spectra):
    estimates = [label_spectra(model, one) for one in spectra]
    typical = np.array([one["typical_error"].median("star") for one in estimates])
    errors = np.array([one["calibrated_error"].median("star") for one in estimates])
    assert (np.diff(typical, axis=0) > 0).all()
    assert (np.diff(errors, axis=0) > 0).all()
    for one in estimates:
        good = one["status"].to_numpy() == FitStatus.CONVERGED
        assert np.isfinite(one["calibrated_error"].to_numpy()[good]).all()
        assert (one["calibrated_error"].to_numpy() >= formal_errors(one) * (1 - 1e-12))[good].all()


def test_estimates_say_what_is_left(model, spectra):
    left = information_left(StarLikelihood.of(model, spectra[2]))
    estimates = label_spectra(model, spectra[2])
    read = read_information(estimates, model)
    np.testing.assert_allclose(read.typical, left.typical)
    np.testing.assert_allclose(read.gaps, left.gaps)
    np.testing.assert_allclose(read.live, left.live)
    assert read_information(estimates.drop_vars(["typical_error", *GAP_MEASURES]), model) is None


def test_stars_of_too_little_information_are_bad(model, spectra):
    assert ResultFlag.LITTLE_INFORMATION & FLAG_BAD
    flags = [label_spectra(model, one)["flags"].to_numpy() & int(ResultFlag.LITTLE_INFORMATION) for one in spectra]
    assert not flags[0].any()
    noisy = replace(spectra[0], ivar=1e-3 * spectra[0].ivar)
    almost_none = cut(noisy, 14)
    assert (label_spectra(model, almost_none)["flags"].to_numpy() & int(ResultFlag.LITTLE_INFORMATION)).mean() > 0.5
    left = information_left(StarLikelihood.of(model, almost_none))
    without = replace(model, calibration=replace(model.calibration, damage=None))
    assert not too_little(without, left).any()
    assert not too_little(replace(model, calibration=None), left).any()


def test_a_prior_adds_its_information(model, spectra):
    likelihood = StarLikelihood.of(model, spectra[3])
    left = information_left(likelihood)
    scaled = model.scaler.to_scaled(label_spectra(model, spectra[3], prior="gaussian")["labels"].to_numpy())
    scaled[0] = np.nan
    both = with_prior(left, likelihood, scaled, as_label_prior("gaussian", model, seed=0).density(model.scaler))
    assert (both.typical[1:] < left.typical[1:]).all()
    np.testing.assert_array_equal(both.typical[0], left.typical[0])
    flat = label_spectra(model, spectra[4])["calibrated_error"].to_numpy()
    informed = label_spectra(model, spectra[4], prior="gaussian")["calibrated_error"].to_numpy()
    assert np.nanmedian(informed / flat) < 1


def test_a_file_keeps_it(model, spectra, tmp_path):
    model.save(tmp_path / "model.nc")
    loaded = TrainedModel.load(tmp_path / "model.nc")
    assert loaded.calibration.hash == model.calibration.hash
    assert loaded.calibration.damage.n_copies == model.calibration.damage.n_copies
    xr.testing.assert_identical(
        label_spectra(loaded, spectra[3])["calibrated_error"], label_spectra(model, spectra[3])["calibrated_error"]
    )
