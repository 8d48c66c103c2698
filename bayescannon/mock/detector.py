"""
The detector: photon, sky and read noise, sky residuals, cosmic rays, dead pixels, reported variances.

How far reported variances are off depends on the release, see :mod:`bayescannon.mock.releases`; they are 0 in dead
pixels. The header's S/N is the median of flux x sqrt(reported ivar) in the band, as in LAMOST's files to about 5 %; the
true S/N of DR2 is sqrt(3) times that (the paper's figure 7 takes 3 times it).

The noise has heavier tails than a Gaussian, as residuals of real spectra have: the pixels' standard deviations scatter
about those that the counts tell, and cosmic rays are left over in the star's fibre and, as deficits, in the fibres of
the sky. Cosmic rays add 15 % to the mean variance, so that a Gaussian noise scale learned from the spectra of DR2 is
sqrt(1.15 / 3) = 0.62 and not sqrt(1 / 3) = 0.58 (times what resampling makes of it).

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

from bayescannon.mock.calibration_residuals import draw_residuals
from bayescannon.mock.optics import FWHM_PER_SIGMA, RESOLUTION, red_share
from bayescannon.mock.releases import DR2, Release
from bayescannon.numerics.typing import FloatArray

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
SKY_COUNTS = 40.0
SKY_LOG_WIDTH = 0.5
SKY_RESIDUAL = 0.04
READ_VARIANCE = 60.0
# width in pixels of the running mean, applied twice, that smears the light of half of the photon noise
SMEARING = 150
# scatter of the logarithm of the pixels' standard deviations about those of the counts: few exposures are combined
NOISE_LOG_SCATTER = 0.3
# mean numbers per spectrum of cosmic rays that were not removed, in the star's fibre and in those of the sky; their
# height in units of the pixel's noise: least, and mean beyond it
COSMIC_RAYS, SKY_COSMIC_RAYS = 4.0, 3.5
COSMIC_LEAST, COSMIC_MEAN = 3.0, 4.0
# mean numbers per spectrum, and the fraction of spectra with a dead end
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
    light: FloatArray,
    response: FloatArray,
    snr: FloatArray,
    wavelength: FloatArray,
    rng: np.random.Generator,
    *,
    release: Release = DR2,
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
    release : Release
        How far the reported variances are off.

    Returns
    -------
    exposure : Exposure
    """
    n_star = len(light)
    efficiency = throughput(wavelength)
    lines = sky_spectrum(wavelength)
    sky = SKY_COUNTS * np.exp(SKY_LOG_WIDTH * rng.standard_normal((n_star, 1)))
    background = sky * efficiency * (1 + lines.sum(axis=0)) + READ_VARIANCE
    red = red_share(wavelength)
    overestimate = release.variance_overestimate[0] * (1 - red) + release.variance_overestimate[1] * red
    counts = light * efficiency * _exposure_factor(light * efficiency, background, snr, wavelength, overestimate)
    sigma = np.sqrt(_photon_variance(counts) + background)
    line_errors = SKY_RESIDUAL * rng.standard_normal((n_star, len(SKY_LINES)))
    measured = counts * draw_residuals(n_star, wavelength, rng) + sky * efficiency * (line_errors @ lines)
    # the noise of a pixel is not exactly what the counts tell: its variance scatters about their mean
    own = np.exp(NOISE_LOG_SCATTER * rng.standard_normal(counts.shape, dtype=np.float32) - NOISE_LOG_SCATTER**2)
    measured += sigma * own * rng.standard_normal(counts.shape, dtype=np.float32)
    _strike_cosmic_rays(measured, sigma, rng)
    to_flux = FLUX_PER_COUNT * response / efficiency
    flux = (measured * to_flux).astype(np.float32)
    ivar = (1 / (overestimate * (sigma * to_flux) ** 2)).astype(np.float32)
    andmask, ormask = _spoil_pixels(flux, ivar, rng)
    ormask[:, lines.sum(axis=0) > 20] |= SKY_BIT
    return Exposure(flux, ivar, andmask, ormask, _reported_snr(flux, ivar, wavelength))


def _exposure_factor(
    rate: FloatArray, background: FloatArray, snr: FloatArray, wavelength: FloatArray, overestimate: FloatArray
) -> FloatArray:
    """Solve counts / sqrt(r (counts + background)) = snr at the median pixel of the g band, shape (star, 1)."""
    low, high = BANDS["snrg"]
    in_g = (wavelength > low) & (wavelength < high)
    middle = np.median(background[:, in_g], axis=1)
    square = np.median(overestimate[in_g]) * snr**2
    counts = (square + np.sqrt(square**2 + 4 * square * middle)) / 2
    return (counts / np.median(rate[:, in_g], axis=1))[:, None]


def _photon_variance(counts: FloatArray) -> FloatArray:
    """Return the geometric mean of the counts and the smeared counts, shape (star, pixel)."""
    smeared = uniform_filter1d(uniform_filter1d(counts, SMEARING, axis=1), SMEARING, axis=1)
    result: FloatArray = np.sqrt(np.maximum(counts * smeared, 0.0))
    return result


def _strike_cosmic_rays(measured: FloatArray, sigma: FloatArray, rng: np.random.Generator) -> None:
    """Add unflagged spikes and deficits of one or two pixels to `measured`, shape (star, pixel), in place."""
    n_star, n_pixel = measured.shape
    for number, sign in ((COSMIC_RAYS, 1), (SKY_COSMIC_RAYS, -1)):
        star = np.repeat(np.arange(n_star), rng.poisson(number, n_star))
        pixel = rng.integers(0, n_pixel - 1, len(star))
        height = sign * (COSMIC_LEAST + rng.exponential(COSMIC_MEAN, len(star))) * sigma[star, pixel]
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
