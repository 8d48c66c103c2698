"""Shifts by a fraction of a pixel that keep white noise white."""

from dataclasses import replace

import numpy as np
import pytest

from bayescannon.data.prepare import prepare_spectra, resample
from bayescannon.data.preset import NONE, PAPER
from bayescannon.data.raw_spectrum import RawSpectrum, SpectrumError
from bayescannon.data.white_resampling import resample_white, shift_filter, step_fault

SHIFTS = (-0.5, -0.31, -0.02, 0.0, 0.13, 0.25, 0.5)
OFFSET = np.arange(-14, 15)


def lines(x):
    """Absorption lines of LAMOST's width, 2.4 pixels FWHM, at positions x in pixels."""
    centres, depths = np.arange(12.3, 300, 17.17), 0.2 + 0.05 * np.arange(17)
    return 1 - (depths * np.exp(-0.5 * ((x[:, None] - centres) / 1.02) ** 2)).sum(axis=1)


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_filter_passes_all_frequencies_and_delays_the_low_ones(shift):
    frequency = np.linspace(0, np.pi, 200)
    response = np.exp(1j * frequency[:, None] * OFFSET) @ shift_filter(shift)
    np.testing.assert_allclose(np.abs(response), 1, atol=3e-4)
    low = frequency < 0.8
    np.testing.assert_allclose(np.angle(response[low]), shift * frequency[low], atol=0.003)


@pytest.mark.parametrize("shift", SHIFTS)
def test_white_noise_keeps_variance_and_independence(shift):
    taps = shift_filter(shift)
    covariance = np.correlate(taps, taps, mode="full")
    np.testing.assert_allclose(covariance, np.arange(len(covariance)) == 2 * 14, atol=3e-4)


def test_shifts_in_both_directions_are_mirror_images():
    np.testing.assert_array_equal(shift_filter(-0.37), shift_filter(0.37)[::-1])
    np.testing.assert_allclose(shift_filter(0.0), OFFSET == 0, atol=1e-15)


@pytest.mark.parametrize("shift", SHIFTS)
def test_lines_keep_their_shape(shift):
    pixel = np.arange(300.0)
    grid = np.arange(20.0, 280.0) + shift
    got, ivar = resample_white(pixel, lines(pixel), np.full(300, 4.0), grid)
    smeared, _ = resample(pixel, lines(pixel), np.full(300, 4.0), grid)
    error, other = ((one - lines(grid)).std() / (lines(grid) - 1).std() for one in (got, smeared))
    assert error < 0.022
    assert abs(shift) < 0.1 or error < 0.4 * other
    np.testing.assert_allclose(ivar, 4.0, rtol=1e-3)


def test_noise_of_a_spectrum_stays_white_where_linear_interpolation_correlates_it():
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((200, 500))
    grid = np.arange(20.0, 480.0) + 0.5

    def lag(function):
        out = np.stack([function(np.arange(500.0), one, np.ones(500), grid)[0] for one in noise])
        return out.var(), (out[:, 1:] * out[:, :-1]).mean() / out.var()

    np.testing.assert_allclose(lag(resample_white), (1, 0), atol=0.02)
    np.testing.assert_allclose(lag(resample), (0.5, 0.5), atol=0.02)


def test_the_inverse_variance_is_that_of_the_weighted_sum():
    sigma2 = np.random.default_rng(0).uniform(0.5, 2, 60)
    _, ivar = resample_white(np.arange(60.0), np.ones(60), 1 / sigma2, np.array([30.25]))
    np.testing.assert_allclose(1 / ivar[0], shift_filter(0.25) ** 2 @ sigma2[16:45], rtol=1e-4)


def test_a_spectrum_on_its_own_grid_is_not_changed():
    rng = np.random.default_rng(5)
    grid, flux, ivar = 10 ** (3.6 + 1e-4 * np.arange(1000)), rng.normal(size=1000), rng.gamma(1, size=1000)
    ivar[::10] = 0
    got = resample_white(grid, flux, ivar, grid)
    np.testing.assert_allclose(got[0], np.where(ivar > 0, flux, 0), atol=1e-12)
    np.testing.assert_allclose(got[1], ivar, rtol=1e-12)


@pytest.mark.parametrize(("shift", "dead"), [(0.0, 1), (0.25, 3), (0.5, 5)])
def test_a_dead_pixel_kills_few_around_and_its_flux_is_not_used(shift, dead):
    flux, ivar = np.ones(100), np.ones(100)
    flux[50], ivar[50] = 1e6, 0
    got, left = resample_white(np.arange(100.0), flux, ivar, np.arange(20.0, 80.0) + shift)
    assert (left == 0).sum() <= dead + 1
    assert (left == 0).sum() >= 1
    np.testing.assert_allclose(got[left > 0], 1)


def test_ends_gaps_and_dead_spectra_are_dead():
    wavelength = np.r_[5000.0:5100.0, 5400.0:5500.0]
    grid = np.arange(4980.5, 5520.5)
    _, ivar = resample_white(wavelength, np.ones(200), np.ones(200), grid)
    outside = (grid < 5000) | ((grid > 5099) & (grid < 5400)) | (grid > 5499)
    assert not ivar[outside].any()
    assert (ivar[~outside] == 0).sum() <= 4 * 5
    assert not resample_white(wavelength, np.ones(200), np.zeros(200), grid)[1].any()
    assert not resample_white(wavelength, np.ones(200), np.ones(200), grid + 9000)[1].any()


def test_grids_with_other_steps_are_refused():
    wavelength = np.linspace(5000, 5400, 401)
    assert step_fault(wavelength, np.arange(5010.3, 5390.0, 1.03)) == ""
    assert step_fault(wavelength, np.arange(9000.0, 9100.0)) == ""
    assert "are 2.00 times as wide" in step_fault(wavelength, np.arange(5010.0, 5390.0, 2.0))
    logarithmic = 10 ** np.arange(np.log10(4000), np.log10(9000), 1e-4)
    assert "are 0.94 to 2.03 times as wide" in step_fault(np.arange(3900.0, 9100.0), logarithmic)
    raws = [
        RawSpectrum(name, np.arange(4900.0, 5500.0, step), np.ones(n), np.ones(n), redshift=0.0)
        for name, step, n in (("fine", 0.5, 1200), ("right", 1.0, 600))
    ]
    preset, grid = replace(NONE, resampling="white"), np.arange(5000.0, 5400.0)
    with pytest.raises(SpectrumError, match=r"fine: grid step: pixels of the grid are 2\.00 times .* --grid"):
        prepare_spectra(raws, preset, grid)
    spectra = prepare_spectra(raws, preset, grid, leave_out=True)
    assert spectra.id.tolist() == ["right"]
    assert len(spectra.attrs["left_out"]) == 1


def test_the_preparation_says_how_it_resampled():
    raw = RawSpectrum("a", np.arange(4900.0, 5500.0), np.ones(600), np.ones(600), redshift=1e-4)
    grid = np.arange(5000.0, 5400.0)
    white = prepare_spectra([raw], replace(PAPER, resampling="white"), grid).attrs
    assert '"resampling": "white"' in white["preset_settings"]
    assert (white["variance"], white["preset"]) == ("propagate", "paper (changed)")
    # spectra and models of versions without the choice are not told to differ
    assert "resampling" not in prepare_spectra([raw], PAPER, grid).attrs["preset_settings"]
