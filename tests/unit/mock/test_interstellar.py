"""Interstellar bands and reddening: strengths, places and saturation."""

import numpy as np
import pytest

from bayescannon.mock import interstellar
from bayescannon.mock.emulator import Emulator
from bayescannon.mock.interstellar import DIFFUSE_BANDS, SODIUM_LINES, Sightlines, transmission
from bayescannon.mock.optics import C_KM_S

WAVELENGTH = Emulator.load().wavelength


def plain_sightlines(a_k, velocity=0.0):
    a_k = np.atleast_1d(a_k).astype(float)
    n_star = len(a_k)
    ones = np.ones((n_star, len(DIFFUSE_BANDS)))
    return Sightlines(a_k, np.full(n_star, velocity), ones, np.ones(n_star))


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
