"""Posteriors from spectra, in the labels' units: against the formal errors, and star by star."""

from dataclasses import replace

import numpy as np
import pytest
import toy
from expect import expect_fraction, expect_mean, expect_scatter

from bayescannon.cannon.label_priors import build_label_prior
from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.posterior import sample_posterior
from bayescannon.cannon.training import train
from bayescannon.data.flags import PosteriorStatus
from bayescannon.data.labels import LabelError
from bayescannon.data.spectra import GridError
from bayescannon.models.label_priors import MixtureLabels
from bayescannon.stars import nuts as star_nuts
from bayescannon.stars.importance import PROBABILITIES

N_STAR = 40


@pytest.fixture(scope="module")
def model():
    return train(toy.toy_reference(200))


@pytest.fixture(scope="module")
def truth():
    return toy.toy_labels(N_STAR, seed=5)


@pytest.fixture(scope="module")
def spectra(truth):
    return toy.toy_spectra(truth, seed=5)


@pytest.fixture(scope="module")
def posterior(model, spectra):
    return sample_posterior(model, spectra, n_draws=4000, n_keep=500, seed=3)


def test_good_spectra_have_gaussian_posteriors_of_the_formal_width(model, spectra, posterior):
    estimates = label_spectra(model, spectra, seed=3)
    errors = formal_errors(estimates)
    assert (posterior["posterior_status"] == PosteriorStatus.SAMPLED).all()
    assert (posterior["k_hat"] < 0.7).all()
    width = np.sqrt(np.diagonal(posterior["posterior_covariance"], axis1=1, axis2=2))
    np.testing.assert_allclose(width / errors, 1, atol=0.1)
    np.testing.assert_allclose((posterior["posterior_mean"] - estimates["labels"]) / errors, 0, atol=0.15)
    correlation = posterior["posterior_covariance"].to_numpy() / (width[:, :, None] * width[:, None, :])
    formal = estimates["formal_covariance"].to_numpy() / (errors[:, :, None] * errors[:, None, :])
    np.testing.assert_allclose(correlation, formal, atol=0.12)


def test_numbers_are_in_the_labels_units_with_their_names(model, spectra, posterior):
    assert posterior["stellar_label"].to_numpy().tolist() == list(toy.NAMES)
    assert posterior["star"].to_numpy().tolist() == spectra.id.tolist()
    assert posterior["quantile"].to_numpy().tolist() == list(PROBABILITIES)
    assert (np.diff(posterior["posterior_quantile"], axis=1) > 0).all()
    assert float(posterior["posterior_mean"].sel(stellar_label="teff").min()) > 3500
    assert posterior.attrs == {"prior": "flat", "n_draws": 4000, "seed": 3, "model_hash": model.hash}


def test_kept_draws_are_those_of_the_posterior(posterior):
    draws = posterior["posterior_draws"]
    assert dict(draws.sizes) == {"star": N_STAR, "draw": 500, "stellar_label": 3}
    width = np.sqrt(np.diagonal(posterior["posterior_covariance"], axis1=1, axis2=2))
    pull = (draws - posterior["posterior_mean"]).to_numpy() / width[:, None]
    expect_mean(pull.ravel(), 0.0, what="draws less mean, in widths")
    expect_scatter(pull.ravel(), 1.0, rtol=0.05, what="their scatter")


def test_truth_is_within_the_quantiles_as_often_as_they_say(truth, posterior):
    quantiles = posterior["posterior_quantile"].to_numpy()
    inside = (truth > quantiles[:, 1]) & (truth < quantiles[:, 3])
    # 120 values: 0.68 to 4 standard errors, less what a model of 200 stars lacks
    expect_fraction(inside, inside.size, 0.5, 0.85, what="within 15.9-84.1 %")


