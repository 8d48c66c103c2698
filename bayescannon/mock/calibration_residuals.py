"""
What flat field, flux calibration and telluric correction leave in a spectrum: factors near 1, alike in nearby pixels.

Residuals of the flat field are a few pixels wide, ripples of the flux calibration some tens of pixels. They are larger
where lamps are faint (the blue end) and where the CCDs have fringes (the red end). The residuals of the telluric bands
are structured: one depth error per star and band, times a fixed pattern that stands for the blended lines of the band.
"""

from functools import cache

import numpy as np

from bayescannon.numerics.typing import FloatArray

# relative standard deviation and correlation length in pixels: flat field, ripples of the flux calibration
FLAT_SCATTER, FLAT_LENGTH = 0.0025, 1.3
RIPPLE_SCATTER, RIPPLE_LENGTH = 0.0095, 30.0
# vacuum wavelength [A] and size relative to 5500 A of both
RESIDUAL_SIZE = np.array([
    (3690, 6.0), (3900, 4.5), (4050, 3.0), (4250, 1.3), (4700, 0.9), (5300, 1.0), (5600, 1.5), (5850, 1.5), (6000, 1.0),
    (6500, 0.8), (7000, 1.0), (7500, 1.2), (8000, 1.5), (8500, 1.7), (9000, 2.5), (9110, 2.7),
])  # fmt: skip
# vacuum limits [A] of telluric oxygen and water bands, and the standard deviation of the residual depth after
# correction
TELLURIC_BANDS = np.array([
    (6869, 6950, 0.015), (7165, 7330, 0.014), (7595, 7690, 0.035), (8130, 8350, 0.045), (8940, 9100, 0.070),
])  # fmt: skip
# smoothing in pixels of the pattern of a telluric band (the spectrograph's own), and the depth of the pattern
TELLURIC_LENGTH, TELLURIC_STRUCTURE = 2.5, 0.6
_PATTERN_SEED = 8942


def draw_residuals(n_star: int, wavelength: FloatArray, rng: np.random.Generator) -> FloatArray:
    """
    Draw the factors by which calibration changes spectra.

    Parameters
    ----------
    n_star : int
    wavelength : array of shape (pixel,)
        In Angstrom.
    rng : numpy.random.Generator

    Returns
    -------
    factor : array of shape (star, pixel)
    """
    n_pixel = len(wavelength)
    frequency = np.fft.rfftfreq(n_pixel)
    power = sum(
        scatter**2 * _power(frequency, length)
        for scatter, length in ((FLAT_SCATTER, FLAT_LENGTH), (RIPPLE_SCATTER, RIPPLE_LENGTH))
    )
    normal = rng.standard_normal((n_star, len(frequency), 2), dtype=np.float32)
    transform = (normal[..., 0] + 1j * normal[..., 1]) * np.sqrt(power * n_pixel / 2)
    factor: FloatArray = 1 + np.interp(wavelength, *RESIDUAL_SIZE.T) * np.fft.irfft(transform, n=n_pixel, axis=1)
    for (low, high, depth), shape in zip(TELLURIC_BANDS, _telluric_patterns(wavelength.tobytes()), strict=True):
        inside = (wavelength > low) & (wavelength < high)
        factor[:, inside] += depth * rng.standard_normal((n_star, 1)) * shape
    return factor


def _power(frequency: FloatArray, length: float) -> FloatArray:
    """Return the power of white noise that is smoothed by a Gaussian, with a standard deviation of 1."""
    power = np.exp(-((2 * np.pi * frequency * length) ** 2))
    result: FloatArray = power / power.mean()
    return result


@cache
def _telluric_patterns(grid: bytes) -> list[FloatArray]:
    """Return the pattern of each band over its pixels of the wavelength grid, the same for all stars."""
    wavelength = np.frombuffer(grid)
    rng = np.random.default_rng(_PATTERN_SEED)
    patterns = []
    for low, high, _ in TELLURIC_BANDS:
        inside = (wavelength > low) & (wavelength < high)
        x = (wavelength[inside] - low) / (high - low)
        # steep on the blue side and decreasing to the red, like band heads
        envelope = np.minimum(1, x / 0.05) * (1 - x)
        offset = np.arange(-12, 13)
        kernel = np.exp(-0.5 * (offset / TELLURIC_LENGTH) ** 2)
        lines = np.convolve(rng.standard_normal(len(x) + 24), kernel / np.sqrt((kernel**2).sum()), mode="valid")
        patterns.append(envelope * (1 + TELLURIC_STRUCTURE * lines))
    return patterns
