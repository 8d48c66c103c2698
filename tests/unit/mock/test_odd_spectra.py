import numpy as np

from bayescannon.mock.emulator import Emulator
from bayescannon.mock.odd_spectra import CARBON_BANDS, features, sky_residuals

WAVE = Emulator.load().wavelength


def near(centre, width=1.0):
    return np.abs(WAVE - centre) < width


def test_an_ordinary_star_is_not_changed():
    np.testing.assert_array_equal(features(WAVE, np.zeros(2), np.zeros(2)), np.ones((2, len(WAVE))))


def test_emission_has_the_stated_equivalent_width():
    factor = features(WAVE, np.array([5.0]), np.zeros(1))[0]
    part = near(6564.6, 30)
    width = np.trapezoid(factor[part] - 1, WAVE[part])
    np.testing.assert_allclose(width, 5.0, rtol=1e-3)
    beta = near(4862.7, 30)
    np.testing.assert_allclose(np.trapezoid(factor[beta] - 1, WAVE[beta]) / width, 0.35, rtol=0.01)
    assert (factor[near(5500, 200)] == 1).all()


def test_swan_bands_are_deep_on_the_blue_side_of_their_heads():
    factor = features(WAVE, np.zeros(1), np.ones(1))[0]
    assert factor[near(5150)].mean() < 0.5
    assert factor[near(5200)].mean() > 0.85
    assert factor.min() > 0.15
    assert factor.max() <= 1
    # stronger bands are deeper everywhere
    stronger = features(WAVE, np.zeros(1), np.array([1.5]))[0]
    assert (stronger <= factor).all()


def test_bands_have_no_edges_that_the_spectrograph_would_not_show():
    factor = features(WAVE, np.zeros(1), np.ones(1))[0]
    assert np.abs(np.diff(factor)).max() < 0.25
    assert len(CARBON_BANDS) == 10


def test_sky_lines_are_left_over_in_proportion_to_the_sky():
    residual = sky_residuals(WAVE, np.array([0.0, 0.45, 0.9]), np.random.default_rng(1))
    assert (residual[0] == 0).all()
    line = near(5578.9, 3)
    assert np.abs(residual[1:, line]).max() > 10 * np.abs(residual[1:, near(5200, 50)]).max()
