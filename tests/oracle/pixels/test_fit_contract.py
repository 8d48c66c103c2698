"""The exact training is the maximum of the PyMC spectral model: value, gradient, KKT, and find_MAP."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from bayescannon.models.coefficient_priors import FLAT_SCALE
from bayescannon.models.label_vector import label_vector, term_names
from bayescannon.models.spectral import spectral_model
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus

NAMES = ("teff", "logg", "fe_h")
TERMS = term_names(NAMES)


def small_survey(n_star=120, n_pixel=12, seed=1):
    """Pixels with and without scatter, noise that differs from star to star, and some dead data."""
    rng = np.random.default_rng(seed)
    vectors = label_vector(rng.normal(size=(n_star, len(NAMES))).clip(-2.5, 2.5))
    theta = 0.03 * rng.normal(size=(n_pixel, len(TERMS)))
    theta[:, 0] += 1
    scatter = np.where(np.arange(n_pixel) % 3 == 0, 0.0, rng.uniform(0.005, 0.03, n_pixel))
    sigma = 0.02 * np.exp(rng.normal(0, 0.5, size=(n_star, n_pixel)))
    reported = sigma * np.where(np.arange(n_pixel) % 4 == 0, 1.7, 1.0)
    flux = vectors @ theta.T + np.hypot(scatter, sigma) * rng.normal(size=sigma.shape)
    ivar = 1 / reported**2
    ivar[rng.random(ivar.shape) < 0.05] = 0
    return vectors, flux, ivar


@pytest.fixture(scope="module")
def trained():
    vectors, flux, ivar = small_survey()
    fit = fit_pixels(vectors, flux, ivar)
    assert (fit.status == PixelStatus.CONVERGED).all()
    assert 0 < (fit.scatter == 0).sum() < len(fit.scatter)
    model = spectral_model(vectors, flux, ivar, terms=TERMS, boundary=True)
    return vectors, flux, ivar, fit, model


def direct_nll(vectors, flux, ivar, theta, scatter):
    """The negative log-likelihood, term by term, as the paper writes it."""
    total = 0.0
    for n in range(len(flux)):
        for p in range(flux.shape[1]):
            if ivar[n, p] > 0:
                variance = scatter[p] ** 2 + 1 / ivar[n, p]
                total += 0.5 * (flux[n, p] - theta[p] @ vectors[n]) ** 2 / variance + 0.5 * np.log(variance)
    return total


def test_logp_of_the_model_is_the_solvers_objective(trained):
    vectors, flux, ivar, fit, model = trained
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    dead = (ivar == 0).sum() * np.log(FLAT_SCALE) + ivar.size * 0.5 * np.log(2 * np.pi)
    solution = {"theta": fit.theta, "scatter": fit.scatter}
    assert -logp(solution) - dead == pytest.approx(fit.objective.sum(), abs=1e-6)
    rng = np.random.default_rng(5)
    for _ in range(3):
        theta = fit.theta + 0.01 * rng.normal(size=fit.theta.shape)
        scatter = rng.uniform(0, 0.05, fit.scatter.shape)
        expected = direct_nll(vectors, flux, ivar, theta, scatter)
        assert -logp({"theta": theta, "scatter": scatter}) - dead == pytest.approx(expected, abs=1e-6)


def test_gradient_of_the_model_vanishes_at_the_solution(trained):
    *_, fit, model = trained
    theta, scatter = model["theta"], model["scatter"]
    gradient = model.compile_dlogp(vars=[theta, scatter], jacobian=False, mode="FAST_COMPILE")
    flat = gradient({"theta": fit.theta, "scatter": fit.scatter})
    to_theta, to_scatter = flat[: fit.theta.size].reshape(fit.theta.shape), flat[fit.theta.size :]
    error = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))
    assert np.abs(to_theta * error).max() < 1e-7
    inside = fit.scatter > 0
    # against the size of the two terms that cancel, sum of w s and of w^2 r^2 s
    assert np.abs(to_scatter[inside] * fit.scatter[inside]).max() < 1e-4


def test_karush_kuhn_tucker_where_the_scatter_is_zero(trained):
    *_, fit, model = trained
    value = model.rvs_to_values[model["scatter"]]
    slope = pt.grad(model.logp(jacobian=False), value)
    # pixels do not share scatters, so the gradient of the summed slope is the diagonal of the Hessian
    curvature = model.compile_fn(pt.grad(slope.sum(), value), mode="FAST_COMPILE")(
        {"theta": fit.theta, "scatter": fit.scatter}
    )
    zero = fit.scatter == 0
    # at s = 0 the second derivative by s is twice the derivative by s^2, which is -g / 2
    to_variance = curvature[zero] / 2
    assert (to_variance <= 0).all()
    np.testing.assert_allclose(to_variance, -fit.gradient[zero] / 2, rtol=1e-8)


def test_find_map_from_the_solution_gains_nothing(trained):
    *_, fit, model = trained
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    best = logp({"theta": fit.theta, "scatter": fit.scatter})
    with model:
        found = pm.find_MAP(
            initvals={"theta": fit.theta, "scatter": fit.scatter},
            jitter=False,
            return_inferencedata=True,
            progressbar=False,
            compile_kwargs={"mode": "FAST_COMPILE"},
        )
    point = {name: found["posterior"][name].to_numpy().squeeze() for name in ("theta", "scatter")}
    assert logp(point) - best < 1e-3


def test_sampler_form_of_the_model_has_the_same_likelihood(trained):
    vectors, flux, ivar, fit, model = trained
    other = spectral_model(vectors, flux, ivar, terms=TERMS)
    scatter = np.maximum(fit.scatter, 1e-3)
    left = model.compile_logp(jacobian=False, mode="FAST_COMPILE")({"theta": fit.theta, "scatter": scatter})
    right = other.compile_logp(jacobian=False, mode="FAST_COMPILE")(
        {"theta": fit.theta, "scatter_log__": np.log(scatter)}
    )
    assert left == pytest.approx(right, rel=1e-12)
