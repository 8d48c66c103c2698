"""A list where an array is meant."""

import numpy as np

from bayescannon.cannon.training import train
from bayescannon.data.continuum import normalise
from bayescannon.data.prepare import mask_bad, resample, to_rest
from bayescannon.uncertainty.budget import error_budget
from tests.helpers import toy


def test_steps_of_the_preparation():
    wavelength, ones = [5000.0, 5001.0, 5002.0], [1.0, 1.0, 1.0]
    flux, ivar = mask_bad(wavelength, ones, [1.0, -1.0, 1.0], [0, 0, 4])
    assert (flux.tolist(), ivar.tolist()) == ([1, 0, 1], [1, 0, 1])
    np.testing.assert_allclose(to_rest(wavelength, 0.001), np.array(wavelength) / 1.001)
    assert resample(wavelength, [1.0, 2.0, 3.0], ones, [5000.5, 5001.5])[0].tolist() == [1.5, 2.5]
    np.testing.assert_allclose(normalise([[4.0] * 3], [ones], wavelength)[0], 1)


def test_stars_of_a_reference_set_and_of_a_budget():
    reference = toy.toy_reference(60, ("teff",))
    for dropped in ([True] + [False] * 59, [0]):
        kept = reference.drop(dropped, "one")
        assert (len(kept), kept.tally[-1].removed) == (59, 1)
    ids = reference.spectra.id[[3, 1]].tolist()
    budget = error_budget(train(reference), reference.spectra, kinds=["formal"], stars=ids)
    assert budget["star"].to_numpy().tolist() == ids
