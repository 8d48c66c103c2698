"""
Effects of interstellar matter on a spectrum: diffuse bands, the sodium doublet, reddening.

Bands and lines have the velocity of the interstellar matter and not of the star, so in the star's rest frame they are
at slightly different wavelengths for different stars. They are the information on A_K in spectra (Ho et al. 2017,
section 3 and figure 4: the coefficient of A_K peaks at the diffuse bands and at Na D).

Band strengths are rounded averages over the field of equivalent width per E(B-V), converted to widths per A_K with
E(B-V) = 2.8 A_K. The bands of each star scatter about the mean, as those of real stars do because of skin effect and
cloud chemistry.
"""

from dataclasses import dataclass

import numpy as np

from bayescannon.data.spectral_features import INTERSTELLAR_BANDS, SODIUM_D
from bayescannon.mock.optics import C_KM_S, FWHM_PER_SIGMA, RESOLUTION
from bayescannon.numerics.typing import FloatArray

EBV_PER_A_K = 2.8
# equivalent widths of the bands per E(B-V) [A/mag]
_BAND_WIDTHS = (2.00, 0.90, 0.52, 0.18, 0.25, 1.10, 0.23, 0.36)
# vacuum wavelength [A], equivalent width per E(B-V) [A/mag], full width at half maximum [A]
DIFFUSE_BANDS = np.array(
    [(band.wavelength, width, band.fwhm) for band, width in zip(INTERSTELLAR_BANDS, _BAND_WIDTHS, strict=True)]
)
# vacuum wavelength [A] and equivalent width of the saturated line [A]
SODIUM_LINES = np.column_stack([SODIUM_D, (0.85, 0.70)])
# A_K at which the sodium lines have reached 63 % of their saturated strength
SODIUM_A_K = 0.08
# scatter of the logarithm of the strengths: common to all bands of a star, of each band, of sodium; and the standard
# deviation of the velocity of the matter [km/s]
COMMON_SCATTER = 0.10
BAND_SCATTER = 0.10
SODIUM_SCATTER = 0.25
VELOCITY_WIDTH = 12.0


@dataclass(frozen=True)
class Sightlines:
    """
    The interstellar matter in front of each star.

    Attributes
    ----------
    a_k : array of shape (star,)
        K-band extinction in mag.
    velocity : array of shape (star,)
        Heliocentric velocity of the matter in km/s.
    band_factor : array of shape (star, band)
        Strength of each diffuse band relative to its mean at that A_K.
    sodium_factor : array of shape (star,)
        The same for the sodium doublet.
    """

    a_k: FloatArray
    velocity: FloatArray
    band_factor: FloatArray
    sodium_factor: FloatArray


def draw_sightlines(a_k: FloatArray, rng: np.random.Generator) -> Sightlines:
    """Draw the interstellar matter of stars with the extinctions `a_k`, shape (star,)."""
    n_star = len(a_k)
    common = COMMON_SCATTER * rng.standard_normal((n_star, 1))
    own = BAND_SCATTER * rng.standard_normal((n_star, len(DIFFUSE_BANDS)))
    return Sightlines(
        a_k,
        VELOCITY_WIDTH * rng.standard_normal(n_star),
        np.exp(common + own),
        np.exp(SODIUM_SCATTER * rng.standard_normal(n_star)),
    )


def transmission(wavelength: FloatArray, sightlines: Sightlines) -> FloatArray:
    """
    Return exp(-tau) of the diffuse bands and the sodium doublet.

    Parameters
    ----------
    wavelength : array of shape (pixel,)
        Vacuum, heliocentric, in Angstrom.
    sightlines : Sightlines

    Returns
    -------
    transmission : array of shape (star, pixel)
    """
    tau = np.zeros((len(sightlines.a_k), len(wavelength)))
    ebv = EBV_PER_A_K * sightlines.a_k
    for k, (centre, width_per_ebv, fwhm) in enumerate(DIFFUSE_BANDS):
        _add_line(tau, wavelength, centre, width_per_ebv * ebv * sightlines.band_factor[:, k], fwhm, sightlines)
    strength = sightlines.sodium_factor * (1 - np.exp(-sightlines.a_k / SODIUM_A_K))
    for centre, saturated_width in SODIUM_LINES:
        _add_line(tau, wavelength, centre, saturated_width * strength, 0.0, sightlines)
    return np.exp(-tau)


def reddening(wavelength: FloatArray, a_k: FloatArray) -> FloatArray:
    """
    Return the fraction of light that is not extinguished, relative to 5500 A.

    The curve is A(lambda) / A_K = 8.8 (5500 A / lambda)^1.35, a smooth approximation of the mean Galactic curve between
    3700 and 9100 A.

    Parameters
    ----------
    wavelength : array of shape (pixel,)
        Vacuum, in Angstrom.
    a_k : array of shape (star,)
        K-band extinction in mag.

    Returns
    -------
    share : array of shape (star, pixel)
    """
    curve = 8.8 * ((5500.0 / wavelength) ** 1.35 - 1)
    return 10 ** (-0.4 * np.outer(a_k, curve))


def _add_line(
    tau: FloatArray,
    wavelength: FloatArray,
    centre: float,
    equivalent_width: FloatArray,
    fwhm: float,
    sightlines: Sightlines,
) -> None:
    """Add a Gaussian line at the survey's resolution to tau of shape (star, pixel), in place."""
    sigma = np.hypot(fwhm, centre / RESOLUTION) / FWHM_PER_SIGMA
    # six sigma of the line and of the velocity
    reach = 6 * sigma + centre * 6 * VELOCITY_WIDTH / C_KM_S
    near = np.abs(wavelength - centre) < reach
    middle = centre * (1 + sightlines.velocity / C_KM_S)
    depth = equivalent_width / (sigma * np.sqrt(2 * np.pi))
    tau[:, near] += depth[:, None] * np.exp(-0.5 * ((wavelength[near] - middle[:, None]) / sigma) ** 2)
