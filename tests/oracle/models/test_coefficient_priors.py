"""Priors of coefficients as PyMC states them against SciPy's densities."""

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from bayescannon.models.coefficient_priors import (
    FLAT_SCALE,
    FlatCoefficients,
    HorseshoeCoefficients,
    LaplaceCoefficients,
    NormalCoefficients,
    PooledCoefficients,
    shrunk_terms,
)
from bayescannon.models.label_vector import term_names
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.numerics.errors import InputError

NAMES = ("teff", "logg")
TERMS = term_names(NAMES)
N_PIXEL, N_TERM = 5, len(TERMS)
QUADRATIC, ALL = np.arange(N_TERM) >= 3, np.arange(N_TERM) >= 1


def logp_of(prior):
    """The prior's log density alone, and the model."""
    with pm.Model(coords={"pixel": np.arange(N_PIXEL), "term": TERMS}) as model:
        prior.declare_theta()
    return model.compile_logp(jacobian=False, mode="FAST_COMPILE"), model


def assert_density(prior, expected, *, around=None):
    """Differences of the statement are those of `expected` (theta to a number), at random coefficients."""
    logp, model = logp_of(prior)
    assert model.named_vars_to_dims["theta"] == ("pixel", "term")
    rng = np.random.default_rng(1)
    thetas = [0.01 * rng.normal(size=(N_PIXEL, N_TERM)) for _ in range(4)]
    found = np.array([logp({"theta": theta, **(around or {})}) for theta in thetas])
    wanted = np.array([expected(theta) for theta in thetas])
    np.testing.assert_allclose(np.diff(found), np.diff(wanted), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("terms", "mask"), [("quadratic", QUADRATIC), ("all", ALL)])
def test_the_constant_is_never_shrunk(terms, mask):
    np.testing.assert_array_equal(shrunk_terms(2, terms), mask)
    with pytest.raises(InputError, match="'quadratic' or 'all'; got 'linear'"):
        shrunk_terms(2, "linear")


def test_flat_coefficients_have_no_preference():
    assert_density(FlatCoefficients(), lambda _: 0.0)


@pytest.mark.parametrize("scale", [0.01, np.linspace(0.01, 0.03, N_TERM), np.linspace(0.01, 0.05, N_PIXEL)[:, None]])
@pytest.mark.parametrize("terms", ["quadratic", "all"])
def test_normal_coefficients_are_normal(scale, terms):
    prior = NormalCoefficients(scale, mean=0.002, terms=terms)
    mean, deviation = prior.parameters(N_PIXEL, 2)
    shrunk = shrunk_terms(2, terms)
    assert np.isinf(deviation[:, ~shrunk]).all()
    assert (mean[:, ~shrunk] == 0).all()
    np.testing.assert_array_equal(deviation[:, shrunk], np.broadcast_to(scale, (N_PIXEL, N_TERM))[:, shrunk])
    assert_density(prior, lambda theta: stats.norm.logpdf(theta, mean, deviation)[:, shrunk].sum())


def test_laplace_coefficients_are_laplace():
    prior = LaplaceCoefficients(np.linspace(0.01, 0.05, N_PIXEL)[:, None])
    scale = prior.parameters(N_PIXEL, 2)
    assert np.isinf(scale[:, ~QUADRATIC]).all()
    assert_density(prior, lambda theta: stats.laplace.logpdf(theta, 0, scale)[:, QUADRATIC].sum())


def test_pooled_coefficients_have_a_population_and_an_activity_of_each_pixel():
    rng = np.random.default_rng(2)
    mu, tau, log_activity = 0.01 * rng.normal(size=3), np.array([0.01, 0.03, 0.002]), rng.normal(size=N_PIXEL)
    around = {"mu": mu, "tau_log__": np.log(tau), "log_activity": log_activity}
    prior = PooledCoefficients(activity_spread=0.6)

    def expected(theta):
        return stats.norm.logpdf(theta[:, QUADRATIC], mu, tau * np.exp(log_activity)[:, None]).sum()

    assert_density(prior, expected, around=around)
    logp, _ = logp_of(prior)
    theta = np.zeros((N_PIXEL, N_TERM))
    others = np.array([logp({"theta": theta, **around, "log_activity": x}) for x in (log_activity, 2 * log_activity)])
    own = [
        stats.norm.logpdf(0, mu, tau * np.exp(x)[:, None]).sum() + stats.norm.logpdf(x, 0, 0.6).sum()
        for x in (log_activity, 2 * log_activity)
    ]
    np.testing.assert_allclose(np.diff(others), np.diff(own), rtol=1e-10)


