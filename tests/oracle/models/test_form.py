"""PyMC's and ArviZ's own tools work on every model: in proper form, in flat form, and centred or not."""

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from prior_survey import NAMES, TERMS, survey
from scipy import stats

from bayescannon.models.coefficient_priors import (
    FlatCoefficients,
    HorseshoeCoefficients,
    LaplaceCoefficients,
    NormalCoefficients,
    PooledCoefficients,
)
from bayescannon.models.compressed_pixels import compressed_model
from bayescannon.models.form import WEAK_CONSTANT, Form, weak_coefficients
from bayescannon.models.label_priors import BoxLabels, MixtureLabels
from bayescannon.models.label_vector import label_vector
from bayescannon.models.latent_labels import latent_label_model
from bayescannon.models.noise_priors import FixedNoise, FlatScatter, GlobalNoise, PixelNoise, PooledScatter
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.models.spectral import spectral_model
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.models.star_labels import label_model
from bayescannon.pixels.fit import fit_pixels

FAST = {"compile_kwargs": {"mode": "FAST_COMPILE"}}
COMBINED = {
    "flat": (FlatCoefficients(), FlatScatter(), GlobalNoise()),
    "normal": (NormalCoefficients(0.01), PooledScatter(), PixelNoise()),
    "pooled": (PooledCoefficients(), FlatScatter(), FixedNoise()),
    "laplace": (LaplaceCoefficients(0.01), FlatScatter(), FixedNoise()),
    "smooth": (SmoothCoefficients(), FlatScatter(), FixedNoise()),
    "horseshoe": (HorseshoeCoefficients(), FlatScatter(), FixedNoise()),
}


def pixels(n_star=12, n_pixel=3):
    vectors, flux, ivar, theta, s = survey(n_star=n_star, n_pixel=n_pixel)
    # the replication of a dead datum is noise of 1e10
    return vectors, flux, np.where(ivar > 0, ivar, 2500.0), theta, s


def use_every_tool(model, observed):
    """Draw from the prior, take the draws as a posterior, use PyMC's tools on them; return the replications."""
    with model:
        prior = pm.sample_prior_predictive(40, random_seed=1, **FAST)
        tree = xr.DataTree.from_dict({"posterior": prior["prior"].to_dataset()})
        pm.compute_log_likelihood(tree, progressbar=False, **FAST)
        pm.stats.compute_log_prior(tree, progressbar=False, **FAST)
        pm.sample_posterior_predictive(tree, progressbar=False, random_seed=1, extend_inferencedata=True, **FAST)
    for group in ("log_likelihood", "log_prior", "posterior_predictive"):
        for name, values in tree[group].data_vars.items():
            assert np.isfinite(values).all(), (group, name)
    assert tree["log_likelihood"][observed].sizes["draw"] == 40
    return prior["prior_predictive"][observed].to_numpy()[0]


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("name", COMBINED)
def test_every_spectral_model_has_prior_draws_that_look_like_spectra(name, centred):
    coefficients, scatter, noise = COMBINED[name]
    vectors, flux, ivar, *_ = pixels()
    priors = SpectralPriors(coefficients, scatter, noise, proper=True)
    model = spectral_model(vectors, flux, ivar, terms=TERMS, priors=priors, centred=centred)
    drawn = use_every_tool(model, "flux")
    low, high = np.quantile(drawn, [0.02, 0.98])
    print(f"prior predictive flux: {low:.2f} to {high:.2f}")
    assert -1 < low < 0.8
    assert 1.2 < high < 3


@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
def test_other_models_have_prior_draws_too():
    vectors, flux, ivar, *_ = pixels()
    reported = vectors[:, 1:4]
    stars = ReportedStars(reported, np.full(reported.shape, 0.01), flux, ivar)
    latent = latent_label_model(stars, label_names=NAMES, n_hidden=2, priors=SpectralPriors(proper=True))
    assert np.abs(np.median(use_every_tool(latent, "flux")) - 1) < 0.5
    fit = fit_pixels(*pixels(n_star=40)[:3])
    root = np.linalg.cholesky(np.linalg.inv(fit.covariance)).swapaxes(1, 2)
    small = compressed_model(root, np.einsum("pkt,pt->pk", root, fit.theta), terms=TERMS, form=Form(proper=True))
    use_every_tool(small, "modes")
    for prior in (MixtureLabels.gaussian(("teff",), [0.0], [[1.0]]), BoxLabels(("teff",), [-1.0], [1.0])):
        use_every_tool(label_model(np.eye(3), np.array([1.0, 0.2, 0.04]), label_names=["teff"], prior=prior), "y")


