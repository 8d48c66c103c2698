"""Held-out stars decide on hidden components and latent labels: as many as there are, and none where none are."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.models.reported_stars import ReportedStars
from bayescannon.models.spectral_priors import SpectralPriors
from bayescannon.pixels import component_choice
from bayescannon.pixels.component_choice import ComponentChoice, choose_components
from bayescannon.pixels.spectral_fit import fit_spectral

N_PIXEL = 150


def stars(n_star, *, hidden=0.0, error=0.0, claimed=None, seed=0):
    """Scaled labels, spectra with two hidden components of that size, and reported labels."""
    rng = np.random.default_rng(seed)
    model = np.random.default_rng(5)
    theta = 0.02 * model.normal(size=(N_PIXEL, n_terms(2)))
    theta[:, 3:] *= 0.15
    theta[:, 0] = 0.9
    truth = rng.normal(size=(n_star, 2))
    flux = label_vector(truth) @ theta.T + hidden * rng.normal(size=(n_star, 2)) @ model.normal(size=(2, N_PIXEL))
    flux += np.hypot(0.01, 0.004) * rng.normal(size=flux.shape)
    observed = truth + error * rng.normal(size=truth.shape)
    claimed = error if claimed is None else claimed
    return ReportedStars(observed, np.full_like(truth, claimed**2), flux, np.full(flux.shape, 1e4))


def choice(data, **options):
    reported = fit_spectral(label_vector(data.observed), data.flux, data.ivar, n_label=2, priors=SpectralPriors())
    return choose_components(data, reported, np.arange(len(data.observed)), **options)


@pytest.mark.parametrize("n_star", [160, 1000])
def test_as_many_components_as_there_are(n_star):
    found = choice(stars(n_star, hidden=0.01, error=0.3))
    assert found.n_hidden in (2, 3)
    assert found.latent
    assert found.density[list(found.numbers).index(2)] > 20 + found.density[0]
    assert found.label_density[2] > (3 if n_star == 1000 else 1) * found.label_error[2]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2, 3))])
def test_nothing_is_taken_where_nothing_is(seed):
    found = choice(stars(120, error=0.0, claimed=0.2, seed=seed))
    assert found.n_hidden == 0
    assert not found.latent


def test_what_is_given_is_not_chosen():
    data = stars(160, hidden=0.01, error=0.3)
    found = choice(data, n_hidden=1)
    assert (found.n_hidden, found.numbers.tolist()) == (1, [1])
    exact = choice(data, latent=False)
    assert not exact.latent
    assert np.isnan(exact.label_density[2])
    latent = choice(data, latent=True)
    assert latent.latent


def test_spectra_of_a_star_are_held_out_together():
    number = np.random.default_rng(1).integers(0, 100, size=400)
    number = np.unique(number, return_inverse=True)[1]
    for fitted, held in component_choice._folds(number, 0):
        assert not set(number[fitted]) & set(number[held])
        assert fitted.any()
        assert held.any()
    many = component_choice._folds(np.arange(5000), 0)
    assert len(many) == 1
    assert 1000 < many[0][0].sum() < 2000


def test_the_density_of_labels_is_that_of_a_normal():
    rng = np.random.default_rng(2)
    off = {"plain": rng.normal(size=(3000, 2)) @ np.diag([1.0, 2.0]), "exact": rng.normal(size=(3000, 2))}
    gain, error = component_choice._step(off, "plain", "exact")
    density = [
        multivariate_normal(np.zeros(2), x.T @ x / len(x)).logpdf(x).mean() for x in (off["exact"], off["plain"])
    ]
    assert gain == pytest.approx(density[0] - density[1], abs=1e-3)
    assert error == pytest.approx(1.41 / np.sqrt(3000), rel=0.1)


def test_some_labels_may_be_exact():
    data = stars(160, hidden=0.01, error=0.3)
    data.variance[:, 1] = 0.0
    found = choice(data, latent=True)
    assert found.n_hidden >= 1
    assert np.isfinite(found.density).all()


def test_a_choice_is_a_sentence():
    numbers, density = np.array([0, 1]), np.array([0.0, 3.0])
    gain, error = np.array([0.0, 0.2, -0.1]), np.array([0.0, 0.05, 0.04])
    said = ComponentChoice(1, True, numbers, density, gain, error).describe()
    assert said.startswith("1 hidden component and latent labels; ln density of the reported labels per held-out star")
    assert said.endswith("+0.20 +- 0.05 with components, -0.10 +- 0.04 with latent labels as well")
    untried = ComponentChoice(0, False, numbers, density, np.array([0.0, np.nan, 0.0]), error).describe()
    assert untried.startswith("no hidden components and exact labels; ")
    assert "with components," not in untried
