"""The detector: S/N of the header, dead pixels, throughput."""

import numpy as np
import pytest

from bayescannon.mock.detector import (
    BANDS,
    COSMIC_LEAST,
    COSMIC_MEAN,
    COSMIC_RAYS,
    SKY_COSMIC_RAYS,
    observe,
    throughput,
)
from bayescannon.mock.emulator import Emulator
from bayescannon.mock.releases import Release

WAVELENGTH = Emulator.load().wavelength


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


def test_cosmic_rays_are_spikes_and_in_the_sky_deficits():
    light = np.ones((300, len(WAVELENGTH)))
    exposure = observe(
        light,
        light,
        np.full(300, 50.0),
        WAVELENGTH,
        np.random.default_rng(7),
        release=Release((1.0, 1.0), 50, 0.5, (8, 400)),
    )
    quiet = (WAVELENGTH > 4700) & (WAVELENGTH < 5400)
    flux, ivar = exposure.flux[:, quiet].astype(float), exposure.ivar[:, quiet]
    use = (ivar > 0) & (exposure.andmask[:, quiet] == 0)
    pull = ((flux - np.median(flux, axis=1, keepdims=True)) * np.sqrt(ivar))[use]
    # heights above 8 of 3 + exponential of mean 4: e^-1.25 of the rays, a little more or less with the pixel's noise
    for sign, number in ((1, COSMIC_RAYS), (-1, SKY_COSMIC_RAYS)):
        expected = number / len(WAVELENGTH) * np.exp(-(8 - COSMIC_LEAST) / COSMIC_MEAN)
        assert 0.7 < (sign * pull > 8).mean() / expected < 1.6
