"""
The detector: photon, sky and read noise, sky residuals, cosmic rays, dead pixels, reported variances.

LAMOST's reported variances are about three times the true ones (Ho et al. 2017, section 4 and table 1: the reduced chi2
is low by about three), so the inverse variances here are 1 / (3 sigma^2), and 0 in dead pixels. The header's S/N is the
median of flux x sqrt(reported ivar) in the band, as in LAMOST's files to about 5 %; the true S/N is sqrt(3) times that
(the paper's figure 7 takes 3 times it).

The pseudo-continuum is weighted by inverse variance, so it depends on how the variance follows the lines. In LAMOST's
files of giants the slope of log variance on log flux within 200 A increases from about 0.2 at S/N 15, where the
background dominates, to 0.8 at S/N 200, so that the pseudo-continuum, and with it the labels, change with S/N. The
effect is deliberately smaller in the mock survey: the slope increases from 0.3 to 0.5, because half of the photon noise
follows light that is smeared over neighbouring pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import uniform_filter1d

from bayescannon.mock.optics import FWHM_PER_SIGMA, RESOLUTION
from bayescannon.numerics.typing import FloatArray

VARIANCE_OVERESTIMATE = 3.0
# wavelength [A] and counts for the same flux relative to 5000 A, chosen so that S/N depends on wavelength as in LAMOST
# spectra of K giants; the arms meet at the minimum at 5850 A
THROUGHPUT = np.array([
    (3690, 0.05), (3800, 0.08), (3900, 0.20), (4030, 0.50), (4250, 0.60), (4500, 0.68), (4700, 0.95),
    (5000, 1.00), (5400, 0.95), (5600, 0.85), (5750, 0.62), (5850, 0.55), (5950, 1.00), (6050, 1.30),
    (6400, 1.80), (6800, 2.10), (7100, 2.25), (7500, 2.20), (8000, 1.75), (8500, 1.25), (9000, 0.72),
    (9110, 0.50),
])  # fmt: skip
# vacuum wavelength [A] and strength relative to the sky's continuum: mercury, oxygen, sodium, then hydroxyl
SKY_LINES = np.array([
    (4047.7, 6), (4359.6, 10), (5462.3, 10), (5578.9, 150), (5891.6, 8), (5897.6, 5), (6302.0, 60),
    (6365.5, 20), (6865.0, 8), (7278, 20), (7318, 25), (7343, 20), (7371, 15), (7404, 12), (7526, 10),
    (7575, 10), (7718, 15), (7752, 25), (7796, 30), (7824, 30), (7856, 12), (7916, 30), (7966, 40),
    (7995, 30), (8028, 25), (8063, 15), (8290, 20), (8313, 15), (8348, 45), (8402, 55), (8418, 25),
    (8433, 50), (8455, 30), (8468, 40), (8507, 35), (8552, 15), (8652, 20), (8763, 55), (8770, 60),
    (8781, 55), (8794, 40), (8830, 80), (8852, 60), (8870, 60), (8888, 90), (8906, 55), (8922, 80),
    (8946, 45), (8961, 60), (8991, 40), (9003, 35), (9041, 50), (9052, 40),
])  # fmt: skip
# vacuum limits [A] of telluric oxygen and water bands, and the standard deviation of the residual depth after
# correction
TELLURIC_BANDS = np.array([
    (6869, 6950, 0.015), (7165, 7330, 0.010), (7595, 7690, 0.030), (8130, 8340, 0.012), (8940, 9100, 0.030),
])  # fmt: skip
SKY_COUNTS = 40.0
SKY_LOG_WIDTH = 0.5
SKY_RESIDUAL = 0.03
READ_VARIANCE = 60.0
# width in pixels of the running mean, applied twice, that smears the light of half of the photon noise
SMEARING = 150
# residuals of flat field and scattered light: relative size, and correlation length in pixels
FLAT_SCATTER = 0.003
FLAT_LENGTH = 12.0
# mean numbers per spectrum, and the fraction of spectra with a dead end
COSMIC_RAYS = 0.8
DEAD_STRETCHES = 0.6
FLAGGED_STRETCHES = 0.5
DEAD_END_SHARE = 0.3
# flux units of the files per count
FLUX_PER_COUNT = 0.1

BANDS = {
    "snru": (3700.0, 3950.0),
    "snrg": (3950.0, 5450.0),
    "snrr": (5600.0, 6850.0),
    "snri": (6950.0, 8150.0),
    "snrz": (8250.0, 9050.0),
}
BAD_PIXEL_BIT = 1
SKY_BIT = 2


@dataclass(frozen=True)
class Exposure:
    """
    Spectra as reported by a survey.

    Attributes
    ----------
    flux, ivar : float32 arrays of shape (star, pixel)
        Flux in the files' unit, and its reported inverse variance.
    andmask, ormask : uint8 arrays of shape (star, pixel)
        Mask bits: `BAD_PIXEL_BIT`, `SKY_BIT`.
    snr : dict of arrays of shape (star,)
        Reported S/N in each band of `BANDS`.
    """

    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    andmask: NDArray[np.uint8]
    ormask: NDArray[np.uint8]
    snr: dict[str, FloatArray]


def throughput(wavelength: FloatArray) -> FloatArray:
    """Return the counts for the same flux, relative to 5000 A, shape (pixel,)."""
    result: FloatArray = PchipInterpolator(*THROUGHPUT.T)(wavelength)
    return result


def sky_spectrum(wavelength: FloatArray) -> FloatArray:
    """Return the sky lines relative to the sky's continuum, shape (line, pixel); the sky is 1 + their sum."""
    centre, strength = SKY_LINES[:, :1], SKY_LINES[:, 1:]
    sigma = centre / RESOLUTION / FWHM_PER_SIGMA
    result: FloatArray = strength * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2)
    return result


