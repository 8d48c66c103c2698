"""The likelihoods of stars under a model, whole and of their labels alone."""

from dataclasses import replace

import numpy as np
import pytest
import toy

from bayescannon.cannon.likelihood import StarLikelihood, scaled_ivar, star_quartic
from bayescannon.cannon.training import train
from bayescannon.data.spectra import GridError

N_PIXEL = 120


def model_with(n_hidden):
    """A model with a noise scale, two dead pixels, and hidden components if any."""
    model = train(toy.toy_reference(120, n_pixel=N_PIXEL))
    scatter = model.scatter.copy()
    scatter[[7, 64]] = np.inf
    rng = np.random.default_rng(1)
    loadings = 0.01 * rng.normal(size=(N_PIXEL, n_hidden)) if n_hidden else None
    return replace(
        model, fit=replace(model.fit, scatter=scatter), kappa=rng.uniform(0.7, 1.3, N_PIXEL), loadings=loadings
    )


@pytest.mark.parametrize("n_hidden", [0, 2])
def test_the_likelihood_holds_the_quartic_of_the_labels(n_hidden):
    model = model_with(n_hidden)
    spectra = toy.toy_spectra(toy.toy_labels(5, seed=6), n_pixel=N_PIXEL, seed=6)
    likelihood = StarLikelihood.of(model, spectra, workers=1)
    assert len(likelihood) == 5
    np.testing.assert_array_equal(likelihood.ivar, scaled_ivar(model, spectra))
    expected = star_quartic(model, spectra)
    for name in ("a", "b", "c", "n_live"):
        np.testing.assert_array_equal(getattr(likelihood.quartic, name), getattr(expected, name))
    assert likelihood.whole.b.shape == (5, 10 + n_hidden)
    assert (likelihood.hidden is None) == (n_hidden == 0)
    other = replace(spectra, wavelength=spectra.wavelength + 1)
    with pytest.raises(GridError):
        StarLikelihood.of(model, other)
