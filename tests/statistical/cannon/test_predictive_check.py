"""Where the model holds, p-values of pixels are not small; where a pixel's noise is wrong, that pixel's are."""

from dataclasses import replace

import numpy as np
import pytest
from expect import expect_between

from bayescannon.cannon.predictive_check import check_pixels
from bayescannon.cannon.reference import ReferenceSet
from bayescannon.cannon.training import train
from bayescannon.data.spectra import Spectra
from bayescannon.numerics.errors import InputError


@pytest.fixture(scope="module")
def trained():
    """A model, and stars that it was not trained on."""
    rng = np.random.default_rng(4)
    labels = rng.normal([4800.0, 2.5], [250.0, 0.6], size=(600, 2))
    flux = 1 - 0.05 * (labels - [4800, 2.5]) / [250, 0.6] @ rng.random((2, 60))
    flux += 0.01 * rng.normal(size=flux.shape)
    ivar = np.where(rng.random(flux.shape) < 0.02, 0.0, 1e4)
    ivar[:, 30] = 0
    spectra = Spectra(np.linspace(5000, 5100, 60), flux, ivar, np.array([f"s{n}" for n in range(600)]), {})
    reference = ReferenceSet(spectra, labels, np.full(labels.shape, np.nan), ("teff", "logg"))
    return train(reference.select(np.arange(400)), workers=1), reference.select(np.arange(400, 600))


def test_p_values_are_those_of_a_true_model(trained):
    check = check_pixels(*trained, n_draws=100)
    p = check.p_value[:2, np.arange(60) != 30]
    assert np.isnan(check.p_value[:, 30]).all()
    expect_between(p.mean(), 0.4, 0.6, what="mean p-value of means and standard deviations")
    expect_between((p < 0.1).mean(), 0.03, 0.2, what="share below 0.1")
    inside = (check.observed >= check.low) & (check.observed <= check.high)
    expect_between(inside[:, np.arange(60) != 30].mean(), 0.88, 0.99, what="share inside of the band")


def test_one_pixel_with_other_noise_is_found(trained):
    model, held = trained
    flux = held.spectra.flux.copy()
    flux[:, 10] += 0.01 * np.random.default_rng(1).normal(size=len(flux))
    flux[5, 20] -= 0.2
    wrong = replace(held, spectra=replace(held.spectra, flux=flux))
    check = check_pixels(model, wrong, n_draws=100)
    smallest = 2 / 101
    assert check.p_value[1, 10] == pytest.approx(smallest)
    assert check.p_value[2, 20] == pytest.approx(smallest)
    hidden = replace(model, loadings=np.where(np.arange(60) == 10, 0.01, 0.0)[:, None])
    assert check_pixels(hidden, wrong, n_draws=100).p_value[1, 10] > smallest
    with pytest.raises(InputError, match="at least 2 stars; got 1"):
        check_pixels(model, held.select(np.arange(1)))
