"""Wavelengths in air and in vacuum: the refractive index of standard air of Ciddor (1996)."""

import numpy as np
from numpy.typing import NDArray

from bayescannon.numerics.typing import FloatArray

# by convention wavelengths below this [Angstrom] are given in vacuum, also in tables of air wavelengths
SHORTEST_IN_AIR = 2000.0
# each round lowers the error by the index's change with wavelength, a factor of 1e5
_ROUNDS = 3


def to_air(wavelength: FloatArray) -> NDArray[np.float64]:
    """
    Convert wavelengths in vacuum [Angstrom], shape (pixel,), to air.

    Ciddor (1996, Applied Optics 35, 1566), equation 1: dry air at 15 C and 101325 Pa with 450 ppm of CO2, as SDSS uses
    it. Wavelengths below 2000 Angstrom stay as they are.

    Examples
    --------
    >>> to_air(np.array([6564.61])).round(2).tolist()
    [6562.8]
    """
    vacuum = np.asarray(wavelength, dtype=np.float64)
    return np.where(vacuum < SHORTEST_IN_AIR, vacuum, vacuum / _index(vacuum))


def to_vacuum(wavelength: FloatArray) -> NDArray[np.float64]:
    """
    Convert wavelengths in air [Angstrom], shape (pixel,), to vacuum: the inverse of :func:`to_air`, to 1e-9 Angstrom.

    Examples
    --------
    The lines H alpha and [O III] of SDSS's table of emission lines:

    >>> to_vacuum(np.array([6562.80, 5006.843])).round(2).tolist()
    [6564.61, 5008.24]
    """
    air = np.asarray(wavelength, dtype=np.float64)
    vacuum = air
    for _ in range(_ROUNDS):
        vacuum = air * _index(vacuum)
    return np.where(air < SHORTEST_IN_AIR, air, vacuum)


def _index(vacuum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the refractive index of air at wavelengths in vacuum [Angstrom]."""
    # the square of the wavenumber in 1/micron^2; 1 A is far below the validity, where the result is not used
    wavenumber2 = (1e4 / np.maximum(vacuum, SHORTEST_IN_AIR / 2)) ** 2
    return 1 + 0.05792105 / (238.0185 - wavenumber2) + 0.00167917 / (57.362 - wavenumber2)
