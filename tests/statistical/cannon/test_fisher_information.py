"""The expected error is the scatter of labels about the truth, with and without hidden components and lost pixels."""

from dataclasses import replace

import numpy as np
import pytest
from expect import expect_mean, expect_scatter
from toy import toy_reference

import bayescannon as bc
from bayescannon.data.spectra import Spectra

N_STAR, SNR = 3000, 60.0
AT = np.array([4750.0, 2.4, -0.25])


@pytest.mark.parametrize("strength", [0.0, 0.06])
@pytest.mark.parametrize("lost", [False, True])
def test_labels_scatter_by_the_expected_error(strength, lost):
    model = bc.train(toy_reference(300))
    rng = np.random.default_rng(4)
    # they resemble the labels
    loadings = strength * (model.theta[:, 1:4] + 0.01 * rng.normal(size=(120, 3)))
    if strength:
        model = replace(model, loadings=loadings)
    ivar = np.where(lost & (np.arange(120) % 3 > 0), 0.0, SNR**2)
    noise = np.hypot(1 / SNR, model.scatter) * rng.normal(size=(N_STAR, 120))
    flux = model.predict(AT) + rng.normal(size=(N_STAR, 3)) @ loadings.T + noise
    spectra = Spectra(model.wavelength, flux, np.tile(ivar, (N_STAR, 1)), np.array([f"s{n}" for n in range(N_STAR)]))
    found = bc.label_information(model, AT, snr=SNR, ivar=ivar)
    labels = bc.label_spectra(model, spectra)["labels"].to_numpy()
    for k, name in enumerate(model.label_names):
        expect_scatter((labels[:, k] - AT[k]) / found.error[k], 1.0, rtol=0.06, what=name)
        expect_mean((labels[:, k] - AT[k]) / found.error[k], 0.0, what=f"{name}, bias")
    if strength:
        plain = bc.label_information(replace(model, loadings=None), AT, snr=SNR, ivar=ivar)
        assert (found.error > 1.1 * plain.error).all()
