"""Inverse variances that cannot be are noticed, and those that can be are left alone."""

import numpy as np
import pytest

from bayescannon.data.noise_check import NoiseFinding, find_spikes, measure_noise
from bayescannon.data.prepare import mask_bad, prepare_spectra
from bayescannon.data.spectra import RawSpectrum
from bayescannon.io.lamost import read_lamost
from bayescannon.numerics.errors import BayesCannonWarning


def noisy(n_star=30, n_pixel=1500, *, level=1.0, seed=0, noise=1.0):
    """Flux and errors of stars with S/N per pixel of 15 to 150 and lines of a few percent."""
    rng = np.random.default_rng(seed)
    wavelength = np.arange(n_pixel)
    lines = sum(0.1 * np.exp(-(((wavelength - at) / 1.5) ** 2)) for at in range(20, n_pixel, 30))
    flux = level * (1 - lines * rng.uniform(0.2, 1, (n_star, 1)))
    sigma = flux / np.exp(rng.uniform(np.log(15), np.log(150), (n_star, 1)))
    return flux + noise * sigma * rng.standard_normal(flux.shape), sigma


@pytest.mark.parametrize("level", [1.0, 30.0, 1e4, 1e-15])
def test_right_errors_are_right(level):
    flux, sigma = noisy(level=level)
    finding = NoiseFinding.of(flux, sigma**-2)
    assert finding.sentences() == []
    lower, upper = np.median([star.bounds[0] for star in finding.stars], axis=0)
    assert lower == pytest.approx(1, abs=0.1)
    assert lower < upper < 3


@pytest.mark.parametrize("level", [1.0, 30.0, 1e4])
@pytest.mark.parametrize(
    ("power", "name"), [(1, "standard deviations"), (2, "variances"), (-1, "inverses of standard deviations")]
)
def test_another_quantity_is_named(level, power, name):
    flux, sigma = noisy(level=level)
    (sentence,) = NoiseFinding.of(flux, sigma**power).sentences()
    assert sentence.startswith(f"ivar looks like {name}: ")


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e4, 1e7])
def test_errors_in_another_unit_cannot_be(factor):
    flux, sigma = noisy()
    stars = tuple(measure_noise(*star) for star in zip(flux, factor * sigma**-2, strict=True))
    (sentence,) = NoiseFinding(stars).sentences()
    assert "cannot be" in sentence or "looks like" in sentence
    # the scatter of the model takes up what errors that are too small lack
    assert bool(NoiseFinding(stars, normalised=True).sentences()) == (factor < 1)


@pytest.mark.parametrize("error", [0.1, 0.01, 1e-3, 1e-4, 1e-6])
@pytest.mark.parametrize("level", [1.0, 1e3])
def test_spectra_without_noise_may_have_any_small_error(error, level):
    flux, _ = noisy(level=level, noise=0.0)
    assert NoiseFinding.of(flux, np.full(flux.shape, (error * level) ** -2)).sentences() == []


def test_single_stars_are_counted():
    flux, sigma = noisy()
    ivar = sigma**-2
    ivar[:3] *= 1e-5
    (sentence,) = NoiseFinding.of(flux, ivar).sentences()
    assert sentence.startswith("the inverse variances of 3 of 30 spectra cannot be")


def test_spikes_are_counted_and_no_measurement():
    flux, sigma = noisy(1)
    wavelength, ivar = np.linspace(4000, 9000, flux.shape[1]), sigma[0] ** -2
    ivar[[70, 700]] *= 1e5
    noise = measure_noise(flux[0], ivar)
    assert noise.spikes == 2
    assert noise.bounds[0][0] == pytest.approx(1, abs=0.1)
    assert "2 pixels of 1 spectra" in NoiseFinding((noise,)).sentences()[0]
    assert np.flatnonzero(mask_bad(wavelength, flux[0], ivar, np.zeros(1500, int))[1] == 0).tolist() == [70, 700]


def test_pixels_without_a_use_are_counted():
    flux, sigma = noisy(1)
    ivar = sigma[0] ** -2
    ivar[:4], ivar[4:6], ivar[6] = np.inf, np.nan, -1
    finding = NoiseFinding((measure_noise(flux[0], ivar),))
    assert finding.lost_pixels() == "inverse variances that are not used: 6 not finite, 1 negative"
    assert finding.sentences() == []


def test_few_pixels_are_not_judged():
    noise = measure_noise(np.ones(50), np.full(50, 1e-9))
    assert np.isnan(noise.bounds).all()
    assert not find_spikes(np.array([1.0, 1e9]), np.ones(2, bool)).any()
    assert NoiseFinding((noise,)).sentences() == []
    assert NoiseFinding().sentences() == []


def test_prepare_spectra_warns():
    flux, sigma = noisy(n_pixel=3909)
    wavelength = 10 ** (3.5682 + 1e-4 * np.arange(3909))
    raws = [RawSpectrum(f"s{i}", wavelength, flux[i], sigma[i], redshift=0.0) for i in range(12)]
    with pytest.warns(BayesCannonWarning, match="the spectra to prepare: ivar looks like standard deviations"):
        prepare_spectra(raws)


@pytest.mark.real_data
def test_no_survey_spectrum_is_suspected(survey_data):
    folders = [
        folder for folder in (survey_data / "lamost").iterdir() if folder.is_dir() and folder.name != "not_lamost"
    ]
    for folder in folders:
        raws = [read_lamost(path) for path in sorted(folder.rglob("*.fits*"))[:100]]
        finding = NoiseFinding(tuple(measure_noise(raw.flux, raw.ivar) for raw in raws))
        assert finding.sentences() == [], folder
