"""After white resampling errors, chi2 and the scale of the noise are those of the noise that was put in."""

from dataclasses import replace

import numpy as np
import pytest
from expect import expect_between

import bayescannon as bc
from bayescannon.cannon.labelling import formal_errors
from bayescannon.data.preset import NONE, PAPER
from bayescannon.mock import detector, optics
from bayescannon.mock.releases import DR2

# reported variances are this many times the true ones, as LAMOST's
OVERESTIMATE = 3.0
# without any, half of the scatters are positive by chance, and kappa is low by 2 %
SCATTER = 0.015
WAVELENGTH = 10 ** (3.7 + 1e-4 * np.arange(760))
GRID = 10 ** (3.7 + 1e-4 * np.arange(30, 730))
PIVOT, SCALE = np.array([4800.0, 2.5]), np.array([250.0, 0.6])
WHITE, LINEAR = replace(NONE, resampling="white"), replace(NONE, variance="propagate")


def light(scaled, z):
    """Spectra with lines of LAMOST's width, shifted by z, of scaled labels (star, 2); shape (star, pixel)."""
    rng = np.random.default_rng(9)
    centres = 10 ** rng.uniform(3.7, 3.776, 90)
    depths = 0.25 + 0.06 * (scaled @ rng.normal(size=(2, 90)))
    x = (np.log10(WAVELENGTH) - np.log10(centres)[:, None] - np.log10(1 + z)[:, None, None]) / (1.02e-4)
    return 1 - np.einsum("nl,nlp->np", depths, np.exp(-0.5 * x**2))


def observed(scaled, sigma, seed):
    """Spectra at random velocities with noise `sigma` (star, 1), and overestimated variances."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(-5e-4, 5e-4, len(scaled))
    flux = light(scaled, z)
    flux += np.hypot(sigma, SCATTER) * rng.standard_normal(flux.shape)
    ivar = np.broadcast_to(1 / (OVERESTIMATE * sigma**2), flux.shape)
    return [bc.RawSpectrum(f"star {seed} {n}", WAVELENGTH, flux[n], ivar[n], redshift=z[n]) for n in range(len(scaled))]


@pytest.fixture(scope="module")
def trained():
    """Models of the same 300 stars after both ways to resample, with the scale of the noise learned."""
    rng = np.random.default_rng(1)
    scaled = rng.normal(size=(300, 2))
    raws = observed(scaled, rng.uniform(0.02, 0.06, (300, 1)), 1)
    labels = PIVOT + SCALE * scaled
    models = {}
    for name, preset in (("white", WHITE), ("linear", LINEAR)):
        spectra = bc.prepare_spectra(raws, preset, GRID)
        reference = bc.ReferenceSet(spectra, labels, np.full(labels.shape, np.nan), ("teff", "logg"))
        models[name] = bc.train(reference, noise="global", marginal=True, workers=1)
    return models


def test_the_scale_of_the_noise_comes_back(trained):
    for model in trained.values():
        expect_between(model.noise_scale[0] * np.sqrt(OVERESTIMATE), 0.98, 1.02, what="kappa, in units of the truth")


def test_formal_errors_are_the_scatter_of_repeated_draws_and_chi2_is_that_of_noise(trained):
    scaled = np.tile([0.4, -0.6], (400, 1))
    raws = observed(scaled, np.full((400, 1), 0.05), 2)
    pulls = {}
    for name, preset in (("white", WHITE), ("linear", LINEAR)):
        found = bc.label_spectra(trained[name], bc.prepare_spectra(raws, preset, GRID), workers=1)
        pulls[name] = (found["labels"].to_numpy() - found["labels"].to_numpy().mean(axis=0)) / formal_errors(found)
        if name == "white":
            expect_between(float(found["reduced_chi2"].mean()), 0.98, 1.02, what="reduced chi2")
    expect_between(pulls["white"].std(), 0.95, 1.05, what="scatter in formal errors, white")
    expect_between(pulls["linear"].std(), 1.12, 1.35, what="scatter in formal errors, linear with propagated variances")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*times the median around")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_scale_of_the_mock_survey_s_noise_comes_back(seed, monkeypatch):
    # single pixels and exposures that are far off, ten errors and more, are no part of this noise
    monkeypatch.setattr(optics, "POOR_SHARE", 0.0)
    monkeypatch.setattr(detector, "COSMIC_RAYS", 0.0)
    monkeypatch.setattr(detector, "SKY_COSMIC_RAYS", 0.0)
    monkeypatch.setattr(detector, "FLAGGED_STRETCHES", 0.0)
    survey = bc.simulate_survey(800, 0, seed=seed)
    spectra = bc.prepare_spectra(list(survey.spectra()), replace(PAPER, resampling="white"))
    reference = bc.build_reference(spectra, survey.apogee, format="allstar-dr12")
    # nor are wrong labels, which the clip takes
    model, _ = bc.train_clipped(reference, noise="global", workers=1)
    kappa = model.noise_scale[0] * np.sqrt(DR2.variance_overestimate[0])
    expect_between(kappa, 0.98, 1.02, what="kappa, in units of the truth")
