"""The smooth prior's two forms have the same density, against SciPy's multivariate normal."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from bayescannon.models.form import Form
from bayescannon.models.label_vector import term_names
from bayescannon.models.smooth_coefficients import SmoothCoefficients

POSITION = np.array([0.0, 1.0, 2.5, 6.0])
TAU = 0.02


def declared(form):
    with pm.Model(coords={"pixel": np.arange(4), "term": term_names(["teff"])}) as model:
        SmoothCoefficients(length=2.0, scale=TAU, position=POSITION).declare_theta(form)
    return model


def test_centred_it_is_a_gaussian_with_exponential_correlations():
    covariance = TAU**2 * np.exp(-np.abs(POSITION[:, None] - POSITION) / 2.0)
    logp = declared(Form()).compile_logp(jacobian=False, mode="FAST_COMPILE")
    theta = np.random.default_rng(1).normal(size=(2, 4, 3)) * TAU
    expected = [stats.multivariate_normal.logpdf(one[:, 2], np.zeros(4), covariance) for one in theta]
    assert [float(logp({"theta": one})) for one in theta] == pytest.approx(expected, rel=1e-10)


def test_not_centred_its_draws_have_those_correlations():
    with declared(Form(proper=True, centred=False)):
        drawn = pm.sample_prior_predictive(4000, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"})
    found = np.cov(drawn["prior"]["theta"].to_numpy()[0, :, :, 2].T)
    np.testing.assert_allclose(found / TAU**2, np.exp(-np.abs(POSITION[:, None] - POSITION) / 2.0), atol=0.08)
