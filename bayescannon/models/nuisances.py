r"""
Nuisances of a star: errors of its velocity, its line spread and its continuum, which no label describes.

With x = ln lambda, the spectrum m(x; l) = theta . v(l) of a star at rest, whose lines have the spread of the training,
becomes in the frame in which it was prepared

    F = m - delta m' + (delta^2 / 2 + q) m'' + sum_k c_k P_k m,
    delta = velocity / c,    q = change of the line spread's variance / (2 c^2),

where P_k are Legendre polynomials of the wavelength. The first terms are a shift to second order, m(x - delta); a
convolution with a Gaussian of variance s^2 is m + (s^2 / 2) m'' to first order, and a negative q makes lines narrower.
A velocity is positive if the lines are at longer wavelengths than in the training. Its prior, and those of the change
of the variance and of c_k, are normal with mean 0. Amplitudes are in units of the prior's standard deviation:

    a ~ Normal(0, 1),    velocity = sigma_v a_1,    change of the variance = sigma_ls^2 a_2,    c_k = sigma_c a_(3 + k).
"""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.polynomial import legendre

from bayescannon.data.raw_spectrum import SPEED_OF_LIGHT
from bayescannon.data.speeds import speed
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.real_numbers import real_number
from bayescannon.numerics.typing import FloatArray
from bayescannon.numerics.whole_numbers import whole_number

_C_KM_S = SPEED_OF_LIGHT / 1000
# beyond this many standard deviations of its prior a nuisance is large
LARGE = 3.0
CONTINUUM_ORDER = 3
VELOCITY, LINE_SPREAD = "velocity", "line_spread"


