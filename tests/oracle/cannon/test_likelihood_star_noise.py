"""Stars with noise scales of their own: labelled, saved, and put into a catalogue."""

from dataclasses import replace

import numpy as np
import pytest
import toy
from same import assert_same

from bayescannon.cannon.labelling import formal_errors, label_spectra
from bayescannon.cannon.likelihood import StarLikelihood, scaled_ivar, star_quartic
from bayescannon.cannon.model_file import load_model, save_model
from bayescannon.cannon.training import train
from bayescannon.io.catalogue import build_catalogue
from bayescannon.pixels.populations import LogNormalPopulation, Populations

N_PIXEL = 400


def noisy(labels, truth, seed):
    """Spectra whose noise is `truth` (star,) times what is reported, which differs from pixel to pixel."""
    rng = np.random.default_rng(seed)
    spectra = toy.toy_spectra(labels, n_pixel=N_PIXEL, sigma=1e-6, seed=seed)
    sigma = 0.01 * np.exp(rng.normal(0, 0.4, spectra.flux.shape))
    live = spectra.ivar > 0
    flux = spectra.flux + live * truth[:, None] * sigma * rng.normal(size=sigma.shape)
    return replace(spectra, flux=flux, ivar=live / sigma**2)


@pytest.fixture(scope="module")
def truths():
    return np.exp(np.random.default_rng(3).normal(0.3, 0.25, 250))


@pytest.fixture(scope="module")
def model(truths):
    reference = toy.toy_reference(150, n_pixel=N_PIXEL)
    return train(replace(reference, spectra=noisy(reference.labels, truths[:150], 0)), noise="star")


@pytest.fixture(scope="module")
def tests(truths):
    labels = toy.toy_labels(100, seed=8)
    return labels, noisy(labels, truths[150:], 8)


def test_new_stars_get_their_own_scale_and_errors_that_hold(model, tests, truths):
    labels, spectra = tests
    estimates = label_spectra(model, spectra)
    scale = estimates["noise_scale"].to_numpy()
    off = np.log(scale / truths[150:])
    assert off.std() < 1.8 / np.sqrt(2 * N_PIXEL)
    # the coefficients of 150 stars add 3 % to the residuals
    assert off.mean() == pytest.approx(0.03, abs=0.02)
    assert estimates["reduced_chi2"].to_numpy().std() < 1.3 * np.sqrt(2 / N_PIXEL) * 0.6
    pulls = (estimates["labels"].to_numpy() - labels) / formal_errors(estimates)
    common = label_spectra(replace(model, populations=Populations()), spectra)
    assert "noise_scale" not in common
    assert 0.9 < pulls.std() < 1.15
    assert common["reduced_chi2"].to_numpy().std() > 2 * estimates["reduced_chi2"].to_numpy().std()


def test_the_scale_is_the_same_wherever_it_is_asked_for(model, tests):
    spectra = tests[1]
    likelihood = StarLikelihood.of(model, spectra)
    np.testing.assert_array_equal(scaled_ivar(model, spectra), likelihood.ivar)
    np.testing.assert_array_equal(star_quartic(model, spectra).a, likelihood.quartic.a)
    kappa = model.noise_scale * likelihood.star_scale[:, None]
    np.testing.assert_allclose(likelihood.ivar, spectra.ivar / kappa**2)
    np.testing.assert_array_equal(likelihood.select([3, 5]).kappa, likelihood.kappa[[3, 5]])


def test_a_population_without_width_is_one_scale_for_all(model, tests):
    population = replace(model.populations.star_kappa, width=0.0)
    same = replace(model, populations=replace(model.populations, star_kappa=population))
    assert StarLikelihood.of(same, tests[1]).star_scale is None
    assert same.hash == replace(model, populations=Populations()).hash
    assert same.hash != model.hash


def test_the_population_is_saved_and_the_scale_is_a_column(model, tests, tmp_path):
    save_model(model, tmp_path / "model.nc")
    back = load_model(tmp_path / "model.nc")
    assert_same(back, model)
    assert back.star_noise_width == model.populations.star_kappa.width > 0
    estimates = label_spectra(back, tests[1])
    catalogue = build_catalogue(estimates)
    np.testing.assert_allclose(catalogue["noise_scale"], estimates["noise_scale"], rtol=1e-6)


def test_what_hidden_components_explain_is_no_noise(model):
    rng = np.random.default_rng(5)
    loadings = 0.02 * rng.normal(size=(N_PIXEL, 2))
    spectra = noisy(toy.toy_labels(60, seed=9), np.ones(60), 9)
    spectra = replace(spectra, flux=spectra.flux + rng.normal(size=(60, 2)) @ loadings.T)
    known = Populations(star_kappa=LogNormalPopulation(0.0, 0.3))
    plain = replace(model, kappa=np.ones(N_PIXEL), populations=known)
    with_hidden = replace(plain, loadings=loadings)
    assert np.median(np.log(StarLikelihood.of(with_hidden, spectra).kappa)) == pytest.approx(0.03, abs=0.05)
    assert np.median(np.log(StarLikelihood.of(plain, spectra).kappa)) > 0.5
