"""
What the spectra of odd stars have that the emulators lack: emission lines, carbon bands, residuals of the sky.

The bands of C2 (Swan system) end at heads on their red sides, those of the violet system of CN too; the red system of
CN ends on its blue sides. Wavelengths of heads and lines are laboratory ones, in vacuum; depths and lengths of the
bands are rounded from spectra of carbon stars of type C-N and C-R, and are assumptions.
"""

import numpy as np

from bayescannon.mock.detector import sky_spectrum
from bayescannon.mock.optics import C_KM_S, FWHM_PER_SIGMA, RESOLUTION
from bayescannon.numerics.typing import FloatArray

# vacuum wavelength [A] of H alpha, H beta, H gamma and equivalent width relative to H alpha
EMISSION_LINES = np.array([(6564.6, 1.0), (4862.7, 0.35), (4341.7, 0.15)])
# full width at half maximum of the emission in km/s, with the survey's resolution
EMISSION_WIDTH = np.hypot(120.0, C_KM_S / RESOLUTION)
# vacuum wavelength of the head [A], optical depth there, length [A] on which it decreases; negative to the blue
CARBON_BANDS = np.array([
    (4383.0, 0.4, -45.0), (4738.0, 0.9, -60.0), (5166.5, 1.2, -80.0), (5637.5, 0.8, -80.0), (6193.0, 0.35, -60.0),
    (4217.0, 0.5, -50.0), (6928.0, 0.25, 80.0), (7091.0, 0.3, 80.0), (7877.0, 0.35, 90.0), (8067.0, 0.3, 90.0),
])  # fmt: skip
# height of the strongest residual of a sky line relative to the star's and the sky's continuum, where all light is sky
SKY_LINE_HEIGHT = 3.0


def features(wavelength: FloatArray, emission: FloatArray, carbon: FloatArray) -> FloatArray:
    """
    Return the factor by which emission and carbon bands change spectra in the rest frame.

    Parameters
    ----------
    wavelength : array of shape (pixel,)
        Vacuum, in Angstrom.
    emission : array of shape (star,)
        Equivalent width of the emission of H alpha in Angstrom, 0 for none.
    carbon : array of shape (star,)
        Strength of the bands of C2 and CN, 1 for a carbon star and 0 for none.

    Returns
    -------
    factor : array of shape (star, pixel)
    """
    factor = np.exp(-np.outer(carbon, _carbon_depth(wavelength)))
    for centre, share in EMISSION_LINES:
        sigma = centre * EMISSION_WIDTH / C_KM_S / FWHM_PER_SIGMA
        profile = np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        factor += np.outer(share * emission, profile)
    return factor


def sky_residuals(wavelength: FloatArray, sky_share: FloatArray, rng: np.random.Generator) -> FloatArray:
    """
    Return sky lines that are left in spectra, relative to the continuum at 5500 A, shape (star, pixel).

    Each line is left over or subtracted too much, and more so the larger the sky's share of the light is.
    """
    lines = sky_spectrum(wavelength)
    height = SKY_LINE_HEIGHT * rng.standard_normal((len(sky_share), len(lines))) / lines.max()
    result: FloatArray = (sky_share[:, None] * height) @ lines
    return result


def _carbon_depth(wavelength: FloatArray) -> FloatArray:
    """Return the optical depth of the bands of a carbon star, shape (pixel,)."""
    depth = np.zeros(len(wavelength))
    for head, tau, length in CARBON_BANDS:
        # in units of the length, from the head along the band
        along = (wavelength - head) / length
        depth += np.where(along >= 0, tau * np.exp(-along), 0.0)
        # the head itself is smoothed by the survey's resolution
        edge = head / RESOLUTION / abs(length)
        depth += np.where(along < 0, tau * np.exp(-0.5 * (along / edge) ** 2), 0.0)
    return depth
