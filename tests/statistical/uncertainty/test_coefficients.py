"""Few reference stars: labels and errors that know the coefficients' covariance, over many simulated trainings."""

from dataclasses import replace

import numpy as np
import pytest
import toy
from expect import expect_between, expect_fraction, expect_mean

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.training import train
from bayescannon.data.flags import FitStatus
from bayescannon.uncertainty.coefficients import label_with_coefficient_errors

N_TRAININGS, N_STARS, N_PIXEL = 40, 40, 300


@pytest.fixture(scope="module")
def trials():
    """Truth, labels and errors without and with the coefficients' covariance: (training, star, label) each."""
    rows = []
    for seed in range(N_TRAININGS):
        given = {"scatter": 0.005, "sigma": 0.015, "n_pixel": N_PIXEL}
        reference = toy.toy_reference(60, label_seed=100 + seed, seed=200 + seed, **given)
        model = train(reference, options=TrainingOptions(marginal=True))
        labels = toy.toy_labels(N_STARS, seed=500 + seed)
        spectra = toy.toy_spectra(labels, seed=500 + seed, **given)
        plain = label_spectra(model, spectra)
        found = label_with_coefficient_errors(model, spectra, corrected=True, estimates=plain)
        assert (found["status"] == FitStatus.CONVERGED).all()
        errors = np.sqrt(np.diagonal(found["covariance"], axis1=1, axis2=2))
        rows.append([labels, plain["labels"].to_numpy(), formal_errors(plain), found["labels"], errors])
    return np.array(rows).transpose(1, 0, 2, 3)


def test_coverage_is_right_where_formal_errors_are_too_small(trials):
    truth, plain, formal, labels, errors = trials
    for k, name in enumerate(toy.NAMES):
        without, with_them = ((plain - truth) / formal)[..., k], ((labels - truth) / errors)[..., k]
        expect_between(without.std(), 1.3, 1.8, what=f"{name}: pulls without the coefficients' covariance")
        expect_between(with_them.std(), 0.94, 1.06, what=f"{name}: pulls with it")
        expect_fraction(np.abs(with_them) < 1, with_them.size, 0.66, 0.71, what=f"{name}: within one error")
        expect_fraction(np.abs(with_them) < 2, with_them.size, 0.94, 0.97, what=f"{name}: within two errors")


def test_labels_are_not_drawn_to_the_middle(trials):
    truth, plain, _, labels, _ = trials
    for k, name in enumerate(toy.NAMES):
        centred = truth[..., k] - toy.CENTRE[name]
        for values, expected in ((plain, 0.94), (labels, 1.0)):
            slopes = (centred * (values[..., k] - toy.CENTRE[name])).sum(axis=1) / (centred**2).sum(axis=1)
            if expected == 1.0:
                expect_mean(slopes, 1.0, what=f"{name}: slope on the truth, corrected")
            else:
                expect_between(slopes.mean(), 0.9, 0.985, what=f"{name}: slope on the truth, as trained")


def test_many_reference_stars_need_no_correction():
    reference = toy.toy_reference(3000)
    spectra = toy.toy_spectra(toy.toy_labels(40, seed=3), seed=3)
    model = train(reference)
    plain = label_spectra(model, spectra)
    found = label_with_coefficient_errors(model, spectra, corrected=True, estimates=plain)
    errors = np.sqrt(np.diagonal(found["covariance"], axis1=1, axis2=2))
    np.testing.assert_allclose(errors, formal_errors(plain), rtol=0.02)
    np.testing.assert_allclose((found["labels"] - plain["labels"]) / errors, 0, atol=0.05)


def test_bad_stars_and_hidden_components():
    model = train(toy.toy_reference(100, n_pixel=60))
    spectra = toy.toy_spectra(toy.toy_labels(5, seed=3), n_pixel=60, seed=3)
    ivar = spectra.ivar.copy()
    ivar[1] = 0
    spoilt = replace(spectra, ivar=ivar)
    found = label_with_coefficient_errors(model, spoilt, corrected=True)
    assert found["status"].tolist() == [0, FitStatus.FEW_PIXELS, 0, 0, 0]
    assert np.isnan(found["labels"][1]).all()
    assert np.isnan(found["covariance"][1]).all()
    assert np.isfinite(np.delete(found["covariance"], 1, axis=0)).all()
    # loadings of nothing change nothing
    hidden = label_with_coefficient_errors(
        replace(model, loadings=np.zeros((60, 2))), spoilt, corrected=True, workers=1
    )
    np.testing.assert_allclose(hidden["covariance"], found["covariance"], rtol=1e-9)


def test_coefficients_that_are_nothing_but_noise_leave_no_labels():
    """Flux that does not depend on labels: what the coefficients seem to know of them is their noise."""
    reference = toy.toy_reference(60, n_pixel=40)
    rng = np.random.default_rng(3)
    noise = 0.9 + 0.01 * rng.normal(size=reference.spectra.flux.shape)
    blank = replace(reference, spectra=replace(reference.spectra, flux=noise))
    model = train(blank, options=TrainingOptions(marginal=True))
    found = label_with_coefficient_errors(model, blank.spectra, corrected=True)
    lost = found["status"] != FitStatus.CONVERGED
    expect_fraction(lost, lost.size, 0.8, what="stars without labels")
    assert np.isnan(found["labels"][lost]).all()
    assert np.isnan(found["covariance"][lost]).all()
    assert np.isfinite(found["covariance"][~lost]).all()
