"""The continuum of spectra: a running Gaussian mean, and division by it (Ho et al. 2017, eq. 1-2)."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.grid import pieces
from bayescannon.numerics.typing import FloatArray

# Gaussian weights below this fraction of the largest are left out of the running mean
NEGLIGIBLE = 1e-17


def normalise(
    flux: FloatArray, ivar: FloatArray, wavelength: FloatArray, width: float = 50.0
) -> tuple[FloatArray, FloatArray]:
    r"""
    Divide spectra by their running Gaussian mean (Ho et al. 2017, eq. 1-2).

    :math:`\bar f(\lambda_0) = \sum_i f_i w_i \sigma_i^{-2} / \sum_i w_i \sigma_i^{-2}` with
    :math:`w_i = \exp(-(\lambda_0 - \lambda_i)^2 / L^2)` and no factor 2. The flux becomes
    :math:`f / \bar f`, the inverse variance is multiplied by :math:`\bar f^2`. The mean does not reach over a gap of
    the grid, such as that between two arms, whose fluxes may have different scales.

    Parameters
    ----------
    flux, ivar : arrays of shape (star, pixel)
        A dead pixel has ivar 0; its flux is not used but must be finite.
    wavelength : array of shape (pixel,)
        Ascending, in Angstrom.
    width : float
        L in Angstrom.

    Returns
    -------
    flux, ivar : float64 arrays of shape (star, pixel)
        Dead pixels, and pixels where the mean is not positive, have flux 1 and ivar 0.
    """
    flux, ivar, wavelength = np.asarray(flux), np.asarray(ivar), np.asarray(wavelength)
    mean = running_mean(flux, ivar, wavelength, width)
    live = np.isfinite(mean)
    mean = np.where(live, mean, 1.0)
    return np.where(live, flux / mean, 1.0), np.where(live, ivar * mean**2, 0.0)


def running_mean(flux: FloatArray, ivar: FloatArray, wavelength: FloatArray, width: float) -> FloatArray:
    """
    Return the running Gaussian mean of eq. 1 (Ho et al. 2017) in live pixels, shape (star, pixel).

    Parameters are those of :func:`normalise`. NaN in dead pixels, and where the mean is not positive.
    """
    weighted = np.concatenate([flux * ivar, ivar])
    sums = np.empty_like(weighted, dtype=np.float64)
    for piece in pieces(wavelength):
        sums[:, piece] = _running_sums(weighted[:, piece], wavelength[piece], width)
    numerator, denominator = np.split(sums, 2)
    live = (ivar > 0) & (numerator > 0) & (denominator > 0)
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=live)


def _running_sums(values: FloatArray, wavelength: FloatArray, width: float) -> NDArray[np.float64]:
    """Return sums of values (row, pixel) with Gaussian weights around each pixel, of a grid without gaps."""
    sums = np.empty_like(values, dtype=np.float64)
    reach = width * np.sqrt(-np.log(NEGLIGIBLE))
    # the weights are a band matrix: multiply only the blocks that contain the band
    for start in range(0, len(wavelength), 256):
        centre = wavelength[start : start + 256]
        near = slice(np.searchsorted(wavelength, centre[0] - reach), np.searchsorted(wavelength, centre[-1] + reach))
        weights = np.exp(-(((wavelength[near, None] - centre) / width) ** 2))
        sums[:, start : start + 256] = values[:, near] @ weights
    return sums
