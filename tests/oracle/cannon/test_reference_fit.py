"""A star that counts k times is k copies of it, in every solver; and a fit may start from another."""

import numpy as np
import pytest
import toy

from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference_fit import fit_reference
from bayescannon.models.coefficient_priors import (
    LaplaceCoefficients,
    NormalCoefficients,
    PooledCoefficients,
)
from bayescannon.models.label_vector import label_vector
from bayescannon.models.noise_priors import GlobalNoise, HalfNormalScatter, PixelNoise, PooledScatter, StarNoise
from bayescannon.models.smooth_coefficients import SmoothCoefficients
from bayescannon.pixels.block import LabelMoments

NAMES = ("teff", "logg")


OPTIONS = {
    "flat": TrainingOptions(),
    "the paper's grid": TrainingOptions(paper_grid=True),
    "marginal": TrainingOptions(marginal=True),
    "normal, half-normal": TrainingOptions(NormalCoefficients(0.01), HalfNormalScatter(0.01)),
    "pooled, kappa": TrainingOptions(PooledCoefficients(), noise=GlobalNoise()),
    "pooled scatter, pixel kappa": TrainingOptions(scatter=PooledScatter(), noise=PixelNoise()),
    "star kappa": TrainingOptions(noise=StarNoise()),
    "sparse": TrainingOptions(LaplaceCoefficients(0.002)),
    "smooth, marginal": TrainingOptions(SmoothCoefficients(scale=0.01), marginal=True),
    "censored": TrainingOptions(censored={"teff": [(5000.0, 5100.0)]}),
}


def survey(n_star=80, n_pixel=24, seed=2):
    """Vectors, flux, ivar; the stars' noise differs, and in the first pixels there is no scatter."""
    labels = toy.toy_labels(n_star, NAMES, seed=seed)
    scaled = (labels - np.median(labels, axis=0)) / labels.std(axis=0)
    spectra = toy.toy_spectra(labels, NAMES, n_pixel=n_pixel, sigma=0.004, scatter=0.006, seed=seed)
    rng = np.random.default_rng(seed)
    ivar = spectra.ivar * np.exp(rng.normal(0, 0.5, size=(n_star, 1)))
    ivar[:, :4] *= 0.1
    return label_vector(scaled), spectra.flux, ivar, spectra.wavelength


def fit(vectors, flux, ivar, wavelength, options, *, multiplicity=None, **given):
    moments = LabelMoments.known(vectors, multiplicity=multiplicity)
    return fit_reference(moments, flux, ivar, options, wavelength=wavelength, label_names=NAMES, **given)


def assert_same(one, two, *, rtol):
    np.testing.assert_array_equal(one.fit.status, two.fit.status)
    np.testing.assert_array_equal(one.fit.n_live, two.fit.n_live)
    np.testing.assert_allclose(one.fit.scatter, two.fit.scatter, rtol=rtol, atol=1e-7)
    error = np.sqrt(np.diagonal(two.fit.covariance, axis1=1, axis2=2)) + 1e-12
    np.testing.assert_allclose((one.fit.theta - two.fit.theta) / error, 0, atol=rtol)
    np.testing.assert_allclose(one.kappa, two.kappa, rtol=rtol)
    np.testing.assert_allclose(one.fit.objective, two.fit.objective, rtol=rtol)
    np.testing.assert_allclose(one.fit.chi2, two.fit.chi2, rtol=rtol)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_star_that_counts_k_times_is_k_copies_of_it(name):
    vectors, flux, ivar, wavelength = survey()
    count = np.random.default_rng(0).multinomial(len(flux), np.full(len(flux), 1 / len(flux)))
    assert 0 in count
    assert count.max() >= 3
    rows = np.repeat(np.arange(len(flux)), count)
    once = fit(vectors[rows], flux[rows], ivar[rows], wavelength, OPTIONS[name])
    counted = fit(vectors, flux, ivar, wavelength, OPTIONS[name], multiplicity=count.astype(float))
    assert_same(counted, once, rtol=1e-4)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_fit_may_start_from_one_nearby(name):
    vectors, flux, ivar, wavelength = survey()
    nearby = fit(vectors[5:], flux[5:], ivar[5:], wavelength, OPTIONS[name])
    cold = fit(vectors, flux, ivar, wavelength, OPTIONS[name])
    warm = fit(vectors, flux, ivar, wavelength, OPTIONS[name], start=nearby)
    # learned populations end their rounds when they move by less than a percent
    assert_same(warm, cold, rtol=0.02 if "pool" in name or "star" in name else 1e-3)
    if name == "flat":
        assert warm.fit.n_passes.sum() < 0.8 * cold.fit.n_passes.sum()
