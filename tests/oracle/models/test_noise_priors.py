"""Priors of scatters and noise scales as PyMC states them against SciPy's densities."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from bayescannon.models.form import Form
from bayescannon.models.noise_priors import (
    FixedNoise,
    FlatScatter,
    GlobalNoise,
    HalfNormalScatter,
    PixelNoise,
    PooledScatter,
    StarNoise,
)
from bayescannon.numerics.errors import BayesCannonError

N_PIXEL = 4
S = np.array([0.002, 0.01, 0.03, 0.008])


def declared(declare):
    """The model in which a variable was declared, and its log density."""
    with pm.Model(coords={"pixel": np.arange(N_PIXEL)}) as model:
        variable = declare()
    return model, variable, model.compile_logp(jacobian=False, mode="FAST_COMPILE") if model.free_RVs else None


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (FlatScatter(), lambda _: 0.0),
        (HalfNormalScatter(0.015), lambda s: stats.halfnorm.logpdf(s, scale=0.015).sum()),
    ],
)
@pytest.mark.parametrize("boundary", [False, True])
def test_scatters_are_positive_and_reach_zero_where_asked_to(prior, expected, boundary):
    model, variable, logp = declared(lambda: prior.declare_scatter(Form(boundary=boundary)))
    (value,) = model.value_vars
    assert value.name == ("scatter" if boundary else "scatter_log__")
    assert model.named_vars_to_dims[variable.name] == ("pixel",)
    found = [logp({value.name: s if boundary else np.log(s)}) for s in (S, 2 * S)]
    np.testing.assert_allclose(np.diff(found), expected(2 * S) - expected(S), rtol=1e-10, atol=1e-12)
    if boundary:
        assert np.isfinite(logp({"scatter": np.zeros(N_PIXEL)}))


@pytest.mark.parametrize("boundary", [False, True])
def test_pooled_scatters_come_from_a_log_normal_population(boundary):
    _, _, logp = declared(lambda: PooledScatter(-4.5, 0.7).declare_scatter(Form(boundary=boundary)))
    expected = stats.norm.logpdf(np.log(S), -4.5, 0.7).sum()
    assert logp({"log_scatter": np.log(S)}) == pytest.approx(expected, rel=1e-12)
    _, _, learned = declared(lambda: PooledScatter().declare_scatter(Form(boundary=boundary)))
    point = {"log_scatter": np.log(S), "scatter_centre": -4.0, "scatter_width_log__": np.log(0.3)}
    assert learned(point) == pytest.approx(stats.norm.logpdf(np.log(S), -4.0, 0.3).sum(), rel=1e-12)


def test_kappa_is_a_number_or_one_variable_or_one_per_pixel():
    assert declared(FixedNoise(0.6).declare_kappa)[1] == 0.6
    _, kappa, logp = declared(GlobalNoise().declare_kappa)
    assert kappa.ndim == 0
    assert logp({"kappa_log__": -1.0}) == logp({"kappa_log__": 2.0})
    _, kappa, logp = declared(PixelNoise(-0.2, 0.1).declare_kappa)
    assert kappa.ndim == 1
    u = np.array([0.0, -0.2, -0.3, 0.1])
    assert logp({"log_kappa": u}) == pytest.approx(stats.norm.logpdf(u, -0.2, 0.1).sum(), rel=1e-12)
    _, _, learned = declared(PixelNoise().declare_kappa)
    point = {"log_kappa": u, "kappa_centre": 0.1, "kappa_width_log__": np.log(0.4)}
    assert learned(point) == pytest.approx(stats.norm.logpdf(u, 0.1, 0.4).sum(), rel=1e-12)


def test_kappa_of_stars_broadcasts_against_the_spectra():
    with pm.Model(coords={"star": range(3), "pixel": range(4)}) as model:
        assert StarNoise(-0.2, 0.1).declare_kappa().eval().shape == (3, 1)
    logp = model.compile_logp(mode="FAST_COMPILE")
    u = np.array([0.0, -0.2, -0.3])
    assert logp({"log_kappa": u}) == pytest.approx(stats.norm.logpdf(u, -0.2, 0.1).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HalfNormalScatter(0.0), "scale of the scatter prior must be positive; got 0"),
        (lambda: HalfNormalScatter(np.nan), "must be positive; got nan"),
        (lambda: FixedNoise(-1.0), "kappa must be finite and above 0; got -1"),
        (lambda: FixedNoise("1"), "kappa must be a number; got '1'"),
        (lambda: PooledScatter(0, -1), "the width of the scatter prior must be positive; got -1"),
        (lambda: PooledScatter(np.nan), "the centre of the scatter prior must be finite"),
        (lambda: PixelNoise(0, -1), "the width of the noise prior must be positive; got -1"),
        (lambda: StarNoise(np.inf), "the centre of the noise prior must be finite"),
    ],
)
def test_priors_that_make_no_sense_are_refused(make, message):
    with pytest.raises(BayesCannonError, match=message):
        make()
