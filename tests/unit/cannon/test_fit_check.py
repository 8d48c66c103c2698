"""A run whose spectra the model does not describe is warned of."""

import dataclasses

import numpy as np
import pytest

from bayescannon.cannon.fit_check import misfit
from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.training import train
from bayescannon.numerics.errors import BayesCannonWarning
from tests.helpers import toy


@pytest.fixture(scope="module")
def reference():
    return toy.toy_reference(80, ("teff",))


def test_spectra_of_another_kind_are_warned_of(reference):
    model = train(reference)
    spectra = reference.spectra
    foreign = dataclasses.replace(spectra, flux=spectra.flux + 0.3 * np.sin(np.arange(120)))
    with pytest.warns(BayesCannonWarning, match=r"the median reduced chi2 of 80 stars is \d+"):
        estimates = label_spectra(model, foreign)
    assert misfit(estimates)
    # a few stars may all be special
    assert misfit(estimates.isel(star=slice(0, 5))) == ""


def test_small_errors_and_no_noise_are_no_fault(reference):
    model = train(reference)
    spectra = reference.spectra
    flux = model.predict(reference.labels)
    exact = dataclasses.replace(spectra, flux=flux, ivar=np.full(flux.shape, 1e6))
    assert misfit(label_spectra(model, exact)) == ""


def test_errors_given_as_inverse_variances_are_warned_of_in_training(reference):
    spectra = reference.spectra
    sigma = np.where(spectra.ivar > 0, 0.01, 0.0) * np.random.default_rng(0).uniform(0.9, 1.1, (80, 1))
    wrong = dataclasses.replace(reference, spectra=dataclasses.replace(spectra, ivar=sigma))
    with pytest.warns(BayesCannonWarning, match="the reference spectra: "):
        train(wrong)