@dataclass(frozen=True)
class Nuisances:
    """
    Prior widths of a star's nuisances; a nuisance of width 0 is left out.

    Shifts are found up to about two standard deviations of a line. Stars with larger ones do not settle: their status
    is NOT_CONVERGED.

    Attributes
    ----------
    velocity : float
        Standard deviation of the velocity error [km/s]; a text ("5km/s") and a Quantity are converted.
    line_spread : float
        [km/s]; the standard deviation of the change of the line spread's variance is the square of it.
    continuum : float
        Standard deviation of the coefficients of the continuum's Legendre polynomials.
    continuum_order : int
        Highest order of these polynomials.

    Examples
    --------
    >>> import bayescannon as bc
    >>> nuisances = bc.Nuisances(velocity="20km/s", continuum=0.01, continuum_order=1)
    >>> nuisances.describe()
    'velocity 20 km/s, continuum 0.01 to order 1'
    >>> nuisances.names
    ('velocity', 'continuum_0', 'continuum_1')
    >>> bool(bc.Nuisances())
    False
    """

    velocity: float = 0.0
    line_spread: float = 0.0
    continuum: float = 0.0
    continuum_order: int = CONTINUUM_ORDER

    def __post_init__(self) -> None:
        object.__setattr__(self, "velocity", speed(self.velocity, "the velocity prior"))
        object.__setattr__(self, "line_spread", speed(self.line_spread, "the line-spread prior"))
        width = real_number(self.continuum, "the continuum prior")
        if width < 0:
            raise InputError(f"the continuum prior must not be negative; got {width:g}")
        object.__setattr__(self, "continuum", width)
        object.__setattr__(self, "continuum_order", whole_number(self.continuum_order, "continuum_order"))

    def __bool__(self) -> bool:
        return len(self.names) > 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the M amplitudes, in order."""
        orders = range(self.continuum_order + 1) if self.continuum else ()
        single = [name for name in (VELOCITY, LINE_SPREAD) if getattr(self, name)]
        return (*single, *(f"continuum_{k}" for k in orders))

    @property
    def n_continuum(self) -> int:
        """Number of Legendre polynomials."""
        return self.continuum_order + 1 if self.continuum else 0

    @property
    def shift_scale(self) -> float:
        """Standard deviation of delta."""
        return self.velocity / _C_KM_S

    @property
    def spread_scale(self) -> float:
        """Standard deviation of q."""
        return self.line_spread**2 / (2 * _C_KM_S**2)

    def describe(self) -> str:
        """Name the nuisances and their widths in a phrase; "none" of none."""
        parts = [f"velocity {self.velocity:g} km/s"] if self.velocity else []
        parts += [f"line spread {self.line_spread:g} km/s"] if self.line_spread else []
        parts += [f"continuum {self.continuum:g} to order {self.continuum_order}"] if self.continuum else []
        return ", ".join(parts) or "none"

    def factors(self, amplitudes: Any) -> tuple[Any, Any, Any]:
        """
        Return the factors of m' and m'' and the coefficients c_k, of amplitudes (..., M).

        Returns
        -------
        first, second : arrays of shape (...)
            -delta, and delta^2 / 2 + q.
        continuum : array of shape (..., n_continuum)
        """
        place = 0
        delta, second = 0.0 * amplitudes[..., 0], 0.0 * amplitudes[..., 0]
        if self.velocity:
            delta = self.shift_scale * amplitudes[..., 0]
            second, place = delta**2 / 2, 1
        if self.line_spread:
            second, place = second + self.spread_scale * amplitudes[..., place], place + 1
        return -delta, second, self.continuum * amplitudes[..., place:]

    def amplitudes(self, delta: float, q: float) -> FloatArray:
        """Return the amplitudes (M,) of a shift and a change of the line spread; what has no prior must be 0."""
        values = np.zeros(len(self.names))
        for name, value, scale in ((VELOCITY, delta, self.shift_scale), (LINE_SPREAD, q, self.spread_scale)):
            if name in self.names:
                values[self.names.index(name)] = value / scale
        return values

    def in_units(self, amplitudes: FloatArray, name: str) -> FloatArray:
        """
        Return the velocity [km/s] or the change of the line spread's variance [km^2/s^2] of amplitudes (..., M).

        NaN where that is not among the nuisances.
        """
        if name not in self.names:
            return np.full(amplitudes.shape[:-1], np.nan)
        scale = self.velocity if name == VELOCITY else self.line_spread**2
        values: FloatArray = scale * amplitudes[..., self.names.index(name)]
        return values


@dataclass(frozen=True)
class ResponseSpectra:
    """
    What the spectrum of a star with nuisances is made of, on P pixels.

    Attributes
    ----------
    theta, first, second : float arrays of shape (P, T)
        The coefficients and their derivatives by ln lambda.
    continuum : float array of shape (P, n_continuum)
        Legendre polynomials.
    """

    theta: FloatArray
    first: FloatArray
    second: FloatArray
    continuum: FloatArray

    @classmethod
    def of(
        cls, wavelength: FloatArray, spectra: tuple[FloatArray, FloatArray, FloatArray], nuisances: Nuisances
    ) -> Self:
        """Put theta and its derivatives together with the polynomials, whose range is that of the grid."""
        low, high = wavelength[0], wavelength[-1]
        x = (2 * wavelength - low - high) / (high - low)
        polynomials = legendre.legvander(x, nuisances.continuum_order)[:, : nuisances.n_continuum]
        return cls(*spectra, polynomials)

    def select(self, pixels: Any) -> Self:
        """Return the spectra of some of the pixels."""
        return type(self)(*(getattr(self, item.name)[pixels] for item in fields(self)))

    def astype(self, dtype: Any) -> Self:
        """Return the spectra in another number type."""
        return type(self)(*(getattr(self, item.name).astype(dtype, order="C") for item in fields(self)))

    def flux(self, vectors: Any, amplitudes: Any, nuisances: Nuisances) -> Any:
        """Return F of label vectors (..., T) and amplitudes (..., M), numbers or symbols: shape (..., P)."""
        first, second, continuum = nuisances.factors(amplitudes)
        flux = vectors @ self.theta.T + first[..., None] * (vectors @ self.first.T)
        flux = flux + second[..., None] * (vectors @ self.second.T)
        if nuisances.n_continuum:
            flux = flux + (continuum @ self.continuum.T) * (vectors @ self.theta.T)
        return flux