def posterior_by_hand(fit, n_draw=200):
    """Draws of theta from the exact posterior given the scatters, in a tree."""
    rng = np.random.default_rng(3)
    root = np.linalg.cholesky(fit.covariance)
    theta = fit.theta + np.einsum("pij,dpj->dpi", root, rng.normal(size=(n_draw, *fit.theta.shape)))
    scatter = np.broadcast_to(np.maximum(fit.scatter, 1e-4), (n_draw, len(fit.scatter)))
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {
                    "theta": (("chain", "draw", "pixel", "term"), theta[None]),
                    "scatter": (("chain", "draw", "pixel"), scatter[None]),
                },
                coords={"term": TERMS},
            )
        }
    )


# the exact leave-one-out density is not needed to tell these two models apart
@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto:UserWarning")
def test_loo_and_compare_prefer_the_noise_that_is_true():
    vectors, flux, ivar, *_ = pixels(n_star=80)
    found = {}
    for kappa in (1.0, 0.3):
        priors = SpectralPriors(noise=FixedNoise(kappa))
        model = spectral_model(vectors, flux, ivar / 9, terms=TERMS, priors=priors)
        tree = posterior_by_hand(fit_pixels(vectors, flux, ivar / 9, kappa=kappa))
        pm.compute_log_likelihood(tree, model=model, progressbar=False, **FAST)
        found[f"kappa {kappa}"] = az.loo(tree, var_name="flux")
    table = az.compare(found)
    print(table)
    assert table.index[0] == "kappa 0.3"
    assert table.loc["kappa 1.0", "elpd_diff"] < -3 * table.loc["kappa 1.0", "dse"]


def test_a_form_that_is_not_centred_has_the_same_density_in_other_coordinates():
    vectors, flux, ivar, theta, s = pixels()
    rng = np.random.default_rng(5)
    mu, tau, log_activity = 0.01 * rng.normal(size=6), np.full(6, 0.02), 0.3 * rng.normal(size=3)
    scale = tau * np.exp(log_activity)[:, None]
    values = {"mu": mu, "tau_log__": np.log(tau), "log_activity": log_activity, "scatter": s}
    for proper in (False, True):
        priors = SpectralPriors(PooledCoefficients(), proper=proper)
        logp = [
            spectral_model(
                vectors, flux, ivar, terms=TERMS, priors=priors, centred=centred, boundary=True
            ).compile_logp(jacobian=False, mode="FAST_COMPILE")
            for centred in (True, False)
        ]
        difference = []
        for size in (0.0, 0.01):
            moved = theta + size * rng.normal(size=theta.shape)
            unit = (moved[:, 4:] - mu) / scale
            apart = {"unit": unit, "theta_flat": moved[:, :4]}
            difference.append(logp[0]({"theta": moved, **values}) - logp[1]({**apart, **values}))
        # the volume of theta in units of its scale; a flat term is a Gaussian of width 1e10 in the centred form
        volume = -np.log(scale).sum() + (0 if proper else 12 * stats.norm.logpdf(0, 0, 1e10))
        np.testing.assert_allclose(difference, volume, rtol=1e-9)


def test_weak_densities_are_those_of_a_spectrum_of_one():
    mean, scale = weak_coefficients(3)
    vectors = label_vector(np.random.default_rng(1).normal(size=(500, 3)))
    assert (mean == np.eye(10)[0]).all()
    assert scale[0] == WEAK_CONSTANT
    width = np.sqrt((vectors * scale) ** 2 @ np.ones(10))
    assert 0.3 < np.median(width) < 0.7
