"""Labels from spectra with hits in training and in labelling are those without the hits, and clean ones stay."""

from dataclasses import replace

import numpy as np
import pytest
from expect import expect_between, expect_fraction
from toy import toy_labels, toy_reference, toy_spectra

import bayescannon as bc
from bayescannon.cannon.likelihood import StarLikelihood
from bayescannon.cannon.outlying_pixels import pixel_shares
from bayescannon.data.flags import FitStatus, ResultFlag

N_REFERENCE, N_NEW = 250, 120


def with_hits(spectra, *, share=0.003, low=10.0, high=50.0, seed=0):
    """Add hits of `low` to `high` sigma to a share of the fluxes; return the spectra and the hits."""
    rng = np.random.default_rng(seed)
    hit = (rng.random(spectra.flux.shape) < share) & (spectra.ivar > 0)
    sigma = 1 / np.sqrt(np.where(spectra.ivar > 0, spectra.ivar, 1.0))
    return replace(
        spectra, flux=np.where(hit, spectra.flux + rng.uniform(low, high, hit.shape) * sigma, spectra.flux)
    ), hit


@pytest.fixture(scope="module")
def survey():
    """Reference set and new stars, clean and with hits."""
    reference = toy_reference(N_REFERENCE, n_pixel=300)
    spectra = toy_spectra(toy_labels(N_NEW, seed=7), seed=7, n_pixel=300)
    dirty, hit = with_hits(spectra, seed=1)
    return reference, replace(reference, spectra=with_hits(reference.spectra, seed=2)[0]), spectra, dirty, hit


@pytest.fixture(scope="module")
def models(survey):
    clean, dirty, *_ = survey
    return {
        (name, outliers): bc.train(reference, outliers=outliers)
        for name, reference in (("clean", clean), ("dirty", dirty))
        for outliers in ("none", "mixture")
    }


def labelled(model, spectra):
    estimates = bc.label_spectra(model, spectra)
    assert (estimates["status"] == FitStatus.CONVERGED).all()
    return model.scaler.to_scaled(estimates["labels"].to_numpy()), estimates


def off(labels, others, estimates, model):
    formal = np.sqrt(np.diagonal(estimates["formal_covariance"].to_numpy(), axis1=1, axis2=2)) / model.scaler.scale
    return np.abs(labels - others) / formal


def test_clean_spectra_keep_their_labels(models, survey):
    plain, estimates = labelled(models["clean", "none"], survey[2])
    robust, again = labelled(models["clean", "mixture"], survey[2])
    moved = off(robust, plain, estimates, models["clean", "none"])
    expect_between(np.quantile(moved, 0.95), 0.0, 0.1, what="95 % of the labels move by formal errors of")
    ratio = np.diagonal(again["formal_covariance"].to_numpy() / estimates["formal_covariance"].to_numpy(), 0, 1, 2)
    expect_between(np.median(ratio), 0.98, 1.02, what="formal variances with outliers over those without")
    expect_fraction(again["outlying_pixels"].to_numpy() > 1, N_NEW, 0.0, 0.02, what="clean stars with outliers")


def test_labels_from_hit_spectra_are_those_of_clean_ones(models, survey):
    clean, estimates = labelled(models["clean", "none"], survey[2])
    model = models["clean", "none"]
    robust = off(labelled(models["dirty", "mixture"], survey[3])[0], clean, estimates, model)
    flat = off(labelled(models["dirty", "none"], survey[3])[0], clean, estimates, model)
    expect_between(np.sqrt((robust**2).mean()), 0.0, 0.2, what="with outliers, formal errors from the clean labels")
    expect_between(np.sqrt((flat**2).mean()), 1.0, 99.0, what="without, formal errors from the clean labels")


def test_scatter_share_and_count_are_those_of_the_hits(models, survey):
    model = models["dirty", "mixture"]
    expect_between(np.median(model.scatter), 0.0030, 0.0048, what="median scatter, of 0.004")
    expect_between(np.median(models["dirty", "none"].scatter), 0.006, 0.1, what="median scatter without outliers")
    expect_between(model.populations.outliers.share, 0.002, 0.006, what="share of outliers, of 0.003")
    found = pixel_shares(model, survey[3]) < 0.5
    hit = survey[4]
    expect_fraction(found[hit], hit.sum(), 0.97, what="hits that are found")
    expect_fraction(found[~hit], (~hit).sum(), 0.0, 0.0005, what="clean pixels that are taken for hits")
    estimates = bc.label_spectra(model, survey[3])
    np.testing.assert_array_equal(estimates["outlying_pixels"], found.sum(axis=1))


