"""The density of spectra given reported labels, against SciPy's multivariate normal with dense covariances."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference import ReferenceSet, take_errors
from bayescannon.cannon.spectrum_density import spectrum_log_density
from bayescannon.cannon.training import train
from bayescannon.data.spectra import Spectra
from bayescannon.models.label_vector import label_vector, label_vector_jacobian
from bayescannon.pixels.populations import LogNormalPopulation

N_STAR, N_PIXEL = 90, 25
ERRORS = np.array([30.0, 0.05])


def reference_set(seed=1, hidden=0.02):
    """Spectra of two labels with a hidden component, and some dead data."""
    rng = np.random.default_rng(seed)
    labels = rng.normal([4800.0, 2.5], [250.0, 0.6], size=(N_STAR, 2))
    scaled = (labels - [4800, 2.5]) / [250, 0.6]
    flux = 1 + label_vector(scaled) @ (0.03 * rng.normal(size=(6, N_PIXEL)))
    flux += hidden * rng.normal(size=(N_STAR, 1)) * rng.normal(size=N_PIXEL)
    sigma = 0.01 * np.exp(0.3 * rng.normal(size=flux.shape))
    flux += sigma * rng.normal(size=flux.shape)
    ivar = np.where(rng.random(flux.shape) < 0.05, 0.0, 1 / sigma**2)
    ids = np.array([f"star {n}" for n in range(N_STAR)])
    spectra = Spectra(np.linspace(5000, 5100, N_PIXEL), flux, ivar, ids, {})
    reported = labels + ERRORS * rng.normal(size=labels.shape)
    return ReferenceSet(spectra, reported, np.broadcast_to(ERRORS, labels.shape).copy(), ("teff", "logg"))


def dense(model, reference, pixels):
    """ln p by whole covariance matrices, with the labels' errors to first order at the mean of the true labels."""
    out = []
    for n in range(len(reference)):
        live = (reference.spectra.ivar[n] > 0) & pixels
        noise = np.diag(model.fit.scatter[live] ** 2 + model.noise_scale[live] ** 2 / reference.spectra.ivar[n, live])
        if model.loadings is not None:
            noise = noise + model.loadings[live] @ model.loadings[live].T
        x = model.scaler.to_scaled(reference.labels[n : n + 1])[0]
        if model.latent_labels is not None:
            population = model.latent_labels.population
            weight = np.diag(1 / (ERRORS / model.scaler.scale) ** 2)
            inverse = np.linalg.inv(population.covariance)
            spread = np.linalg.inv(inverse + weight)
            x = spread @ (inverse @ population.mean + weight @ x)
            slope = model.fit.theta[live] @ label_vector_jacobian(x)
            noise = noise + slope @ spread @ slope.T
        mean = model.fit.theta[live] @ label_vector(x)
        out.append(stats.multivariate_normal.logpdf(reference.spectra.flux[n, live], mean, noise))
    return np.array(out)


@pytest.mark.parametrize("noise", ["fixed", "global"])
def test_independent_pixels_without_and_with_a_noise_scale(noise):
    reference = reference_set()
    model = train(reference.select(np.arange(60)), options=TrainingOptions(noise=noise), workers=1)
    held = reference.select(np.arange(60, N_STAR))
    pixels = np.arange(N_PIXEL) % 5 > 0
    found = spectrum_log_density(model, held, pixels, workers=1)
    np.testing.assert_allclose(found, dense(model, held, pixels), rtol=1e-9)


def test_hidden_components_and_label_errors_are_integrated_out():
    reference = take_errors(reference_set(), "table")
    options = TrainingOptions(label_errors="table", n_hidden=1)
    model = train(reference.select(np.arange(60)), options=options, workers=1)
    held = reference.select(np.arange(60, N_STAR))
    pixels = np.ones(N_PIXEL, dtype=bool)
    # with exact labels nothing is approximate; with errors the curvature of the model is, in one case only
    exact = replace(model, latent_labels=None)
    np.testing.assert_allclose(
        spectrum_log_density(exact, held, pixels, workers=1), dense(exact, held, pixels), rtol=1e-8
    )
    off = spectrum_log_density(model, held, pixels, workers=1) - dense(model, held, pixels)
    print(f"Laplace - linear: {off.mean():.3f} +- {off.std():.3f} nat")
    assert np.abs(off).max() < 1.0
    assert np.abs(off).mean() < 0.3


def test_a_noise_scale_of_each_star_is_integrated_over_its_population():
    reference = reference_set(hidden=0.0)
    model = train(reference.select(np.arange(60)), options=TrainingOptions(noise="star"), workers=1)
    common = replace(model, populations=replace(model.populations, star_kappa=None))
    own = replace(model, populations=replace(model.populations, star_kappa=LogNormalPopulation(0.0, 0.3)))
    held = reference.select(np.arange(60, N_STAR))
    pixels = np.ones(N_PIXEL, dtype=bool)
    found = spectrum_log_density(own, held, pixels, workers=1)
    grid = np.linspace(-1.5, 1.5, 301)
    at = [
        spectrum_log_density(replace(common, kappa=model.kappa * np.exp(t)), held, pixels, workers=1)
        + stats.norm.logpdf(t, 0, 0.3)
        for t in grid
    ]
    expected = logsumexp(at, axis=0) + np.log(grid[1] - grid[0])
    off = found - expected
    print(f"Laplace - quadrature: {off.mean():.3f} +- {off.std():.3f} nat")
    assert abs(off.mean()) < 0.5
    assert off.max() < 0.5