def observe(
    light: FloatArray, response: FloatArray, snr: FloatArray, wavelength: FloatArray, rng: np.random.Generator
) -> Exposure:
    """
    Simulate the observation of stars.

    Parameters
    ----------
    light : array of shape (star, pixel)
        Relative flux without noise.
    response : array of shape (star, pixel)
        Error of the flux calibration, near 1, by which flux and noise are multiplied.
    snr : array of shape (star,)
        S/N in g to be reported in the header, which sets the exposure.
    wavelength : array of shape (pixel,)
        In Angstrom.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    exposure : Exposure
    """
    n_star = len(light)
    efficiency = throughput(wavelength)
    lines = sky_spectrum(wavelength)
    sky = SKY_COUNTS * np.exp(SKY_LOG_WIDTH * rng.standard_normal((n_star, 1)))
    background = sky * efficiency * (1 + lines.sum(axis=0)) + READ_VARIANCE
    counts = light * efficiency * _exposure_factor(light * efficiency, background, snr, wavelength)
    sigma = np.sqrt(_photon_variance(counts) + background)
    line_errors = SKY_RESIDUAL * rng.standard_normal((n_star, len(SKY_LINES)))
    measured = counts * _imperfections(n_star, wavelength, rng) + sky * efficiency * (line_errors @ lines)
    measured += sigma * rng.standard_normal(counts.shape, dtype=np.float32)
    _strike_cosmic_rays(measured, sigma, rng)
    to_flux = FLUX_PER_COUNT * response / efficiency
    flux = (measured * to_flux).astype(np.float32)
    ivar = (1 / (VARIANCE_OVERESTIMATE * (sigma * to_flux) ** 2)).astype(np.float32)
    andmask, ormask = _spoil_pixels(flux, ivar, rng)
    ormask[:, lines.sum(axis=0) > 20] |= SKY_BIT
    return Exposure(flux, ivar, andmask, ormask, _reported_snr(flux, ivar, wavelength))


def _exposure_factor(rate: FloatArray, background: FloatArray, snr: FloatArray, wavelength: FloatArray) -> FloatArray:
    """Solve counts / sqrt(3 (counts + background)) = snr at the median pixel of the g band, shape (star, 1)."""
    low, high = BANDS["snrg"]
    in_g = (wavelength > low) & (wavelength < high)
    middle = np.median(background[:, in_g], axis=1)
    square = VARIANCE_OVERESTIMATE * snr**2
    counts = (square + np.sqrt(square**2 + 4 * square * middle)) / 2
    return (counts / np.median(rate[:, in_g], axis=1))[:, None]


