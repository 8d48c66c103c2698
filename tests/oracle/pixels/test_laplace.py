"""Sparse training is the maximum of the PyMC model with Laplace coefficients, certified by its KKT conditions."""

import warnings

import numpy as np
import pymc as pm
import pytest
from pixel_fits import fit_sparse, kkt_residual
from scipy.optimize import minimize_scalar

from bayescannon.models.coefficient_priors import FLAT_SCALE, LaplaceCoefficients
from bayescannon.models.label_vector import label_vector, term_names
from bayescannon.models.noise_priors import HalfNormalScatter
from bayescannon.models.spectral import spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.numerics.packing import pack_products
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.prior import PixelPrior, ScatterDensity
from bayescannon.pixels.solver import Solver

NAMES = ("teff", "logg", "fe_h")


TERMS = term_names(NAMES)


N_PIXEL, N_TERM = 12, len(TERMS)


def sparse_survey(n_star=120, seed=1):
    """Pixels half of whose quadratic coefficients are 0; with and without scatter, some dead data."""
    rng = np.random.default_rng(seed)
    vectors = label_vector(rng.normal(size=(n_star, len(NAMES))).clip(-2.5, 2.5))
    theta = 0.03 * rng.normal(size=(N_PIXEL, N_TERM))
    theta[:, 0] += 1
    theta[:, 4:] *= rng.random((N_PIXEL, N_TERM - 4)) < 0.5
    scatter = np.where(np.arange(N_PIXEL) % 3 == 0, 0.0, rng.uniform(0.005, 0.03, N_PIXEL))
    sigma = 0.02 * np.exp(rng.normal(0, 0.5, size=(n_star, N_PIXEL)))
    flux = vectors @ theta.T + np.hypot(scatter, sigma) * rng.normal(size=sigma.shape)
    ivar = 1 / np.where(np.arange(N_PIXEL) % 4 == 0, 1.7 * sigma, sigma) ** 2
    ivar[rng.random(ivar.shape) < 0.05] = 0
    return vectors, flux, ivar


LAPLACE = LaplaceCoefficients(scale=np.where(np.arange(N_PIXEL) % 2, 1e-3, 3e-3)[:, None])


SCALE = LAPLACE.parameters(N_PIXEL, len(NAMES))


ALLOWED = np.ones((N_PIXEL, N_TERM), dtype=bool)


ALLOWED[2:5, [2, 5, 6]] = False


