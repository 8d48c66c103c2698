"""The fit with outliers is a stationary point of the PyMC spectral model, and an optimum that SciPy cannot improve."""

import numpy as np
import pytest
from scipy.optimize import minimize

from bayescannon.models.coefficient_priors import NormalCoefficients
from bayescannon.models.label_vector import label_vector, term_names
from bayescannon.models.noise_priors import GlobalNoise
from bayescannon.models.outliers import MixtureOutliers
from bayescannon.models.spectral import spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels.block import LabelMoments
from bayescannon.pixels.spectral_fit import fit_spectral

NAMES = ("teff", "logg")
TERMS = term_names(NAMES)


def hit_survey(n_star=150, n_pixel=8, seed=1, share=0.02):
    """Pixels with and without scatter, some dead data, and hits; also the spectra without the hits."""
    rng = np.random.default_rng(seed)
    vectors = label_vector(rng.normal(size=(n_star, len(NAMES))).clip(-2.5, 2.5))
    theta = 0.03 * rng.normal(size=(n_pixel, len(TERMS)))
    theta[:, 0] += 1
    scatter = np.where(np.arange(n_pixel) % 3 == 0, 0.0, rng.uniform(0.005, 0.03, n_pixel))
    sigma = 0.02 * np.exp(rng.normal(0, 0.5, size=(n_star, n_pixel)))
    flux = vectors @ theta.T + np.hypot(scatter, sigma) * rng.normal(size=sigma.shape)
    ivar = 1 / sigma**2
    ivar[rng.random(ivar.shape) < 0.05] = 0
    hit = (rng.random(flux.shape) < share) & (ivar > 0)
    dirty = np.where(hit, flux + rng.uniform(10, 50, flux.shape) * sigma, flux)
    return vectors, flux, dirty, ivar, hit


def fitted(vectors, flux, ivar, **priors):
    priors = SpectralPriors(**priors)
    return fit_spectral(vectors, flux, ivar, n_label=len(NAMES), priors=priors), priors


@pytest.fixture(scope="module")
def survey():
    return hit_survey()


@pytest.mark.parametrize(
    "priors",
    [{}, {"noise": GlobalNoise(), "coefficients": NormalCoefficients(scale=0.02)}],
    ids=["flat", "kappa"],
)
def test_gradient_of_the_model_vanishes(survey, priors):
    vectors, _, dirty, ivar, _ = survey
    result, chosen = fitted(vectors, dirty, ivar, outliers=MixtureOutliers(), **priors)
    fit, learned = result.fit, result.populations.outliers
    model = spectral_model(vectors, dirty, ivar, terms=TERMS, priors=chosen, boundary=True)
    point = {"theta": fit.theta, "scatter": fit.scatter}
    point |= {"outlier_share": learned.share, "outlier_scale": learned.scale}
    names = ["theta", "scatter", "outlier_share", "outlier_scale"]
    if "noise" in priors:
        point["kappa_log__"] = np.log(result.kappa[0])
    slope = model.compile_dlogp(vars=[model[name] for name in names], jacobian=False, mode="FAST_COMPILE")
    parts = np.split(slope(point), np.cumsum([fit.theta.size, len(fit.scatter), 1]))
    gradient = dict(zip(names, parts, strict=True))
    error = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))
    assert np.abs(gradient["theta"].reshape(fit.theta.shape) * error).max() < 0.02
    inside = fit.scatter > 0
    assert 0 < inside.sum() < len(inside)
    # of the relative gradient of one pixel's 150 stars, whose error is about the root of 2 * 150
    assert np.abs(gradient["scatter"] * fit.scatter)[inside].max() < 0.2
    assert (gradient["scatter"][~inside] <= 1e-6).all()
    # of 24 hits, whose number has an error of 5
    assert abs(gradient["outlier_share"].item() * learned.share) < 0.3
    assert abs(gradient["outlier_scale"].item() * learned.scale) < 0.3


