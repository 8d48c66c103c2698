"""From true labels to the spectra that a survey reports: rest frame, telescope, interstellar matter, detector."""

from dataclasses import replace

import numpy as np

from bayescannon.mock import detector, interstellar, odd_spectra, optics
from bayescannon.mock.detector import Exposure
from bayescannon.mock.emulator import EMULATOR_LABELS, POPULATIONS, Emulator
from bayescannon.mock.optics import C_KM_S, FWHM_PER_SIGMA, RESOLUTION, Optics
from bayescannon.mock.releases import Release
from bayescannon.mock.stars import Stars
from bayescannon.numerics.typing import FloatArray

# standard deviation of the line-spread function in km/s
LINE_KM_S = C_KM_S / RESOLUTION / FWHM_PER_SIGMA
# standard deviation of the profile of a rotating star with usual limb darkening, relative to v sin i
ROTATION_SIGMA = 0.47


def expose(stars: Stars, seed: np.random.SeedSequence, release: Release) -> Exposure:
    """
    Make the spectra of a block of stars.

    Parameters
    ----------
    stars : dict of arrays of shape (star,)
        Of :func:`bayescannon.mock.stars.draw_stars`; odd stars have the columns of
        :func:`bayescannon.mock.odd_stars.make_odd` too.
    seed : numpy.random.SeedSequence
    release : Release

    Returns
    -------
    exposure : Exposure
    """
    rng = np.random.default_rng(seed)
    wavelength = Emulator.load().wavelength
    flux = rest_flux({name: stars[name] for name in EMULATOR_LABELS}, stars["population"])
    instrument = optics.draw_optics(len(flux), rng)
    if (stars["v_sin_i"] > 0).any():
        instrument = rotating(instrument, stars["v_sin_i"])
    odd = "odd" in stars
    if odd:
        flux *= odd_spectra.features(wavelength, stars["emission"], stars["carbon"])
    light = optics.shift_and_spread(flux, wavelength, stars["velocity"], instrument)
    continuum = optics.continuum(wavelength, stars["teff"])
    if odd:
        _add_companions(light, continuum, stars, wavelength, instrument)
    light *= interstellar.transmission(wavelength, interstellar.draw_sightlines(stars["a_k"], rng))
    light = optics.dilute(light, wavelength, instrument)
    light *= interstellar.reddening(wavelength, stars["a_k"])
    light *= continuum
    if odd:
        # a generator of its own, so that the noise of the other stars is that of a survey without odd ones
        light += odd_spectra.sky_residuals(wavelength, stars["sky_share"], rng.spawn(1)[0])
    response = optics.response(wavelength, instrument)
    return detector.observe(light, response, stars["snr"], wavelength, rng, release=release)


def rest_flux(labels: Stars, population: np.ndarray) -> FloatArray:
    """Return the continuum-normalised spectra of stars of several populations, shape (star, pixel)."""
    values = np.stack([labels[name] for name in EMULATOR_LABELS], axis=1)
    flux = np.empty((len(values), len(Emulator.load().wavelength)))
    for name in POPULATIONS:
        rows = population == name
        if rows.any():
            flux[rows] = Emulator.load(name).flux(values[rows])
    return flux


def rotating(instrument: Optics, v_sin_i: FloatArray) -> Optics:
    """Widen the lines of stars that rotate, by a Gaussian as wide as the profile of rotation."""
    own = ROTATION_SIGMA * v_sin_i[:, None] / LINE_KM_S
    return replace(instrument, line_factor=np.hypot(instrument.line_factor, own))


def _add_companions(
    light: FloatArray, continuum: FloatArray, stars: Stars, wavelength: FloatArray, instrument: Optics
) -> None:
    """Add second spectra, weighted by continuum light, to those of the stars, in place; shapes (star, pixel)."""
    rows = np.flatnonzero(stars["light_ratio"] > 0)
    if not len(rows):
        return
    labels = {name: stars[f"companion_{name}"][rows] for name in EMULATOR_LABELS}
    flux = rest_flux(labels, stars["companion_population"][rows])
    own = Optics(**{name: values[rows] for name, values in vars(instrument).items()})
    second = optics.shift_and_spread(flux, wavelength, stars["companion_velocity"][rows], own)
    weight = stars["light_ratio"][rows, None] * optics.continuum(wavelength, labels["teff"])
    total = continuum[rows] + weight
    light[rows] = (light[rows] * continuum[rows] + second * weight) / total
    continuum[rows] = total / (1 + stars["light_ratio"][rows, None])
