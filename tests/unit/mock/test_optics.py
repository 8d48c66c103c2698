import numpy as np
import pytest

from bayescannon.mock import interstellar, optics
from bayescannon.mock.detector import BANDS, observe, throughput
from bayescannon.mock.emulator import Emulator
from bayescannon.mock.interstellar import DIFFUSE_BANDS, SODIUM_LINES, Sightlines, transmission
from bayescannon.mock.optics import C_KM_S, Optics

WAVELENGTH = Emulator.load().wavelength


def plain_sightlines(a_k, velocity=0.0):
    a_k = np.atleast_1d(a_k).astype(float)
    n_star = len(a_k)
    ones = np.ones((n_star, len(DIFFUSE_BANDS)))
    return Sightlines(a_k, np.full(n_star, velocity), ones, np.ones(n_star))


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


@pytest.mark.parametrize("centre", [*DIFFUSE_BANDS[:, 0], *SODIUM_LINES[:, 0]])
def test_bands_deepen_with_extinction(centre):
    depth = 1 - transmission(WAVELENGTH, plain_sightlines([0.0, 0.1, 0.2, 0.4]))
    at_band = depth[:, np.argmin(np.abs(WAVELENGTH - centre))]
    assert at_band[0] == 0
    assert (np.diff(at_band) > 0).all()


def test_weak_band_has_the_equivalent_width_of_the_table():
    centre, width_per_ebv, fwhm = DIFFUSE_BANDS[0]
    near = np.abs(WAVELENGTH - centre) < 4 * fwhm
    depth = 1 - transmission(WAVELENGTH, plain_sightlines(0.001))[0, near]
    expected = width_per_ebv * interstellar.EBV_PER_A_K * 0.001
    np.testing.assert_allclose(np.trapezoid(depth, WAVELENGTH[near]), expected, rtol=0.01)


def test_sodium_saturates_and_diffuse_bands_do_not():
    tau = -np.log(transmission(WAVELENGTH, plain_sightlines([0.1, 0.4])))
    sodium, diffuse = (np.argmin(np.abs(WAVELENGTH - x)) for x in (SODIUM_LINES[0, 0], DIFFUSE_BANDS[0, 0]))
    assert tau[1, sodium] < 1.6 * tau[0, sodium]
    np.testing.assert_allclose(tau[1, diffuse], 4 * tau[0, diffuse], rtol=1e-6)


def test_interstellar_bands_move_with_the_matter():
    fast = transmission(WAVELENGTH, plain_sightlines(0.3, velocity=50.0))[0]
    near = np.abs(WAVELENGTH - 6285.4) < 8
    centre = np.sum(WAVELENGTH[near] * (1 - fast[near])) / np.sum(1 - fast[near])
    np.testing.assert_allclose(centre, 6285.4 * (1 + 50 / C_KM_S), atol=0.15)


def test_reddening_takes_more_of_the_blue():
    share = interstellar.reddening(WAVELENGTH, np.array([0.0, 0.2]))
    np.testing.assert_array_equal(share[0], 1)
    assert (np.diff(share[1]) > 0).all()


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


@pytest.mark.parametrize("snr", [8.0, 48.0, 300.0])
def test_header_snr_is_the_one_asked_for(snr):
    light = np.ones((40, len(WAVELENGTH)))
    rng = np.random.default_rng(5)
    exposure = observe(light, light, np.full(40, snr), WAVELENGTH, rng)
    np.testing.assert_allclose(exposure.snr["snrg"], snr, rtol=0.12)
    assert set(exposure.snr) == set(BANDS)
    assert np.median(exposure.snr["snri"]) > 1.3 * snr


def test_dead_pixels_have_no_weight_and_everything_is_finite():
    light = np.ones((200, len(WAVELENGTH)))
    exposure = observe(light, light, np.full(200, 50.0), WAVELENGTH, np.random.default_rng(6))
    assert np.isfinite(exposure.flux).all()
    assert np.isfinite(exposure.ivar).all()
    assert (exposure.ivar >= 0).all()
    dead = exposure.ivar == 0
    assert 0.001 < dead.mean() < 0.02
    assert (exposure.flux[dead] != 0).any()
    assert (exposure.andmask[~dead] != 0).any(), "some flagged pixels keep their weight"
    assert ((exposure.ormask & exposure.andmask) == exposure.andmask).all()


def test_throughput_dips_where_the_arms_meet():
    at = dict(zip((5300, 5850, 7000), throughput(np.array([5300.0, 5850.0, 7000.0])), strict=True))
    assert at[5850] < 0.65 * at[5300] < at[7000]
