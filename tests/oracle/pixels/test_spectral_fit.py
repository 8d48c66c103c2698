"""Fits with priors against the compiled PyMC model, dense formulas, and recovery of noise and scatter."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from prior_survey import TERMS, survey

from bayescannon.models.coefficient_priors import NormalCoefficients, PooledCoefficients
from bayescannon.models.noise_priors import FixedNoise, GlobalNoise, HalfNormalScatter, PixelNoise, PooledScatter
from bayescannon.models.spectral import spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.prior import PixelPrior
from bayescannon.pixels.solver import Solver
from bayescannon.pixels.spectral_fit import PriorError, fit_spectral

PRIORS = {
    "normal": {"coefficients": NormalCoefficients(0.004)},
    "normal, all": {"coefficients": NormalCoefficients(0.01, mean=0.002, terms="all")},
    "half-normal": {"scatter": HalfNormalScatter(0.006)},
    "log-normal": {"scatter": PooledScatter(-4.5, 0.6)},
    "kappa": {"noise": FixedNoise(0.6)},
    "pixel kappa": {"noise": PixelNoise(-0.2, 0.1)},
    "global kappa": {"noise": GlobalNoise()},
    "all at once": {
        "coefficients": NormalCoefficients(0.004),
        "scatter": HalfNormalScatter(0.01),
        "noise": GlobalNoise(),
    },
}


def at_solution(result, given):
    """The fit as a point of the PyMC model with the same priors."""
    point = {"theta": result.fit.theta}
    if isinstance(given.get("scatter"), PooledScatter):
        point["log_scatter"] = np.log(result.fit.scatter)
    else:
        point["scatter"] = result.fit.scatter
    if isinstance(given.get("noise"), GlobalNoise):
        point["kappa_log__"] = np.log(result.kappa[0])
    if isinstance(given.get("noise"), PixelNoise):
        point["log_kappa"] = np.log(result.kappa)
    return point


@pytest.mark.parametrize("name", PRIORS)
def test_the_fit_is_the_maximum_of_the_pymc_model(name):
    given = PRIORS[name]
    vectors, flux, ivar, *_ = survey(reported=1.6)
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(**given))
    assert result.populations.converged
    model = spectral_model(vectors, flux, ivar, terms=TERMS, boundary=True, priors=SpectralPriors(**given))
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    point = at_solution(result, given)
    value = logp(point)

    variables = model.continuous_value_vars
    gradient = model.compile_fn(
        [pt.grad(model.logp(jacobian=False), variable) for variable in variables], mode="FAST_COMPILE"
    )(point)
    error = np.sqrt(np.diagonal(result.fit.covariance, axis1=1, axis2=2))
    for variable, slope in zip(variables, gradient, strict=True):
        if variable.name == "theta":
            assert np.abs(slope * error).max() < 1e-6
        elif variable.name == "scatter":
            inside = result.fit.scatter > 0
            assert np.abs(slope * result.fit.scatter)[inside].max(initial=0) < 1e-3
        elif variable.name == "log_scatter":
            assert np.abs(slope).max() < 1e-3
        elif variable.name == "kappa_log__":
            # kappa is settled to 5e-4; the curvature by ln kappa is about twice the number of fluxes
            assert abs(slope) < 1e-3 * 2 * (ivar > 0).sum()
        else:
            assert np.abs(slope).max() < 0.02 * 2 * (ivar > 0).sum(axis=0).max()
    # nothing nearby is better
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-1):
        for _ in range(5):
            moved = dict(point)
            moved["theta"] = point["theta"] + size * error * rng.normal(size=error.shape)
            for key in set(point) - {"theta"}:
                shift = 1 + 0.1 * size * rng.normal(size=np.shape(point[key]))
                moved[key] = point[key] * shift
            assert logp(moved) < value + 1e-2


@pytest.mark.parametrize("name", ["normal", "half-normal", "log-normal"])
def test_find_map_from_the_fit_gains_nothing(name):
    given = PRIORS[name]
    vectors, flux, ivar, *_ = survey()
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(**given))
    model = spectral_model(vectors, flux, ivar, terms=TERMS, boundary=True, priors=SpectralPriors(**given))
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    point = at_solution(result, given)
    with model:
        found = pm.find_MAP(
            initvals=point, jitter=False, return_inferencedata=True, progressbar=False,
            compile_kwargs={"mode": "FAST_COMPILE"},
        )  # fmt: skip
    there = {key: found["posterior"][key].to_numpy().squeeze() for key in point}
    assert logp(there) - logp(point) < 1e-3


def test_pooled_joint_density_with_learned_parameters_is_the_normal_prior():
    """The joint PyMC model with mu, tau, lambda at their values differs from the fixed prior by a constant."""
    vectors, flux, ivar, *_ = survey(n_pixel=40)
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(PooledCoefficients()))
    learned = result.populations.coefficients
    joint = spectral_model(vectors, flux, ivar, terms=TERMS, boundary=True, priors=SpectralPriors(PooledCoefficients()))
    scale, mean = np.full((40, len(TERMS)), 1.0), np.zeros((40, len(TERMS)))
    scale[:, 4:], mean[:, 4:] = learned.scale, learned.mu
    fixed = spectral_model(
        vectors, flux, ivar, terms=TERMS, boundary=True, priors=SpectralPriors(NormalCoefficients(scale, mean))
    )
    logp = [model.compile_logp(jacobian=False, mode="FAST_COMPILE") for model in (joint, fixed)]
    around = {
        "mu": learned.mu, "tau_log__": np.log(learned.tau), "log_activity": np.log(learned.activity),
    }  # fmt: skip
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(3):
        point = {
            "theta": result.fit.theta + 0.01 * rng.normal(size=result.fit.theta.shape),
            "scatter": rng.uniform(0.001, 0.05, 40),
        }
        differences.append(logp[0]({**point, **around}) - logp[1](point))
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)
    gradient = fixed.compile_dlogp(vars=[fixed["theta"]], jacobian=False, mode="FAST_COMPILE")(
        {"theta": result.fit.theta, "scatter": result.fit.scatter}
    )
    error = np.sqrt(np.diagonal(result.fit.covariance, axis1=1, axis2=2)).ravel()
    assert np.abs(gradient * error).max() < 1e-6


def test_marginal_likelihood_is_that_of_the_fluxes_with_theta_integrated_out():
    vectors, flux, ivar, *_ = survey(n_pixel=4)
    prior = PixelPrior(np.full((4, 10), 0.01), np.full((4, 10), 1 / 0.05**2))
    fits = [
        fit_pixels(vectors, flux, ivar, prior=prior, marginal=True, solver=Solver(scatter="fixed"), start=np.full(4, s))
        for s in (0.0, 0.004, 0.05)
    ]
    dense = []
    for s in (0.0, 0.004, 0.05):
        row = []
        for p in range(4):
            live = ivar[:, p] > 0
            v = vectors[live]
            covariance = np.diag(s**2 + 1 / ivar[live, p]) + v @ v.T * 0.05**2
            r = flux[live, p] - v @ np.full(10, 0.01)
            row.append(0.5 * r @ np.linalg.solve(covariance, r) + 0.5 * np.linalg.slogdet(covariance)[1])
        dense.append(row)
    objective = np.array([fit.objective for fit in fits])
    np.testing.assert_allclose(objective - objective[0], np.array(dense) - dense[0], atol=1e-6)
    best = fit_pixels(vectors, flux, ivar, prior=prior, marginal=True)
    nearby = fit_pixels(
        vectors, flux, ivar, prior=prior, marginal=True, solver=Solver(scatter="fixed"), start=1.01 * best.scatter
    )
    assert (best.objective <= nearby.objective + 1e-9).all()
    assert np.abs(best.gradient[best.scatter > 0] / best.slope[best.scatter > 0]).max() < 1e-7


def test_marginal_scatter_is_unbiased_where_the_joint_one_is_low():
    vectors, flux, ivar, _, s = survey(n_star=60, n_pixel=1500, spread=0.2, scatter=(0.03, 0.04))
    ratio = {
        marginal: np.mean(fit_pixels(vectors, flux, ivar, marginal=marginal).scatter ** 2 / s**2)
        for marginal in (False, True)
    }
    assert ratio[True] == pytest.approx(1, abs=0.03)
    assert ratio[False] < 0.85


def test_censored_terms_are_zero_and_the_rest_is_fitted_without_them():
    vectors, flux, ivar, *_ = survey(n_pixel=6)
    allowed = np.ones((6, 10), dtype=bool)
    allowed[2, [1, 4, 5, 6]] = False
    for given in ({}, {"coefficients": NormalCoefficients(0.01)}):
        priors = SpectralPriors(allowed=allowed, **given)
        result = fit_spectral(vectors, flux, ivar, n_label=3, priors=priors)
        fit = result.fit
        assert (fit.theta[2, [1, 4, 5, 6]] == 0).all()
        assert (fit.covariance[2, [1, 4, 5, 6]] == 0).all()
        keep = allowed[2]
        scale = np.full((1, keep.sum()), np.inf)
        if given:
            scale = np.where(np.arange(10)[keep] >= 4, 0.01, np.inf)[None]
        prior = PixelPrior(np.zeros(scale.shape), 1 / scale**2)
        alone = fit_pixels(vectors[:, keep], flux[:, [2]], ivar[:, [2]], prior=prior)
        np.testing.assert_allclose(fit.theta[2, keep], alone.theta[0], atol=1e-10)
        assert fit.scatter[2] == pytest.approx(alone.scatter[0], rel=1e-5)
        reml = fit_spectral(
            vectors, flux, ivar, n_label=3, priors=SpectralPriors(allowed=allowed, **given), marginal=True
        ).fit
        alone = fit_pixels(vectors[:, keep], flux[:, [2]], ivar[:, [2]], prior=prior, marginal=True)
        assert reml.scatter[2] == pytest.approx(alone.scatter[0], rel=1e-5)
        assert reml.objective[2] == pytest.approx(alone.objective[0], abs=1e-6)
        assert reml.freedom[2] == pytest.approx(alone.freedom[0], abs=1e-6)
    model = spectral_model(vectors, flux, ivar, terms=TERMS, boundary=True, priors=SpectralPriors(allowed=allowed))
    gradient = model.compile_dlogp(vars=[model["theta"]], jacobian=False, mode="FAST_COMPILE")
    result = fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(allowed=allowed))
    slope = gradient({"theta": result.fit.theta, "scatter": result.fit.scatter}).reshape(6, 10)
    assert (slope[~allowed] == 0).all()
    assert np.abs(slope * np.sqrt(np.diagonal(result.fit.covariance, axis1=1, axis2=2))).max() < 1e-6
    with pytest.raises(ValueError, match=r"allowed must have shape \(pixel, term\) = \(6, 10\)"):
        fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(allowed=allowed[:, :4]))


def test_dead_pixels_and_few_stars_give_defined_results():
    vectors, flux, ivar, *_ = survey(n_star=40, n_pixel=30)
    ivar[:, 3] = 0
    ivar[8:, 4] = 0
    result = fit_spectral(
        vectors, flux, ivar, n_label=3, priors=SpectralPriors(PooledCoefficients(), noise=GlobalNoise())
    )
    assert result.fit.status[3] == PixelStatus.DEAD
    # eight stars determine the four free terms; the population gives the rest
    assert np.isfinite(result.fit.theta).all()
    assert np.isfinite(result.kappa).all()
    assert (result.kappa > 0).all()
    assert not np.isnan(result.fit.scatter).any()


def test_priors_without_an_exact_solver_say_so():
    class Other:
        def declare_theta(self):
            return None

    vectors, flux, ivar, *_ = survey(n_pixel=2)
    with pytest.raises(PriorError, match=r"FlatCoefficients.* got Other. Sample it with"):
        fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(Other()))


def test_weak_densities_are_not_solved():
    vectors, flux, ivar, *_ = survey(n_star=30, n_pixel=3)
    with pytest.raises(PriorError, match="proper=True is for PyMC only"):
        fit_spectral(vectors, flux, ivar, n_label=3, priors=SpectralPriors(proper=True))
