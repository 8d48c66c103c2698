"""Smooth training against dense joint systems, and as the maximum of the PyMC model with smooth coefficients."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from pixel_fits import fit_smooth
from smooth_pixels import SHRUNK, TERMS, blocks, dense_posterior, prior_covariance, smooth_survey

from bayescannon.models.coefficient_priors import FLAT_SCALE, shrunk_terms
from bayescannon.models.label_vector import label_vector
from bayescannon.models.noise_priors import PooledScatter
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.models.spectral import spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.packing import pack_products
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.prior import PixelPrior, ScatterDensity
from bayescannon.pixels.solver import Solver

OPTIONS = {
    "flat scatter": (PixelPrior.flat(14, len(TERMS)), {}),
    "pooled scatter": (
        replace(PixelPrior.flat(14, len(TERMS)), scatter=ScatterDensity.LOG_NORMAL, scatter_parameters=(-4.5, 0.8)),
        {"scatter": PooledScatter(-4.5, 0.8)},
    ),
}


@pytest.fixture(scope="module", params=OPTIONS)
def trained(request):
    survey = smooth_survey()
    prior, options = OPTIONS[request.param]
    tau = np.array([0.01, 0.003, 0.02, 0.002, 0.015, 0.01])
    fit = fit_smooth(*survey, shrunk=SHRUNK, scale=tau, prior=prior)
    assert (fit.status == PixelStatus.CONVERGED).all()
    model = spectral_model(
        *survey, terms=TERMS, priors=SpectralPriors(SmoothCoefficients(scale=tau), **options), boundary=True
    )
    name = "log_scatter" if options else "scatter"
    return survey, fit, tau, model, prior, name, (np.log(fit.scatter) if options else fit.scatter)


def test_logp_of_the_model_is_the_solvers_objective(trained):
    (_, _, ivar), fit, tau, model, prior, name, scatter = trained
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    best = logp({"theta": fit.theta, name: scatter})
    constant = (ivar == 0).sum() * np.log(FLAT_SCALE) + 0.5 * ivar.size * np.log(2 * np.pi)
    constant += 0.5 * np.linalg.slogdet(2 * np.pi * prior_covariance(np.arange(14.0), tau))[1]
    if name == "log_scatter":
        constant += 14 * (np.log(prior.scatter_parameters[1]) + 0.5 * np.log(2 * np.pi))
    assert -best - constant == pytest.approx(fit.objective.sum(), abs=1e-6)
    rng = np.random.default_rng(3)
    error = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))
    for _ in range(20):
        theta = fit.theta + 0.1 * error * rng.normal(size=error.shape)
        moved = scatter * (1 + 0.03 * rng.normal(size=14))
        assert logp({"theta": theta, name: moved}) < best
    assert (np.diff(fit.trace) <= 1e-9 * abs(fit.trace[-1])).all()


def test_gradient_of_the_model_vanishes_at_the_solution(trained):
    _, fit, _, model, _, name, scatter = trained
    gradient = model.compile_dlogp(vars=[model["theta"], model[name]], jacobian=False, mode="FAST_COMPILE")
    flat = gradient({"theta": fit.theta, name: scatter})
    to_theta, to_scatter = flat[: fit.theta.size].reshape(fit.theta.shape), flat[fit.theta.size :]
    error = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))
    assert np.abs(to_theta * error).max() < 1e-7
    inside = fit.scatter > 0
    size = fit.scatter[inside] if name == "scatter" else 1.0
    assert np.abs(to_scatter[inside] * size).max() < 1e-3
    assert (fit.gradient[~inside] >= 0).all()
    assert inside.all() == (name == "log_scatter")


def test_find_map_from_the_solution_gains_nothing(trained):
    _, fit, _, model, _, name, scatter = trained
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    best = logp({"theta": fit.theta, name: scatter})
    with model:
        found = pm.find_MAP(
            initvals={"theta": fit.theta, name: scatter},
            jitter=False,
            return_inferencedata=True,
            progressbar=False,
            compile_kwargs={"mode": "FAST_COMPILE"},
        )
    point = {key: found["posterior"][key].to_numpy().squeeze() for key in ("theta", name)}
    assert logp(point) - best < 1e-3


def test_covariance_is_each_pixels_marginal_one(trained):
    survey, fit, tau, *_ = trained
    _, covariance, _ = dense_posterior(*survey, fit.scatter, tau, np.arange(14.0))
    expected = blocks(covariance, 14)
    np.testing.assert_allclose(fit.covariance, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


def test_correlations_reach_across_dead_pixels():
    vectors, flux, ivar = smooth_survey()
    whole = flux.copy(), ivar.copy()
    ivar[:, [5, 6]] = 0
    ivar[2:, 9] = 0
    fit = fit_smooth(vectors, flux, ivar, shrunk=SHRUNK, scale=0.01)
    assert (np.flatnonzero(fit.status == PixelStatus.DEAD) == [5, 6, 9]).all()
    assert (fit.theta[[5, 6, 9]] == 0).all()
    assert np.isinf(fit.scatter[[5, 6, 9]]).all()
    left = np.delete(np.arange(14), [5, 6, 9])
    model = spectral_model(
        vectors, flux[:, left], ivar[:, left], terms=TERMS, boundary=True,
        priors=SpectralPriors(SmoothCoefficients(scale=0.01, position=left)),
    )  # fmt: skip
    gradient = model.compile_dlogp(vars=[model["theta"]], jacobian=False, mode="FAST_COMPILE")
    error = np.sqrt(np.diagonal(fit.covariance[left], axis1=1, axis2=2))
    slope = gradient({"theta": fit.theta[left], "scatter": fit.scatter[left]}).reshape(error.shape)
    assert np.abs(slope * error).max() < 1e-7
    selected = fit_smooth(vectors, whole[0][:, left], whole[1][:, left], shrunk=SHRUNK, scale=0.01, position=left)
    np.testing.assert_allclose(selected.theta, fit.theta[left], atol=1e-7)


def test_censored_terms_stay_at_zero_and_their_neighbours_are_right():
    vectors, flux, ivar = smooth_survey()
    allowed = np.ones((14, len(TERMS)), dtype=bool)
    allowed[4:7, [2, 5, 6]] = False
    allowed[13] = SHRUNK | (np.arange(len(TERMS)) == 0)
    prior = PixelPrior(np.zeros(allowed.shape), np.where(allowed, 0.0, np.inf))
    tau = np.full(6, 0.01)
    fit = fit_smooth(vectors, flux, ivar, shrunk=SHRUNK, scale=tau, prior=prior)
    assert (fit.status == PixelStatus.CONVERGED).all()
    assert (fit.theta[~allowed] == 0).all()
    mean, covariance, _ = dense_posterior(vectors, flux, ivar, fit.scatter, tau, np.arange(14.0), allowed)
    np.testing.assert_allclose(fit.theta, mean * allowed, atol=1e-8)
    both = allowed[:, :, None] & allowed[:, None, :]
    np.testing.assert_allclose(fit.covariance, blocks(covariance, 14) * both, rtol=1e-6, atol=1e-10)


def test_marginal_scatters_maximise_the_dense_marginal_likelihood():
    survey = smooth_survey()
    tau, position = np.full(6, 0.01), np.arange(14.0)
    joint = fit_smooth(*survey, shrunk=SHRUNK, scale=tau)
    fit = fit_smooth(*survey, shrunk=SHRUNK, scale=tau, marginal=True)
    assert (fit.status == PixelStatus.CONVERGED).all()
    value = dense_posterior(*survey, fit.scatter, tau, position)[2]
    # the determinant of the prior's own precision is one of the constants
    assert fit.objective.sum() == pytest.approx(value, abs=1e-5)
    for p in range(14):
        step = max(0.1 * fit.scatter[p], 5e-4)
        for moved in (fit.scatter[p] - step, fit.scatter[p] + step):
            other = np.where(np.arange(14) == p, max(moved, 0.0), fit.scatter)
            if other[p] != fit.scatter[p]:
                assert dense_posterior(*survey, other, tau, position)[2] > value + 1e-9
    assert (fit.scatter >= joint.scatter - 1e-9).all()
    assert (fit.freedom > 4).all()
    assert (fit.freedom < len(TERMS)).all()
    assert (joint.freedom == 0).all()


def test_slope_is_the_derivative_of_the_gradient():
    survey = smooth_survey()
    fit = fit_smooth(*survey, shrunk=SHRUNK, scale=0.01)
    vectors, flux, ivar = survey
    for p in np.flatnonzero(fit.scatter > 0)[:4]:
        g = []
        for s2 in fit.scatter[p] ** 2 * np.array([0.999, 1.001]):
            moved = np.where(np.arange(14) == p, np.sqrt(s2), fit.scatter)
            mean, _, _ = dense_posterior(*survey, moved, np.full(6, 0.01), np.arange(14.0))
            w = ivar[:, p] / (1 + s2 * ivar[:, p])
            g.append(np.sum(w - w**2 * (flux[:, p] - vectors @ mean[p]) ** 2))
        assert fit.slope[p] == pytest.approx((g[1] - g[0]) / (0.002 * fit.scatter[p] ** 2), rel=1e-4)


@pytest.mark.parametrize("marginal", [False, True])
def test_scales_are_recovered(marginal):
    tau = np.array([0.02, 0.006, 0.002])
    vectors, flux, ivar = smooth_survey(n_star=200, n_pixel=900, tau=tau, seed=8, n_label=2)
    shrunk = shrunk_terms(2, "quadratic")
    fit = fit_smooth(vectors, flux, ivar, shrunk=shrunk, marginal=marginal)
    assert (fit.status == PixelStatus.CONVERGED).all()
    np.testing.assert_allclose(fit.scale, tau, rtol=0.15)


def test_a_term_that_is_not_there_has_scale_zero():
    tau = np.array([0.02, 0.0, 0.002])
    vectors, flux, ivar = smooth_survey(n_star=200, n_pixel=120, tau=tau, seed=8, n_label=2)
    ivar[:, 50] = 0
    fit = fit_smooth(vectors, flux, ivar, shrunk=shrunk_terms(2, "quadratic"))
    assert 1e-7 <= fit.scale[1] < 3e-4
    assert np.isfinite(fit.theta).all()
    assert np.isfinite(fit.covariance).all()
    assert (np.abs(fit.theta[:, 4]) < 1e-3).all()


def test_limits_of_the_prior():
    survey = smooth_survey()
    flat = fit_pixels(*survey)
    wide = fit_smooth(*survey, shrunk=SHRUNK, scale=1e4)
    np.testing.assert_allclose(wide.theta, flat.theta, atol=1e-6)
    np.testing.assert_allclose(wide.scatter, flat.scatter, atol=1e-6)
    precision = np.where(SHRUNK, 1 / 0.01**2, np.zeros((14, 1)))
    ridge = fit_pixels(*survey, prior=PixelPrior(np.zeros(precision.shape), precision))
    short = fit_smooth(*survey, shrunk=SHRUNK, scale=0.01, length=1e-3)
    np.testing.assert_allclose(short.theta, ridge.theta, atol=1e-7)
    np.testing.assert_allclose(short.objective, ridge.objective, atol=1e-6)
    np.testing.assert_allclose(short.slope[short.scatter > 0], ridge.slope[ridge.scatter > 0], rtol=1e-3)
    one = fit_smooth(survey[0], survey[1][:, :1], survey[2][:, :1], shrunk=SHRUNK, scale=0.01)
    np.testing.assert_allclose(one.theta, ridge.theta[:1], atol=1e-7)


def test_uncertain_labels_add_their_spread():
    vectors, flux, ivar = smooth_survey()
    noise = 0.1 * np.random.default_rng(3).normal(size=(40, *vectors[:, 1:4].shape))
    draws = label_vector(vectors[:, 1:4] + noise)
    moments = LabelMoments.uncertain(draws.mean(axis=0), np.mean([pack_products(d) for d in draws], axis=0))
    short = fit_smooth(moments, flux, ivar, shrunk=SHRUNK, scale=0.01, length=1e-3)
    precision = np.where(SHRUNK, 1 / 0.01**2, np.zeros((14, 1)))
    ridge = fit_pixels(moments, flux, ivar, prior=PixelPrior(np.zeros(precision.shape), precision))
    np.testing.assert_allclose(short.theta, ridge.theta, atol=1e-7)
    np.testing.assert_allclose(short.scatter, ridge.scatter, atol=1e-6)
    np.testing.assert_allclose(short.chi2, ridge.chi2, rtol=1e-4)


def test_few_stars_are_enough_where_the_prior_covers_the_terms():
    vectors, flux, ivar = smooth_survey(n_star=9)
    fit = fit_smooth(vectors, flux, ivar, shrunk=SHRUNK, scale=0.01, kappa=0.9)
    assert (fit.status == PixelStatus.CONVERGED).all()
    dead = fit_smooth(vectors, flux, np.zeros_like(ivar), shrunk=SHRUNK, scale=0.01)
    assert (dead.status == PixelStatus.DEAD).all()
    assert (dead.theta == 0).all()


def test_result_does_not_depend_on_blocks_or_workers():
    survey = smooth_survey()
    one = fit_smooth(*survey, shrunk=SHRUNK, scale=0.01, solver=Solver(block=5, workers=1))
    two = fit_smooth(*survey, shrunk=SHRUNK, scale=0.01, solver=Solver(workers=2), start=1.2 * one.scatter)
    np.testing.assert_allclose(one.scatter, two.scatter, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(one.theta, two.theta, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0.0}, "scale of the smooth prior"),
        ({"length": -1.0}, "correlation length"),
        ({"shrunk": np.zeros(len(TERMS), dtype=bool)}, "must mark some"),
        ({"shrunk": SHRUNK[:-1]}, "must mark some of the 10 terms"),
        ({"position": np.arange(3)}, "position must have shape"),
        ({"position": np.arange(14)[::-1]}, "ascend"),
        ({"prior": PixelPrior(np.zeros((14, 10)), np.ones((14, 10)))}, "must be 0, or inf"),
    ],
)
def test_wrong_calls_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit_smooth(*smooth_survey(), **{"shrunk": SHRUNK, "scale": 0.01, **options})


def test_the_model_learns_its_scale_or_refuses_wrong_ones():
    vectors, flux, ivar = smooth_survey()
    model = spectral_model(vectors, flux, ivar, terms=TERMS, priors=SpectralPriors(SmoothCoefficients()))
    assert model.initial_point()["tau_log__"].shape == (6,)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    point = {"theta": np.zeros((14, 10)), "scatter_log__": np.full(14, -4.0)}
    slope = logp({**point, "tau_log__": np.full(6, -5.0)}) - logp({**point, "tau_log__": np.full(6, -4.0)})
    # theta = 0: the density grows without bound as tau goes to 0, one factor for each coefficient
    assert slope == pytest.approx(6 * 14)
    with pytest.raises(ValueError, match="correlation length"):
        SmoothCoefficients(length=np.inf)
    with pytest.raises(ValueError, match="must be positive"):
        SmoothCoefficients(scale=[0.1, 0.0])
    with pytest.raises(ValueError, match="14 ascending values"):
        spectral_model(
            vectors, flux, ivar, terms=TERMS, priors=SpectralPriors(SmoothCoefficients(position=np.arange(3)))
        )
