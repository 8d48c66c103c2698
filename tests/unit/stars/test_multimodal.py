"""MULTIMODAL: another optimum that matters, or starts that disagree."""

import numpy as np
import toy

from bayescannon.cannon.labelling import label_spectra
from bayescannon.cannon.training import train
from bayescannon.data.flags import ResultFlag
from bayescannon.data.spectra import Spectra
from bayescannon.pixels.fit import PixelFit


def test_two_optima_of_nearly_the_same_chi2_are_flagged_although_most_starts_agree():
    model = train(toy.toy_reference(60, ("teff",)))
    # flux depends on the square of the label almost alone: +x and -x fit nearly as well
    theta = np.zeros_like(model.theta)
    theta[:, 0], theta[:, 2] = 0.9, 0.05
    theta[:3, 1] = 0.002
    fit = PixelFit(**{**model.fit.__dict__, "theta": theta})
    mirror = type(model)(model.wavelength, model.scaler, fit, model.reference_id, model.reference_labels)
    flux = np.stack([mirror.predict([[toy.CENTRE["teff"] + shift]])[0] for shift in (250.0, 250.0)])
    ivar = np.full(flux.shape, 1e4)
    ivar[1, :3] = 1e10  # here the linear term tells the two apart
    spectra = Spectra(mirror.wavelength, flux, ivar, np.array(["twofold", "single"]))
    seen = 0
    for seed in range(12):
        estimates = label_spectra(mirror, spectra, n_starts=7, seed=seed)
        multimodal = (estimates["flags"].to_numpy() & ResultFlag.MULTIMODAL) != 0
        agree = estimates["agreeing_starts"].to_numpy()
        assert multimodal[0] or agree[0] == 7  # unless no start found the other one
        assert multimodal[1] == (agree[1] < 3.5)
        seen += 3.5 < agree[0] < 7
    assert seen >= 3