def test_the_horseshoe_is_its_formula():
    prior = HorseshoeCoefficients(global_scale=2e-3, slab=0.05)
    _, model = logp_of(prior)
    rng = np.random.default_rng(3)
    tau, local, unit = 0.004, np.exp(rng.normal(size=(N_PIXEL, 3))), rng.normal(size=(N_PIXEL, 3))
    flat = rng.normal(size=(N_PIXEL, 3))
    point = {"tau_log__": np.log(tau), "local_log__": np.log(local), "unit": unit, "theta_flat": flat}
    (theta,) = model.compile_fn(
        [model.replace_rvs_by_values([model["theta"]])[0]], mode="FAST_COMPILE", on_unused_input="ignore"
    )(point)
    np.testing.assert_allclose(theta[:, ~QUADRATIC], flat)
    wide = tau * local
    np.testing.assert_allclose(theta[:, QUADRATIC], unit * wide * 0.05 / np.sqrt(0.05**2 + wide**2), rtol=1e-10)
    assert (np.abs(theta[:, QUADRATIC]) < np.abs(unit) * 0.05).all(), "a coefficient is within the slab"
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")(point)
    expected = stats.halfcauchy.logpdf(tau, scale=2e-3) + stats.halfcauchy.logpdf(local).sum()
    # PyMC takes the log of an 8-bit 2 in single precision
    assert logp == pytest.approx(expected + stats.norm.logpdf(unit).sum(), rel=1e-8)
    fixed = logp_of(HorseshoeCoefficients(learn_scale=False))[1]
    assert "tau" not in fixed.named_vars
    with pytest.raises(NotImplementedError, match=r"no exact solver.*compressed_model with NUTS"):
        prior.parameters(N_PIXEL, 2)


@pytest.mark.parametrize("position", [None, np.array([0.0, 1.0, 2.0, 6.0, 7.0])])
def test_smooth_coefficients_are_a_gaussian_process_along_wavelength(position):
    tau = np.array([0.01, 0.02, 0.005])
    prior = SmoothCoefficients(length=2.5, scale=tau, position=position)
    at = np.arange(N_PIXEL) if position is None else position
    kernel = np.exp(-np.abs(at[:, None] - at) / 2.5)
    np.testing.assert_allclose(prior.correlations(N_PIXEL), np.diag(kernel, 1))

    def expected(theta):
        columns = zip(theta[:, QUADRATIC].T, tau, strict=True)
        return sum(stats.multivariate_normal(cov=kernel * one**2).logpdf(column) for column, one in columns)

    assert_density(prior, expected)
    # with a learned scale, the same at its value
    learned = SmoothCoefficients(length=2.5, position=position)
    assert_density(learned, expected, around={"tau_log__": np.log(tau)})


def test_no_information_is_a_large_and_finite_scale():
    logp, _ = logp_of(NormalCoefficients(0.01))
    theta = np.zeros((N_PIXEL, N_TERM))
    moved = theta + np.where(QUADRATIC, 0.0, 100.0)
    assert np.isfinite(logp({"theta": theta}))
    assert logp({"theta": moved}) == pytest.approx(logp({"theta": theta}), abs=N_PIXEL * 3 * (100 / FLAT_SCALE) ** 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NormalCoefficients([0.1, 0.0]), "scale of a coefficient prior must be positive"),
        (lambda: NormalCoefficients(terms="linear"), "'quadratic' or 'all'"),
        (lambda: LaplaceCoefficients(-1.0), "scale of a coefficient prior must be positive"),
        (lambda: LaplaceCoefficients(np.nan), "scale of a coefficient prior must be positive"),
        (lambda: LaplaceCoefficients(terms=""), "'quadratic' or 'all'"),
        (lambda: PooledCoefficients(activity_spread=0.0), "activity_spread must be positive; got 0"),
        (lambda: PooledCoefficients(terms="linear"), "'quadratic' or 'all'"),
        (lambda: HorseshoeCoefficients(slab=0.0), "slab must be positive; got 0"),
        (lambda: SmoothCoefficients(length=np.inf), "correlation length must be finite and above 0; got inf"),
        (lambda: SmoothCoefficients(scale=[0.1, -0.1]), "scale of a coefficient prior must be positive"),
        (lambda: SmoothCoefficients(position=[0.0, 2.0, 1.0]).correlations(3), "position must have 3 ascending values"),
        (lambda: SmoothCoefficients(position=[0.0, 1.0]).correlations(3), "position must have 3 ascending values"),
    ],
)
def test_priors_that_make_no_sense_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