def test_a_star_does_not_depend_on_the_others_or_on_workers(model, spectra, posterior):
    index = np.array([7, 31])
    few = sample_posterior(model, spectra.select(index), n_draws=4000, n_keep=500, seed=3, workers=1)
    np.testing.assert_allclose(few["posterior_draws"], posterior["posterior_draws"][index], rtol=1e-9)
    other = sample_posterior(model, spectra.select(index), n_draws=4000, seed=4)
    assert "posterior_draws" not in other
    assert not np.allclose(other["posterior_mean"], few["posterior_mean"], rtol=1e-9)


def test_a_prior_narrows_what_the_spectrum_does_not_say(model, truth):
    faint = toy.toy_spectra(truth, seed=6, sigma=0.2)
    flat, gaussian = (
        sample_posterior(model, faint, prior=prior) for prior in (None, build_label_prior("gaussian", model))
    )
    assert gaussian.attrs["prior"].startswith("Gaussian of teff")
    variance = [np.diagonal(one["posterior_covariance"], axis1=1, axis2=2) for one in (gaussian, flat)]
    assert (np.nanmedian(variance[0], axis=0) < np.nanmedian(variance[1], axis=0)).all()


def test_a_star_without_pixels_is_nan_with_a_status(model, spectra):
    ivar = spectra.ivar[:3].copy()
    ivar[1] = 0
    found = sample_posterior(model, replace(spectra.select(np.arange(3)), ivar=ivar), n_draws=500, n_keep=10)
    assert found["posterior_status"].to_numpy().tolist() == [0, PosteriorStatus.NO_POSTERIOR, 0]
    for name in ("posterior_mean", "posterior_covariance", "posterior_quantile", "posterior_draws"):
        assert np.isnan(found[name][1]).all()
        assert np.isfinite(found[name][[0, 2]]).all()


def test_only_unreliable_stars_go_to_nuts_and_only_chains_that_met_come_back(model, spectra, monkeypatch):
    """NUTS is replaced by a sampler that meets for every second star it is given."""
    asked = []

    def sample(quartic, near, **_):
        asked.append(len(quartic))
        met = np.arange(len(near.mean)) % 2 == 0
        status = np.where(met, PosteriorStatus.NUTS, PosteriorStatus.UNRELIABLE).astype(np.int16)
        return replace(near, mean=np.full_like(near.mean, 9.0), status=status)

    monkeypatch.setattr(star_nuts, "sample_nuts", sample)
    monkeypatch.setattr(star_nuts, "can_sample", lambda: True)
    monkeypatch.setattr("bayescannon.stars.importance.LARGEST_K_HAT", -10.0)
    found = sample_posterior(model, spectra.select(np.arange(6)), n_draws=500)
    assert asked == [6]
    nine = model.scaler.from_scaled(np.full((1, 3), 9.0))
    replaced = (found["posterior_mean"].to_numpy() == nine).all(axis=1)
    assert replaced.tolist() == [True, False] * 3
    assert (found["posterior_status"][1::2] == PosteriorStatus.UNRELIABLE).all()
    left = sample_posterior(model, spectra.select(np.arange(6)), n_draws=500, nuts=False)
    assert (left["posterior_status"] == PosteriorStatus.UNRELIABLE).all()
    monkeypatch.setattr(star_nuts, "can_sample", lambda: False)
    sample_posterior(model, spectra.select(np.arange(6)), n_draws=500)
    assert asked == [6]


def test_wrong_calls_are_refused(model, spectra):
    with pytest.raises(GridError):
        sample_posterior(model, replace(spectra, wavelength=spectra.wavelength + 1))
    with pytest.raises(ValueError, match="n_draws must be at least 100 and n_keep from 0 to n_draws; got 50 and 0"):
        sample_posterior(model, spectra, n_draws=50)
    with pytest.raises(ValueError, match="got 500 and 501"):
        sample_posterior(model, spectra, n_draws=500, n_keep=501)
    with pytest.raises(LabelError, match=r"labels of a prior must be among .* got 'a_k'"):
        sample_posterior(model, spectra, prior=MixtureLabels.gaussian(("a_k",), np.zeros(1), np.eye(1)))
