"""
What odd spectra have and others have not: lines in emission, bands of carbon, and lines of the sky.

Each is a template on a grid of vacuum wavelengths, as it is left after the continuum was divided by a running mean.
Wavelengths are those of :mod:`bayescannon.data.spectral_features`. The C2 bands (Swan system) and the violet system of
CN have their heads at the red end and fade to the blue. Lines of the sky are at rest with the observer: those of
:data:`bayescannon.data.preset.SKY_LINES`, and the strongest bands of OH (Hanuschik 2003, A&A 407, 1157, rounded).
"""

import numpy as np

from bayescannon.data.air import to_vacuum
from bayescannon.data.continuum import running_mean
from bayescannon.data.preset import SKY_LINES
from bayescannon.data.spectral_features import named_feature
from bayescannon.numerics.typing import BoolArray, FloatArray

# Balmer lines with the height of their emission relative to that of H alpha
EMISSION_LINES = {"H alpha": 1.0, "H beta": 0.5, "H gamma": 0.3, "H delta": 0.2}
# full width at half maximum over wavelength: that of a survey of R = 1800 and of 100 km/s
EMISSION_WIDTH = 6.5e-4
# bands of cool carbon stars with their relative depth at the head
CARBON_BANDS = {"CN 4215": 0.6, "C2 4668": 0.8, "C2 5165": 1.0, "C2 5635": 0.7}
# bands fade over this length from their heads [Angstrom]
_BAND_LENGTH = 70.0
# air wavelengths of strong lines of OH [Angstrom]
OH_LINES = (7276.4, 7316.3, 7340.9, 7750.6, 7794.1, 7821.5, 7913.7, 7964.7, 7993.3, 8344.6, 8399.2, 8430.2, 8465.4,
            8505.1, 8827.1, 8885.9, 8919.6, 8943.4, 8958.1)  # fmt: skip
_SKY_HALF_WIDTH = 4.0
# of the running mean that the continuum is divided by [Angstrom]
_RUNNING_MEAN = 50.0


def emission_template(wavelength: FloatArray) -> FloatArray:
    """Return Balmer lines in emission on a grid (P,); 0 everywhere if it has none of them."""
    template = np.zeros(len(wavelength))
    for name, height in EMISSION_LINES.items():
        for centre in named_feature(name).centres:
            sigma = centre * EMISSION_WIDTH / np.sqrt(8 * np.log(2))
            template += height * np.exp(-0.5 * ((wavelength - centre) / sigma) ** 2)
    return _without_mean(wavelength, np.where(template > 1e-6, template, 0.0))


def carbon_template(wavelength: FloatArray) -> FloatArray:
    """Return bands of C2 and CN in absorption on a grid (P,); 0 everywhere if it has none of them."""
    template = np.zeros(len(wavelength))
    for name, depth in CARBON_BANDS.items():
        head = named_feature(name).spans[0][1]
        along = (head - wavelength) / _BAND_LENGTH
        template -= np.where((along >= 0) & (along < 3), depth * np.exp(-np.maximum(along, 0.0)), 0.0)
    return _without_mean(wavelength, template)


def near_sky_lines(wavelength: FloatArray, redshift: FloatArray) -> BoolArray:
    """
    Return which pixels are near to a line of the sky, shape (N, P).

    Parameters
    ----------
    wavelength : float array of shape (P,)
        Vacuum, at rest with the stars, in Angstrom.
    redshift : float array of shape (N,)
        By which the spectra were shifted to rest; no pixel is near for NaN.
    """
    lines = to_vacuum(np.array(sorted(SKY_LINES + OH_LINES)))
    near = np.zeros((len(redshift), len(wavelength)), dtype=bool)
    for n, z in enumerate(redshift):
        if np.isfinite(z):
            observed = wavelength * (1 + z)
            place = np.searchsorted(lines, observed).clip(1, len(lines) - 1)
            off = np.minimum(np.abs(observed - lines[place - 1]), np.abs(observed - lines[place]))
            near[n] = off <= _SKY_HALF_WIDTH
    return near


def _without_mean(wavelength: FloatArray, template: FloatArray) -> FloatArray:
    """Return a template less its running mean, which the continuum takes away; 0 stays 0."""
    if not template.any():
        return template
    # the mean of positive numbers only is defined
    lifted = template[None] - template.min() + 1.0
    mean = running_mean(lifted, np.ones_like(lifted), wavelength, _RUNNING_MEAN)
    result: FloatArray = (lifted - mean)[0]
    return result
