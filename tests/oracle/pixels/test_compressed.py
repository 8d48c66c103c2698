"""The compressed pixels carry the whole likelihood of the coefficients, and NUTS on them finds the same posterior."""

import numpy as np
import pytest

from bayescannon.models.coefficient_priors import (
    FlatCoefficients,
    HorseshoeCoefficients,
    LaplaceCoefficients,
    NormalCoefficients,
    PooledCoefficients,
)
from bayescannon.models.compressed_pixels import compressed_model
from bayescannon.models.form import Form
from bayescannon.models.label_vector import label_vector, term_names
from bayescannon.models.noise_priors import FixedNoise
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.models.spectral import spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels.coefficient_population import eliminate_flat, fit_population
from bayescannon.pixels.compressed import compress_pixels, normal_equations
from bayescannon.pixels.fit import fit_pixels
from bayescannon.pixels.pixel_status import PixelStatus
from bayescannon.pixels.prior import PixelPrior

NAMES = ("teff", "logg", "fe_h")
TERMS = term_names(NAMES)
KAPPA = 0.7


def survey(n_star=120, n_pixel=6, seed=1, n_label=3):
    rng = np.random.default_rng(seed)
    vectors = label_vector(rng.normal(size=(n_star, n_label)).clip(-2.5, 2.5))
    theta = 0.03 * rng.normal(size=(n_pixel, vectors.shape[1]))
    theta[:, 0] += 1
    scatter = np.where(np.arange(n_pixel) % 3 == 0, 0.0, rng.uniform(0.005, 0.03, n_pixel))
    sigma = 0.02 * np.exp(rng.normal(0, 0.5, size=(n_star, n_pixel)))
    flux = vectors @ theta.T + np.hypot(scatter, KAPPA * sigma) * rng.normal(size=sigma.shape)
    ivar = 1 / sigma**2
    ivar[rng.random(ivar.shape) < 0.05] = 0
    return vectors, flux, ivar


@pytest.mark.parametrize(
    "prior",
    [FlatCoefficients(), NormalCoefficients(0.01), LaplaceCoefficients(0.01), SmoothCoefficients(scale=0.01)],
    ids=lambda prior: type(prior).__name__,
)
def test_logp_is_that_of_the_spectral_model(prior):
    vectors, flux, ivar = survey()
    allowed = np.ones((6, len(TERMS)), dtype=bool)
    allowed[2:4, [1, 4, 5]] = False
    censored = PixelPrior(np.zeros(allowed.shape), np.where(allowed, 0.0, np.inf))
    fit = fit_pixels(vectors, flux, ivar, kappa=KAPPA, prior=censored)
    root, y = compress_pixels(fit, vectors, flux, ivar, kappa=KAPPA, allowed=allowed)
    priors = SpectralPriors(prior, noise=FixedNoise(KAPPA), allowed=allowed)
    whole = spectral_model(vectors, flux, ivar, terms=TERMS, priors=priors, boundary=True)
    whole_logp = whole.compile_logp(jacobian=False, mode="FAST_COMPILE")
    compressed_logp = compressed_model(root, y, terms=TERMS, coefficients=prior).compile_logp(
        jacobian=False, mode="FAST_COMPILE"
    )
    rng = np.random.default_rng(2)
    difference = []
    for size in (0.0, 1e-3, 1e-2, 0.1, 1.0):
        theta = fit.theta + size * rng.normal(size=fit.theta.shape)
        left = whole_logp({"theta": theta, "scatter": fit.scatter})
        difference.append(left - compressed_logp({"theta": theta}))
        assert difference[-1] == pytest.approx(difference[0], abs=1e-6 + 1e-11 * abs(left))


def test_dead_pixels_and_singular_designs_say_nothing():
    vectors, flux, ivar = survey()
    ivar[:, 0] = 0
    fit = fit_pixels(vectors, flux, ivar)
    root, y = compress_pixels(fit, vectors, flux, ivar)
    assert fit.status[0] == PixelStatus.DEAD
    assert (root[0] == 0).all()
    assert (y[0] == 0).all()
    for p in range(1, 6):
        np.testing.assert_allclose(np.linalg.solve(root[p], y[p]), fit.theta[p], atol=1e-9)
        np.testing.assert_allclose(np.linalg.inv(root[p].T @ root[p]), fit.covariance[p], rtol=1e-7, atol=1e-15)
    # 5 different stars and a proper prior: five directions carry all there is
    twins, prior = np.repeat(vectors[:5], 24, axis=0), PixelPrior(np.zeros((6, 10)), np.full((6, 10), 1e4))
    ridge = fit_pixels(twins, flux, ivar, prior=prior)
    root, y = compress_pixels(ridge, twins, flux, ivar)
    normal, right = normal_equations(twins, flux, ivar, ridge.scatter)
    assert (np.linalg.matrix_rank(root[1:], tol=1e-3) == 5).all()
    np.testing.assert_allclose(np.einsum("pki,pkj->pij", root, root), normal, atol=1e-9 * normal.max())
    np.testing.assert_allclose(np.einsum("pki,pk->pi", root, y), right, atol=1e-9 * right.max())


def test_wrong_calls_are_refused():
    vectors, flux, ivar = survey()
    fit = fit_pixels(vectors, flux, ivar)
    with pytest.raises(ValueError, match="the same pixels; got 6 and 5"):
        compress_pixels(fit, vectors, flux[:, :5], ivar[:, :5])
    root, y = compress_pixels(fit, vectors, flux, ivar)
    with pytest.raises(ValueError, match="for 9 terms"):
        compressed_model(root, y, terms=TERMS[:9])