@pytest.mark.parametrize("strength", [100.0, 1e5])
def test_hits_of_any_strength_have_no_influence(models, survey, strength):
    model = models["clean", "mixture"]
    clean, estimates = labelled(model, survey[2])
    strong, _ = with_hits(survey[2], low=strength, high=2 * strength, share=0.005, seed=4)
    moved = off(labelled(model, strong)[0], clean, estimates, model)
    expect_between(np.sqrt((moved**2).mean()), 0.0, 0.2, what="formal errors from the labels without hits")


def test_hits_of_any_strength_in_training_have_no_influence(models, survey):
    strong, _ = with_hits(survey[0].spectra, low=1e4, high=1e5, share=0.003, seed=5)
    model = bc.train(replace(survey[0], spectra=strong), outliers="mixture")
    clean, estimates = labelled(models["clean", "none"], survey[2])
    moved = off(labelled(model, survey[2])[0], clean, estimates, model)
    expect_between(np.sqrt((moved**2).mean()), 0.0, 0.3, what="formal errors from the labels without hits")


def test_a_spectrum_of_outliers_is_flagged(models, survey):
    bad, _ = with_hits(survey[2], share=0.12, seed=6)
    flags = bc.label_spectra(models["clean", "mixture"], bad)["flags"].to_numpy()
    expect_fraction((flags & int(ResultFlag.MANY_OUTLIERS)) != 0, N_NEW, 0.95, what="bad spectra that are flagged")
    flags = bc.label_spectra(models["clean", "mixture"], survey[3])["flags"].to_numpy()
    expect_fraction((flags & int(ResultFlag.MANY_OUTLIERS)) != 0, N_NEW, 0.0, 0.01, what="others that are flagged")


def test_pooled_coefficients_kappa_and_nuisances_go_with_outliers(survey):
    for choices in ({"coefficients": "pooled", "noise": "global"}, {"continuum_prior": 0.01}):
        model = bc.train(survey[1], outliers="mixture", **choices)
        clean = bc.train(survey[0], **choices)
        expected, estimates = labelled(clean, survey[2])
        moved = off(labelled(model, survey[3])[0], expected, estimates, clean)
        expect_between(np.sqrt((moved**2).mean()), 0.0, 0.3, what=f"formal errors from the clean labels, {choices}")


def test_hidden_components_go_with_outliers(survey):
    reference = replace(survey[1], errors=np.full_like(survey[1].labels, 1.0) * [10.0, 0.02, 0.01])
    model = bc.train(reference, outliers="mixture", label_errors="table", hidden=2)
    clean = bc.train(replace(reference, spectra=survey[0].spectra), label_errors="table", hidden=2)
    expected, estimates = labelled(clean, survey[2])
    moved = off(labelled(model, survey[3])[0], expected, estimates, clean)
    expect_between(np.sqrt((moved**2).mean()), 0.0, 0.5, what="formal errors from the clean labels")
    likelihood = StarLikelihood.of(model, survey[3])
    assert likelihood.hidden is not None
    assert (likelihood.outlying > 0).mean() > 0.3


def test_posteriors_errors_and_files_go_with_outliers(models, survey, tmp_path):
    model, dirty, clean = models["dirty", "mixture"], survey[3].select(slice(0, 30)), survey[2].select(slice(0, 30))
    posterior = bc.sample_posterior(model, dirty, n_draws=400, nuts=False)
    labels, estimates = labelled(model, dirty)
    mean = model.scaler.to_scaled(posterior["posterior_mean"].to_numpy())
    assert off(mean, labels, estimates, model).max() < 0.5
    bc.save_model(model, tmp_path / "model.nc")
    read = bc.load_model(tmp_path / "model.nc")
    assert read.hash == model.hash != replace(model, populations=models["clean", "mixture"].populations).hash
    assert read.populations.outliers == model.populations.outliers
    np.testing.assert_array_equal(labelled(read, dirty)[0], labels)
    kinds = ("formal", "coefficient", "sandwich", "jackknife")
    found, expected = (
        bc.error_budget(one, spectra, reference=reference, kinds=kinds)["error"].median("star").to_numpy()
        for one, spectra, reference in ((model, dirty, survey[1]), (models["clean", "none"], clean, survey[0]))
    )
    for kind, ratio in zip(kinds, (found / expected).T, strict=True):
        expect_between(np.median(ratio), 0.9, 1.15, what=f"{kind} errors over those from clean spectra")