def _photon_variance(counts: FloatArray) -> FloatArray:
    """Return the geometric mean of the counts and the smeared counts, shape (star, pixel)."""
    smeared = uniform_filter1d(uniform_filter1d(counts, SMEARING, axis=1), SMEARING, axis=1)
    result: FloatArray = np.sqrt(np.maximum(counts * smeared, 0.0))
    return result


def _imperfections(n_star: int, wavelength: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return factors near 1, shape (star, pixel): residuals of flat field and telluric bands."""
    n_pixel = len(wavelength)
    frequency = np.fft.rfftfreq(n_pixel)
    smooth = np.exp(-0.5 * (2 * np.pi * frequency * FLAT_LENGTH) ** 2)
    # the power of the smoothed noise is known, so that its standard deviation can be set to 1
    smooth /= np.sqrt((smooth**2).mean())
    normal = rng.standard_normal((n_star, len(frequency), 2), dtype=np.float32)
    transform = (normal[..., 0] + 1j * normal[..., 1]) * smooth * np.sqrt(n_pixel / 2)
    factor = 1 + FLAT_SCATTER * np.fft.irfft(transform, n=n_pixel, axis=1)
    for low, high, depth in TELLURIC_BANDS:
        inside = (wavelength > low) & (wavelength < high)
        x = (wavelength[inside] - low) / (high - low)
        # steep on the blue side and decreasing to the red, like band heads
        shape = np.minimum(1, x / 0.05) * (1 - x)
        factor[:, inside] += depth * rng.standard_normal((n_star, 1)) * shape
    return factor


def _strike_cosmic_rays(measured: FloatArray, sigma: FloatArray, rng: np.random.Generator) -> None:
    """Add unflagged spikes of one or two pixels to `measured`, shape (star, pixel), in place."""
    n_star, n_pixel = measured.shape
    star = np.repeat(np.arange(n_star), rng.poisson(COSMIC_RAYS, n_star))
    pixel = rng.integers(0, n_pixel - 1, len(star))
    height = (5 + rng.exponential(12, len(star))) * sigma[star, pixel]
    np.add.at(measured, (star, pixel), height)
    np.add.at(measured, (star, pixel + 1), height * rng.uniform(0, 0.7, len(star)))


def _spoil_pixels(
    flux: NDArray[np.float32], ivar: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Make stretches of pixels dead or flagged, in place; return the AND and OR masks."""
    n_star, n_pixel = flux.shape
    andmask = np.zeros(flux.shape, dtype=np.uint8)
    for star, start in _stretch_starts(n_star, n_pixel, FLAGGED_STRETCHES, rng):
        pixels = slice(start, start + int(rng.integers(1, 5)))
        # the reported error is sqrt(3) sigma, so the flux is wrong by about ten sigma
        flux[star, pixels] += np.float32(6 * rng.standard_normal()) / np.sqrt(ivar[star, pixels])
        andmask[star, pixels] |= BAD_PIXEL_BIT
    for star, start in _stretch_starts(n_star, n_pixel, DEAD_STRETCHES, rng):
        pixels = slice(start, start + int(rng.integers(3, 41)))
        ivar[star, pixels] = 0
        kind = rng.random()
        if kind < 0.4:
            flux[star, pixels] = 0
        elif kind < 0.7:
            flux[star, pixels] *= np.float32(rng.uniform(-5, 20))
        if rng.random() < 0.7:
            andmask[star, pixels] |= BAD_PIXEL_BIT
    for star in np.flatnonzero(rng.random(n_star) < DEAD_END_SHARE).tolist():
        end = slice(n_pixel - int(rng.integers(2, 25)), n_pixel)
        flux[star, end] = 0
        ivar[star, end] = 0
    return andmask, andmask.copy()


def _stretch_starts(n_star: int, n_pixel: int, mean_number: float, rng: np.random.Generator) -> list[tuple[int, int]]:
    star = np.repeat(np.arange(n_star), rng.poisson(mean_number, n_star))
    return list(zip(star.tolist(), rng.integers(0, n_pixel, len(star)).tolist(), strict=True))


def _reported_snr(
    flux: NDArray[np.float32], ivar: NDArray[np.float32], wavelength: FloatArray
) -> dict[str, FloatArray]:
    ratio = flux * np.sqrt(ivar)
    return {
        name: np.median(ratio[:, (wavelength > low) & (wavelength < high)], axis=1).astype(np.float64)
        for name, (low, high) in BANDS.items()
    }
