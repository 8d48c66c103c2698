import numpy as np
import pytest
from scipy.special import ndtr

from bayescannon.mock import optics
from bayescannon.mock.emulator import Emulator
from bayescannon.mock.optics import C_KM_S, Optics

WAVELENGTH = Emulator.load().wavelength


def plain_optics(n_star=1, **changes):
    values = {
        "line_factor": np.ones((n_star, 2)),
        "arm_velocity": np.zeros((n_star, 2)),
        "veil": np.zeros((n_star, 2)),
        "response": np.zeros((n_star, 2, 5)),
        "bump": np.tile([0.0, 5900.0, 30.0], (n_star, 1)),
    }
    return Optics(**(values | changes))


def absorption_line(centre, sigma=3.0):
    return 1 - 0.5 * np.exp(-0.5 * ((WAVELENGTH - centre) / sigma) ** 2)


@pytest.mark.parametrize("velocity", [-300.0, 0.0, 250.0])
def test_shift_is_the_doppler_shift(velocity):
    flux = absorption_line(6500.0)[None]
    moved = optics.shift_and_spread(flux, WAVELENGTH, np.array([velocity]), plain_optics())
    expected = absorption_line(6500.0 * (1 + velocity / C_KM_S), 3.0 * (1 + velocity / C_KM_S))
    np.testing.assert_allclose(moved[0], expected, atol=2e-4)


@pytest.mark.parametrize("factor", [0.9, 1.2])
def test_line_spread_factor_changes_the_width_and_keeps_the_area(factor):
    # a line as narrow as the spectrograph's own
    sigma = optics.LINE_SIGMA * 1e-4 * np.log(10) * 4500
    flux = absorption_line(4500.0, sigma)[None]
    spread = optics.shift_and_spread(flux, WAVELENGTH, np.zeros(1), plain_optics(line_factor=np.full((1, 2), factor)))
    near = np.abs(WAVELENGTH - 4500) < 30
    area, area_before = (1 - spread[0, near]).sum(), (1 - flux[0, near]).sum()
    np.testing.assert_allclose(area, area_before, rtol=1e-3)
    variance = np.sum((1 - spread[0, near]) * (WAVELENGTH[near] - 4500) ** 2) / area
    np.testing.assert_allclose(np.sqrt(variance) / sigma, factor, rtol=0.03)


def test_veil_makes_lines_shallower_and_leaves_the_continuum():
    flux = absorption_line(5000.0)[None]
    diluted = optics.dilute(flux, WAVELENGTH, plain_optics(veil=np.full((1, 2), 0.25)))
    np.testing.assert_allclose(1 - diluted, (1 - flux) / 1.25, atol=1e-12)


def test_continuum_is_redder_for_cooler_stars():
    cool, hot = optics.continuum(WAVELENGTH, np.array([4000.0, 5500.0]))
    blue, red = WAVELENGTH < 4500, WAVELENGTH > 7000
    assert cool[red].mean() / cool[blue].mean() > 1.3 * hot[red].mean() / hot[blue].mean()


def test_response_is_one_for_a_perfect_instrument():
    np.testing.assert_allclose(optics.response(WAVELENGTH, plain_optics()), 1, atol=1e-12)


def test_bump_at_the_arm_join_is_local():
    bump = np.array([[0.1, 5880.0, 30.0]])
    response = optics.response(WAVELENGTH, plain_optics(bump=bump))[0]
    np.testing.assert_allclose(response[np.abs(WAVELENGTH - 5880) < 1], 1.1, atol=1e-3)
    np.testing.assert_allclose(response[np.abs(WAVELENGTH - 5880) > 200], 1, atol=1e-6)


def test_a_few_exposures_are_poor():
    drawn = optics.draw_optics(20_000, np.random.default_rng(3))
    far = (np.abs(drawn.arm_velocity) > 3 * optics.ARM_VELOCITY_ERROR).mean()
    # of poor exposures, 3 of the others' standard deviations are 3/4 of their own
    good, poor = 2 * ndtr(-3.0), 2 * ndtr(-3 / optics.POOR_FACTOR)
    expected = good + optics.POOR_SHARE * (poor - good)
    assert abs(far / expected - 1) < 0.15
    assert drawn.veil.min() == optics.LEAST_VEIL
    assert (drawn.line_factor.min(), drawn.line_factor.max()) == optics.LINE_FACTOR_RANGE