PRIORS = {
    "flat scatter": (PixelPrior.flat(N_PIXEL, N_TERM), {}),
    "half-normal scatter, censored terms": (
        PixelPrior(
            np.zeros(ALLOWED.shape), np.where(ALLOWED, 0.0, np.inf), ScatterDensity.HALF_NORMAL, (0.02, 0.0)
        ),
        {"scatter": HalfNormalScatter(0.02), "allowed": ALLOWED},
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=PRIORS)
def trained(request):
    survey = sparse_survey()
    prior, options = PRIORS[request.param]
    fit = fit_sparse(*survey, scale=SCALE, prior=prior)
    assert (fit.status == PixelStatus.CONVERGED).all()
    assert 0 < (fit.scatter == 0).sum() < N_PIXEL
    model = spectral_model(*survey, terms=TERMS, priors=SpectralPriors(LAPLACE, **options), boundary=True)
    return survey, fit, model, prior


def direct_objective(vectors, flux, ivar, theta, s, b):
    """Minus log posterior of one pixel under a flat scatter, without constants."""
    live = ivar > 0
    variance = s**2 + 1 / ivar[live]
    residual = flux[live] - vectors[live] @ theta
    return 0.5 * np.sum(residual**2 / variance + np.log(variance)) + np.sum(np.abs(theta) / b)


def slow_pixel(vectors, flux, ivar, b):
    """Plain coordinate descent inside a search over s; theta, objective and s."""
    live = ivar > 0
    v, f = vectors[live], flux[live]
    theta = np.zeros(v.shape[1])

    def descend(s):
        w = 1 / (s**2 + 1 / ivar[live])
        m, h = v.T @ (w[:, None] * v), v.T @ (w * f)
        for _ in range(2000):
            before = theta.copy()
            for k in range(len(theta)):
                z = h[k] - m[k] @ theta + m[k, k] * theta[k]
                theta[k] = np.sign(z) * max(abs(z) - 1 / b[k], 0) / m[k, k]
            if np.abs(theta - before).max() < 1e-11:
                break
        return direct_objective(vectors, flux, ivar, theta, s, b)

    grid = np.concatenate([[0.0], np.geomspace(1e-4, 0.3, 16)])
    value = [descend(s) for s in grid]
    best = int(np.argmin(value))
    bounds = (grid[max(best - 1, 0)], grid[best + 1])
    found = minimize_scalar(descend, bounds=bounds, method="bounded", options={"xatol": 1e-9})
    s = found.x if found.fun < value[0] - 1e-9 else 0.0
    return theta, descend(s), s


def test_logp_of_the_model_is_the_solvers_objective(trained):
    (_, _, ivar), fit, model, prior = trained
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    rng = np.random.default_rng(5)
    best = logp({"theta": fit.theta, "scatter": fit.scatter})
    dead = (ivar == 0).sum() * np.log(FLAT_SCALE) + ivar.size * 0.5 * np.log(2 * np.pi)
    scales = np.log(2 * np.minimum(SCALE, FLAT_SCALE)).sum()
    if prior.scatter is ScatterDensity.HALF_NORMAL:
        scales += N_PIXEL * (np.log(0.02) + 0.5 * np.log(np.pi / 2))
    assert -best - dead - scales == pytest.approx(fit.objective.sum(), abs=1e-6)
    for _ in range(30):
        step = rng.choice([1e-4, 1e-3, 1e-2]) * rng.normal(size=fit.theta.shape) * (fit.theta != 0)
        scatter = np.abs(fit.scatter + rng.choice([0, 1e-3, 1e-2]) * rng.normal(size=N_PIXEL))
        assert logp({"theta": fit.theta + step, "scatter": scatter}) <= best


def test_karush_kuhn_tucker_by_the_gradient_of_the_model(trained):
    (vectors, flux, ivar), fit, model, prior = trained
    theta, scatter = model["theta"], model["scatter"]
    gradient = model.compile_dlogp(vars=[theta, scatter], jacobian=False, mode="FAST_COMPILE")
    # PyTensor's sign(0) is 0: at 0 this is the gradient of the smooth part
    flat = gradient({"theta": fit.theta, "scatter": fit.scatter})
    to_theta, to_scatter = flat[: fit.theta.size].reshape(fit.theta.shape), flat[fit.theta.size :]
    zero = (fit.theta == 0) & ~prior.censored
    assert 20 < zero.sum() < zero.size / 2
    assert (np.abs(to_theta[zero]) <= 1 / SCALE[zero]).all()
    active = fit.theta != 0
    size = np.where(np.isinf(SCALE), 1 / np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2).clip(1e-30)), 1 / SCALE)
    assert np.abs(to_theta / size)[active].max() < 1e-6
    assert (fit.theta[prior.censored] == 0).all()
    inside = fit.scatter > 0
    assert np.abs(to_scatter[inside] * fit.scatter[inside]).max() < 1e-4
    assert (fit.gradient[~inside] >= 0).all()
    assert kkt_residual(fit, vectors, flux, ivar, scale=SCALE, allowed=~prior.censored).max() < 1e-6


def test_find_map_from_the_solution_gains_nothing(trained):
    _, fit, model, _ = trained
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    best = logp({"theta": fit.theta, "scatter": fit.scatter})
    with model, warnings.catch_warnings():
        # at a kink its line search finds no way down, and says so
        warnings.filterwarnings("ignore", message="The optimizer did not converge")
        found = pm.find_MAP(
            initvals={"theta": fit.theta, "scatter": fit.scatter},
            jitter=False,
            return_inferencedata=True,
            progressbar=False,
            compile_kwargs={"mode": "FAST_COMPILE"},
        )
    point = {name: found["posterior"][name].to_numpy().squeeze() for name in ("theta", "scatter")}
    assert logp(point) - best < 1e-3


@pytest.mark.parametrize("pixel", [0, 1, 6, 7, 11])
def test_matches_a_slow_coordinate_search(pixel):
    vectors, flux, ivar = sparse_survey()
    fit = fit_sparse(vectors, flux, ivar, scale=SCALE)
    theta, objective, s = slow_pixel(vectors, flux[:, pixel], ivar[:, pixel], SCALE[pixel])
    assert fit.objective[pixel] <= objective + 1e-8
    np.testing.assert_allclose(fit.scatter[pixel], s, atol=2e-6)
    np.testing.assert_allclose(fit.theta[pixel], theta, atol=1e-6)
    np.testing.assert_array_equal(fit.theta[pixel] == 0, theta == 0)


def test_a_wide_prior_is_flat_and_a_narrow_one_leaves_nothing():
    survey = sparse_survey()
    flat = fit_pixels(*survey)
    wide = fit_sparse(*survey, scale=1e9)
    np.testing.assert_allclose(wide.theta, flat.theta, atol=1e-9)
    np.testing.assert_allclose(wide.scatter, flat.scatter, atol=1e-7)
    np.testing.assert_allclose(wide.covariance, flat.covariance, rtol=1e-4, atol=1e-12)
    narrow = fit_sparse(*survey, scale=LaplaceCoefficients(scale=1e-7).parameters(N_PIXEL, len(NAMES)))
    assert (narrow.theta[:, 4:] == 0).all()
    assert (np.count_nonzero(narrow.theta, axis=1) == 4).all()
    held = np.zeros((N_PIXEL, N_TERM))
    held[:, 4:] = np.inf
    linear = fit_pixels(*survey, prior=PixelPrior(np.zeros(held.shape), held))
    np.testing.assert_allclose(narrow.theta, linear.theta, atol=1e-9)
    np.testing.assert_allclose(narrow.scatter, linear.scatter, atol=1e-7)


