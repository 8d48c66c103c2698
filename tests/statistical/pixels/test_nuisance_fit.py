"""Training on spectra with wrong velocities and line spreads recovers the coefficients of spectra without."""

import numpy as np
import pytest
from nuisance_stars import C_KM_S, STEP, NuisanceStars

from bayescannon.cannon.options import TrainingOptions
from bayescannon.cannon.reference_fit import fit_reference
from bayescannon.models.label_vector import label_vector
from bayescannon.models.nuisances import Nuisances
from bayescannon.numerics.log_spline import LogSpline
from bayescannon.pixels.nuisance_fit import without_nuisances

N_STAR = 400
PIXEL_KM_S = STEP * C_KM_S
NAMES = ("teff", "logg")


@pytest.fixture(scope="module")
def stars():
    rng = np.random.default_rng(7)
    return NuisanceStars(20 * rng.normal(size=N_STAR), 600 * rng.normal(size=N_STAR), n_star=N_STAR, n_pixel=200)


@pytest.fixture(scope="module")
def fits(stars):
    """Fits without and with nuisances in the training."""
    return [
        fit_reference(
            label_vector(stars.labels),
            stars.flux,
            stars.ivar,
            TrainingOptions(nuisances=nuisances),
            wavelength=stars.wavelength,
            label_names=NAMES,
        )
        for nuisances in (Nuisances(), Nuisances(velocity=20, line_spread=30))
    ]


def excess_variance(fit, stars):
    """The excess variance [pixel^2] of the lines of the first coefficient, beside a shift."""
    _, slope, curvature = LogSpline.of(stars.wavelength, stars.theta, np.ones(200, dtype=bool)).at()
    effects = np.column_stack([slope[:, 0] * STEP, curvature[:, 0] * STEP**2 / 2])
    return np.linalg.lstsq(effects, (fit.fit.theta - stars.theta)[:, 0], rcond=None)[0][1]


def test_coefficients_are_sharper(stars, fits):
    plain, clean = (excess_variance(fit, stars) for fit in fits)
    # the variance of the velocities, less what a convolution of finite width has along the second derivative
    variance = np.mean((stars.velocity / PIXEL_KM_S) ** 2)
    assert 0.5 * variance < plain < variance
    assert abs(clean - np.mean(stars.line_spread) / PIXEL_KM_S**2) < 0.2 * plain


def test_coefficients_have_smaller_errors(stars, fits):
    errors = [np.sqrt(np.mean((fit.fit.theta - stars.theta) ** 2, axis=0)) for fit in fits]
    assert (errors[1] < errors[0])[[0, 2, 3]].all()
    assert np.sum(errors[1] ** 2) < 0.8 * np.sum(errors[0] ** 2)


def test_the_scatter_is_that_of_stars_at_rest(fits):
    plain, clean = (np.median(fit.fit.scatter) for fit in fits)
    assert plain > 0.02
    # the stars have 0.002
    assert clean < 0.006


def test_spectra_are_those_of_stars_at_rest(stars, fits):
    flux, ivar = without_nuisances(
        fits[1], stars.labels, stars.flux, stars.ivar, wavelength=stars.wavelength,
        nuisances=Nuisances(velocity=20, line_spread=30),
    )  # fmt: skip
    live = stars.ivar > 0
    pull = (flux - label_vector(stars.labels) @ fits[1].fit.theta.T)[live] * np.sqrt(ivar[live])
    assert np.std(pull) == pytest.approx(1, abs=0.1)
    assert (ivar[live] < stars.ivar[live]).all()
    np.testing.assert_array_equal(flux[~live], stars.flux[~live])
    same = without_nuisances(
        fits[0], stars.labels, stars.flux, stars.ivar, wavelength=stars.wavelength, nuisances=Nuisances()
    )
    assert same[0] is stars.flux
