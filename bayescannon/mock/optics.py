"""
Effects of telescope, fibre and spectrograph before noise: shift, line-spread function, response, arm join.

LAMOST has a blue and a red arm that meet near 5900 A. Each arm of each star has its own line-spread function, small
error of the wavelength scale, and slowly varying error of the flux calibration. A few exposures are poor: their line
spread, wavelength scale and scattered light are off by several times as much.
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from bayescannon.mock.emulator import LOG_STEP
from bayescannon.numerics.typing import FloatArray

C_KM_S = 299_792.458
RESOLUTION = 1800.0
FWHM_PER_SIGMA = 2.3548
# standard deviation of the line-spread function in pixels of the grid
LINE_SIGMA = 1 / (RESOLUTION * np.log(10) * LOG_STEP * FWHM_PER_SIGMA)
# relative scatter of the line's width: common to both arms of a star, and of each arm
LINE_SCATTER = 0.04
ARM_LINE_SCATTER = 0.03
# range of the width relative to R = 1800; lines of the grid cannot be made much narrower
LINE_FACTOR_RANGE = (0.85, 1.25)
# standard deviation of the error of the wavelength scale, in km/s
ARM_VELOCITY_ERROR = 3.0
JOIN = 5900.0
JOIN_WIDTH = 40.0
RESPONSE_SCATTER = np.array([0.0, 0.12, 0.05, 0.025, 0.015])
# residual scattered light and sky relative to the star's continuum: mean, and scatter of each arm; it keeps the cores
# of the deepest lines above zero
VEIL_MEAN, VEIL_SCATTER = 0.06, 0.016
LEAST_VEIL = 0.01
# share of poor exposures (defocused, wrong sky level, few arc lines), and how much larger their scatter is
POOR_SHARE, POOR_FACTOR = 0.06, 4.0
STEP_SCATTER = 0.03
BUMP_SCATTER = 0.04
PADDING = 128
# temperature of the continuum in units of Teff: line blanketing makes the continuum hotter than Teff
COLOUR_TEMPERATURE = 1.1
# second radiation constant h c / k in Angstrom Kelvin
PLANCK_CONSTANT = 1.4387769e8


@dataclass(frozen=True)
class Optics:
    """
    The properties of the instrument for each star; `arm` is 0 for blue and 1 for red.

    Attributes
    ----------
    line_factor : array of shape (star, arm)
        Width of the line-spread function relative to that of R = 1800.
    arm_velocity : array of shape (star, arm)
        Error of the wavelength scale in km/s.
    veil : array of shape (star, arm)
        Featureless light added to the star's, relative to its continuum.
    response : array of shape (star, arm, order)
        Chebyshev coefficients of the logarithm of the response's error.
    bump : array of shape (star, 3)
        Relative height, centre [A] and width [A] of the bump at the arm join.
    """

    line_factor: FloatArray
    arm_velocity: FloatArray
    veil: FloatArray
    response: FloatArray
    bump: FloatArray


def draw_optics(n_star: int, rng: np.random.Generator) -> Optics:
    """Draw the properties of the instrument for `n_star` exposures, of which `POOR_SHARE` are poor."""
    poor = np.where(rng.random((n_star, 1)) < POOR_SHARE, POOR_FACTOR, 1.0)
    line = LINE_SCATTER * rng.standard_normal((n_star, 1)) + ARM_LINE_SCATTER * rng.standard_normal((n_star, 2))
    response = RESPONSE_SCATTER * rng.standard_normal((n_star, 2, len(RESPONSE_SCATTER)))
    response[:, :, 0] = STEP_SCATTER * rng.standard_normal((n_star, 2))
    bump = np.stack(
        [
            BUMP_SCATTER * rng.standard_normal(n_star),
            rng.uniform(5750.0, 5980.0, n_star),
            rng.uniform(20.0, 50.0, n_star),
        ],
        axis=1,
    )
    return Optics(
        np.clip(1 + poor * line, *LINE_FACTOR_RANGE),
        poor * ARM_VELOCITY_ERROR * rng.standard_normal((n_star, 2)),
        np.maximum(VEIL_MEAN + poor * VEIL_SCATTER * rng.standard_normal((n_star, 2)), LEAST_VEIL),
        response,
        bump,
    )


def red_share(wavelength: FloatArray) -> FloatArray:
    """Return the fraction of the red arm in the joined spectrum, shape (pixel,)."""
    return 1 / (1 + np.exp(-(wavelength - JOIN) / (JOIN_WIDTH / 4)))


def dilute(flux: FloatArray, wavelength: FloatArray, optics: Optics) -> FloatArray:
    """
    Make lines shallower by featureless light: (flux + veil) / (1 + veil).

    Parameters
    ----------
    flux : array of shape (star, pixel)
        Continuum-normalised.
    wavelength : array of shape (pixel,)
    optics : Optics

    Returns
    -------
    flux : array of shape (star, pixel)
    """
    red = red_share(wavelength)
    veil = optics.veil[:, :1] * (1 - red) + optics.veil[:, 1:] * red
    return (flux + veil) / (1 + veil)


def shift_and_spread(flux: FloatArray, wavelength: FloatArray, velocity: FloatArray, optics: Optics) -> FloatArray:
    """
    Shift rest-frame spectra on the log grid to the stars' velocities and convolve them with the line-spread function.

    Both are products in Fourier space: a shift by d pixels is the phase exp(-2 pi i k d); lines that are s times as
    wide have the factor exp(-2 pi^2 k^2 (s^2 - 1) sigma^2), which sharpens lines if s < 1.

    Parameters
    ----------
    flux : array of shape (star, pixel)
        Continuum-normalised, at R = 1800.
    wavelength : array of shape (pixel,)
        Its grid in Angstrom.
    velocity : array of shape (star,)
        Heliocentric velocities in km/s.
    optics : Optics

    Returns
    -------
    flux : array of shape (star, pixel)
    """
    n_pixel = flux.shape[1]
    padded = np.pad(flux, ((0, 0), (PADDING, PADDING)), mode="reflect")
    transform = np.fft.rfft(padded, axis=1)
    frequency = np.fft.rfftfreq(padded.shape[1])
    arms = []
    for arm in (0, 1):
        shift = np.log10(1 + (velocity + optics.arm_velocity[:, arm]) / C_KM_S) / LOG_STEP
        extra_variance = LINE_SIGMA**2 * (optics.line_factor[:, arm] ** 2 - 1)
        exponent = -2j * np.pi * np.outer(shift, frequency)
        exponent -= 2 * np.pi**2 * np.outer(extra_variance, frequency**2)
        moved = np.fft.irfft(transform * np.exp(exponent), n=padded.shape[1], axis=1)
        arms.append(moved[:, PADDING : PADDING + n_pixel])
    red = red_share(wavelength)
    return arms[0] * (1 - red) + arms[1] * red


def continuum(wavelength: FloatArray, teff: FloatArray) -> FloatArray:
    """
    Return Planck's law at 1.1 Teff per wavelength, relative to 5500 A.

    Parameters
    ----------
    wavelength : array of shape (pixel,)
    teff : array of shape (star,)

    Returns
    -------
    continuum : array of shape (star, pixel)
    """
    colour = COLOUR_TEMPERATURE * teff
    at_5500 = np.expm1(PLANCK_CONSTANT / (5500.0 * colour))[:, None]
    return at_5500 / np.expm1(PLANCK_CONSTANT / np.outer(colour, wavelength)) * (5500.0 / wavelength) ** 5


def response(wavelength: FloatArray, optics: Optics) -> FloatArray:
    """
    Return the error of the flux calibration, with the step and the bump where the arms join.

    Parameters
    ----------
    wavelength : array of shape (pixel,)
    optics : Optics

    Returns
    -------
    response : array of shape (star, pixel)
        Near 1.
    """
    red = red_share(wavelength)
    total = np.zeros((len(optics.bump), len(wavelength)))
    for arm, (low, high) in enumerate([(wavelength[0], JOIN), (JOIN, wavelength[-1])]):
        # outside its range the fraction of an arm vanishes within a few JOIN_WIDTH
        x = np.clip(2 * (wavelength - low) / (high - low) - 1, -1.1, 1.1)
        curve = chebyshev.chebval(x, optics.response[:, arm].T)
        total += np.exp(curve) * (red if arm else 1 - red)
    height, centre, width = (column[:, None] for column in optics.bump.T)
    result: FloatArray = total * (1 + height * np.exp(-0.5 * ((wavelength - centre) / width) ** 2))
    return result