def test_covariance_is_that_of_the_terms_that_are_not_zero():
    vectors, flux, ivar = sparse_survey()
    fit = fit_sparse(vectors, flux, ivar, scale=SCALE, kappa=0.8)
    assert (np.count_nonzero(fit.theta, axis=1) < N_TERM).any()
    for p in range(N_PIXEL):
        live, active = ivar[:, p] > 0, fit.theta[p] != 0
        weight = 1 / (fit.scatter[p] ** 2 + 0.64 / ivar[live, p])
        v = vectors[live][:, active]
        expected = np.zeros((N_TERM, N_TERM))
        expected[np.ix_(active, active)] = np.linalg.inv(v.T @ (weight[:, None] * v))
        np.testing.assert_allclose(fit.covariance[p], expected, rtol=1e-7, atol=1e-15)


def test_the_certificate_notices_what_is_wrong():
    survey = sparse_survey()
    fit = fit_sparse(*survey, scale=SCALE)
    assert kkt_residual(fit, *survey, scale=SCALE).max() < 1e-6
    some = np.count_nonzero(fit.theta, axis=1) > 4
    assert some.sum() > 8
    assert (kkt_residual(fit, *survey, scale=1.01 * SCALE)[some] > 1e-3).all()
    fit.theta[3, 0] += 1e-6
    assert kkt_residual(fit, *survey, scale=SCALE)[3] > 1e-2


def test_uncertain_labels_add_their_spread():
    vectors, flux, ivar = sparse_survey()
    noise = 0.1 * np.random.default_rng(3).normal(size=(40, *vectors[:, 1:4].shape))
    draws = label_vector(vectors[:, 1:4] + noise)
    products = np.mean([pack_products(d) for d in draws], axis=0)
    moments = LabelMoments.uncertain(draws.mean(axis=0), products)
    fit = fit_sparse(moments, flux, ivar, scale=SCALE)
    assert (fit.status == PixelStatus.CONVERGED).all()
    for p in (1, 4):

        def expected(theta, s, p=p):
            each = [direct_objective(d, flux[:, p], ivar[:, p], theta, s, SCALE[p]) for d in draws]
            return np.mean(each)

        best = expected(fit.theta[p], fit.scatter[p])
        assert best == pytest.approx(fit.objective[p], abs=1e-6)
        for k in range(N_TERM):
            for move in (-1e-4, 1e-4):
                assert expected(fit.theta[p] + move * np.eye(N_TERM)[k], fit.scatter[p]) > best
        assert expected(fit.theta[p], 1.02 * fit.scatter[p]) > best
        assert expected(fit.theta[p], 0.98 * fit.scatter[p]) > best


def test_pixels_that_cannot_be_fitted_get_no_weight():
    vectors, flux, ivar = sparse_survey()
    ivar[:, 0] = 0
    ivar[N_TERM - 1 :, 1] = 0
    fit = fit_sparse(vectors, flux, ivar, scale=SCALE)
    assert (fit.status[:2] == PixelStatus.DEAD).all()
    assert (fit.status[2:] == PixelStatus.CONVERGED).all()
    assert (kkt_residual(fit, vectors, flux, ivar, scale=SCALE)[:2] == 0).all()
    twins = np.repeat(vectors[:5], 24, axis=0)
    singular = fit_sparse(twins, flux, ivar, scale=SCALE)
    assert (singular.status[2:] == PixelStatus.SINGULAR).all()
    for result in (fit, singular):
        assert np.isfinite(result.theta).all()
        assert np.isfinite(result.covariance).all()
        assert np.isinf(result.scatter[:2]).all()
        assert (result.theta[:2] == 0).all()


def test_result_does_not_depend_on_blocks_workers_or_the_start():
    survey = sparse_survey()
    one = fit_sparse(*survey, scale=SCALE, solver=Solver(block=5, workers=1))
    two = fit_sparse(*survey, scale=SCALE, solver=Solver(workers=2), start=1.3 * one.scatter)
    np.testing.assert_allclose(one.scatter, two.scatter, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(one.theta, two.theta, atol=1e-8)


def test_wrong_calls_are_refused():
    survey = sparse_survey()
    with pytest.raises(ValueError, match="must be positive"):
        fit_sparse(*survey, scale=0.0)
    precise = PixelPrior(np.zeros(SCALE.shape), np.ones(SCALE.shape))
    with pytest.raises(ValueError, match="must be 0, or inf"):
        fit_sparse(*survey, scale=1.0, prior=precise)
    with pytest.raises(ValueError, match="must be positive"):
        LaplaceCoefficients(scale=-1.0)
    with pytest.raises(ValueError, match="'quadratic' or 'all'"):
        LaplaceCoefficients(terms="linear")