def draws_of_theta(model, *, draws, target_accept, seed=1):
    """Draws (draw, pixel, term) by NUTS, and the number of divergences."""
    nutpie = pytest.importorskip("nutpie")
    compiled = nutpie.compile_pymc_model(model)
    tree = nutpie.sample(
        compiled, draws=draws, tune=500, chains=4, seed=seed, target_accept=target_accept, progress_bar=False
    )
    theta = tree["posterior"]["theta"].to_numpy()
    return theta.reshape(-1, *theta.shape[2:]), int(tree["sample_stats"]["diverging"].sum())


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("scale", [None, 3e-3])
def test_nuts_finds_the_gaussian_posterior(scale):
    vectors, flux, ivar = survey(n_pixel=4)
    coefficients = None if scale is None else NormalCoefficients(scale)
    prior = PixelPrior.flat(4, len(TERMS))
    if scale is not None:
        mean, deviation = coefficients.parameters(4, len(NAMES))
        prior = PixelPrior(mean, 1 / deviation**2)
    fit = fit_pixels(vectors, flux, ivar, prior=prior, kappa=KAPPA)
    root, y = compress_pixels(fit, vectors, flux, ivar, kappa=KAPPA)
    model = compressed_model(root, y, terms=TERMS, coefficients=coefficients)
    theta, divergences = draws_of_theta(model, draws=2000, target_accept=0.8)
    error = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))
    assert divergences == 0
    assert np.abs((theta.mean(axis=0) - fit.theta) / error).max() < 0.1
    assert np.abs(theta.std(axis=0) / error - 1).max() < 0.1
    for p in range(4):
        correlation = np.corrcoef(theta[:, p].T)
        np.testing.assert_allclose(correlation, fit.covariance[p] / np.outer(error[p], error[p]), atol=0.08)


@pytest.mark.long
def test_the_population_by_nuts_without_centres_and_by_marginal_likelihood():
    rng = np.random.default_rng(1)
    vectors = label_vector(rng.normal(size=(150, 2)))
    tau = np.array([0.01, 0.004, 0.002])
    theta = 0.03 * rng.normal(size=(60, 6))
    theta[:, 0] += 1
    theta[:, 3:] = tau * np.exp(rng.normal(size=60))[:, None] * rng.normal(size=(60, 3))
    flux = vectors @ theta.T + 0.05 * rng.normal(size=(150, 60))
    fit = fit_pixels(vectors, flux, np.full(flux.shape, 1 / 0.05**2))
    root, y = compress_pixels(fit, vectors, flux, np.full(flux.shape, 1 / 0.05**2))
    model = compressed_model(
        root, y, terms=term_names(NAMES[:2]), coefficients=PooledCoefficients(), form=Form(centred=False)
    )
    nutpie = pytest.importorskip("nutpie")
    tree = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=600, tune=600, chains=4, seed=1, target_accept=0.97, progress_bar=False
    )
    diverging = int(tree["sample_stats"]["diverging"].sum())
    drawn = tree["posterior"]["tau"].to_numpy().reshape(-1, 3)
    normal = np.einsum("pki,pkj->pij", root, root)
    right = np.einsum("pki,pk->pi", root, y)
    learned = fit_population(*eliminate_flat(normal, right, np.arange(6) > 2)).tau
    low, middle, high = np.quantile(drawn, [0.025, 0.5, 0.975], axis=0)
    print(f"{diverging} of {len(drawn)} draws diverge; tau by marginal likelihood / NUTS: {learned / middle}")
    # centred, 106 of 2,400 diverge on such data
    assert diverging <= 5
    assert ((tau > low) & (tau < high)).all()
    assert ((learned > low) & (learned < high)).all()
    # a maximum against the median of a skew density, from 60 pixels
    np.testing.assert_allclose(learned / middle, 1, atol=0.2)


@pytest.mark.long
def test_the_horseshoe_shrinks_null_terms_and_keeps_large_ones():
    rng = np.random.default_rng(4)
    vectors = label_vector(rng.normal(size=(150, 2)))
    theta = np.tile([1.0, 0.05, -0.03, 0.04, 0.0, 0.0], (3, 1))
    flux = vectors @ theta.T + 0.05 * rng.normal(size=(150, 3))
    ivar = np.full(flux.shape, 1 / 0.05**2)
    fit = fit_pixels(vectors, flux, ivar)
    root, y = compress_pixels(fit, vectors, flux, ivar)
    model = compressed_model(
        root, y, terms=term_names(NAMES[:2]), coefficients=HorseshoeCoefficients(global_scale=2e-3, slab=0.1)
    )
    draws, divergences = draws_of_theta(model, draws=500, target_accept=0.99)
    assert divergences == 0
    error = np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))
    mean, null = draws.mean(axis=0), (slice(None), [4, 5])
    # null terms come closer to 0 and are known better; the large one moves by less than its error
    assert np.abs(mean[null]).mean() < 0.6 * np.abs(fit.theta[null]).mean()
    assert (draws.std(axis=0) / error)[null].mean() < 0.9
    assert (np.abs(mean - fit.theta)[:, 3] < 0.7 * error[:, 3]).all()
    assert (np.abs(mean - fit.theta)[:, :3] < 0.6 * error[:, :3]).all()
