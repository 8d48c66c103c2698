"""Starting points are points of the model with a finite density, better than those of PyMC."""

import numpy as np
import pytest
from prior_survey import TERMS, survey

from bayescannon.models.coefficient_priors import FlatCoefficients, HorseshoeCoefficients, PooledCoefficients
from bayescannon.models.noise_priors import GlobalNoise, PooledScatter
from bayescannon.models.spectral import spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.models.starting_point import starting_point


@pytest.mark.parametrize("coefficients", [FlatCoefficients(), PooledCoefficients(), HorseshoeCoefficients()])
def test_the_density_is_finite_and_higher_than_at_pymcs_own_start(coefficients):
    vectors, flux, ivar, *_ = survey(n_star=30, n_pixel=4)
    priors = SpectralPriors(coefficients, PooledScatter(), GlobalNoise())
    model = spectral_model(vectors, flux, ivar, terms=TERMS, priors=priors)
    start = starting_point(model)
    assert set(start) <= {variable.name for variable in model.free_RVs}
    own = model.initial_point()
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    point = dict(own)
    for name, values in start.items():
        value = model.rvs_to_values[model[name]].name
        point[value] = np.log(values) if value.endswith("_log__") else values
        assert point[value].shape == own[value].shape
    assert np.isfinite(logp(point))
    assert logp(point) > logp(own)