def test_scipy_finds_no_better_optimum_nearby(survey):
    vectors, _, dirty, ivar, _ = (array[..., :1] if k else array for k, array in enumerate(survey))
    result, chosen = fitted(vectors, dirty, ivar, outliers=MixtureOutliers(0.02, 15.0))
    model = spectral_model(vectors, dirty, ivar, terms=TERMS, priors=chosen, boundary=True)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    slope = model.compile_dlogp(jacobian=False, mode="FAST_COMPILE")

    def point(x):
        return {"theta": x[None, :-1], "scatter": np.abs(x[-1:])}

    x = np.append(result.fit.theta[0], result.fit.scatter[0])
    bounds = [(None, None)] * len(TERMS) + [(0, None)]
    rng = np.random.default_rng(3)
    start = x + 0.003 * rng.normal(size=x.shape)
    start[-1] = abs(start[-1])
    better = minimize(
        lambda x: -float(logp(point(x))), start, jac=lambda x: -slope(point(x)), bounds=bounds, method="L-BFGS-B"
    )
    assert better.success
    np.testing.assert_allclose(better.x[:-1], x[:-1], atol=0.02 * np.sqrt(np.diag(result.fit.covariance[0])).min())


def test_objective_is_minus_the_log_posterior(survey):
    vectors, _, dirty, ivar, _ = survey
    live = np.where(ivar > 0, ivar, 1.0)
    result, chosen = fitted(vectors, dirty, live, outliers=MixtureOutliers(0.02, 15.0))
    model = spectral_model(vectors, dirty, live, terms=TERMS, priors=chosen, boundary=True)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    found = -logp({"theta": result.fit.theta, "scatter": result.fit.scatter}) - live.size * 0.5 * np.log(2 * np.pi)
    assert result.fit.objective.sum() == pytest.approx(found, abs=1e-4)


def test_hits_lose_their_weight_and_the_fit_is_that_without_them(survey):
    vectors, clean, dirty, ivar, hit = survey
    result, _ = fitted(vectors, dirty, ivar, outliers=MixtureOutliers())
    assert (result.factors[hit] < 0.5).mean() > 0.9
    assert (result.factors[~hit & (ivar > 0)] < 0.5).mean() < 0.005
    known, _ = fitted(vectors, clean, np.where(hit, 0.0, ivar))
    plain, _ = fitted(vectors, dirty, ivar)
    error = np.sqrt(np.diagonal(known.fit.covariance, axis1=1, axis2=2))
    assert (np.abs(result.fit.theta - known.fit.theta) / error).max() < 0.5
    assert (np.abs(plain.fit.theta - known.fit.theta) / error).max() > 1.5
    np.testing.assert_allclose(result.fit.scatter, known.fit.scatter, atol=0.003)


def test_on_clean_spectra_the_fit_is_that_without_outliers(survey):
    vectors, clean, _, ivar, _ = survey
    robust, _ = fitted(vectors, clean, ivar, outliers=MixtureOutliers())
    plain, _ = fitted(vectors, clean, ivar)
    error = np.sqrt(np.diagonal(plain.fit.covariance, axis1=1, axis2=2))
    assert (np.abs(robust.fit.theta - plain.fit.theta) / error).max() < 0.1
    assert robust.populations.outliers.share < 1e-3


def test_a_start_nearby_and_multiplicities_give_the_same_fit(survey):
    vectors, _, dirty, ivar, _ = survey
    result, chosen = fitted(vectors, dirty, ivar, outliers=MixtureOutliers())
    again = fit_spectral(vectors, dirty, ivar, n_label=len(NAMES), priors=chosen, start=result)
    error = np.sqrt(np.diagonal(result.fit.covariance, axis1=1, axis2=2))
    assert (np.abs(again.fit.theta - result.fit.theta) / error).max() < 0.02
    twice = LabelMoments.known(vectors, multiplicity=np.full(len(vectors), 2.0))
    doubled = fit_spectral(twice, dirty, ivar, n_label=len(NAMES), priors=chosen)
    assert (np.abs(doubled.fit.theta - result.fit.theta) / error).max() < 0.02
    assert doubled.populations.outliers.share == pytest.approx(result.populations.outliers.share, rel=0.01)
