"""One spectrum as delivered by its survey."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.convert import bits, number, numbers, texts
from bayescannon.data.display import html_table
from bayescannon.data.grid import describe_grid, wavelengths
from bayescannon.data.parts import UNKNOWN, a_kind, either, split
from bayescannon.data.units import require_linear, to_unit
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.truth import truth
from bayescannon.numerics.typing import BoolArray, FloatArray

ALL_BITS = 0xFFFFFFFF
SPEED_OF_LIGHT = 299_792_458.0  # m/s


class SpectrumError(InputError):
    """A spectrum that cannot be used; the message says why."""


@dataclass(frozen=True, eq=False, repr=False)
class RawSpectrum:
    """
    One spectrum as delivered by its survey.

    Lists, masked arrays, other number types and byte orders, and Quantities are converted. A masked pixel gets inverse
    variance 0, and a spectrum with descending wavelengths is reversed.

    Attributes
    ----------
    id : str
        Name of the file without folder and endings.
    wavelength : float64 array of shape (pixel,)
        Wavelength in Angstrom as observed (heliocentric, not at rest), in vacuum unless `air` is True, ascending. A
        Quantity may be in any unit of length.
    flux, ivar : float64 arrays of shape (pixel,)
        Flux in the survey's unit and its inverse variance, as delivered: bad pixels may hold any value. A Quantity
        `flux` may have any linear unit, no magnitudes, and a Quantity `ivar` the inverse square of it.
    mask : uint32 array of shape (pixel,)
        Bits of the survey's AND mask, whole numbers that are not negative; 0 is good. Integers are kept as they are,
        and the preset of the preparation decides which bits make a pixel bad: "paper" ignores all of them. In a mask of
        booleans, True marks a dead pixel.
    redshift : float
        z = v/c of the star; 0 for a spectrum at rest. A Quantity may be a velocity. A spectrum without it cannot be
        prepared.
    ra, dec : float
        ICRS position in degrees; NaN where unknown.
    snr : float
        The survey's signal-to-noise ratio in the g band; NaN where unknown.
    meta : mapping
        Further header values as str: ``obsid``, ``class``, ``subclass``, ``release``, ``layout``, ``path``.
    air : bool or None
        Whether the wavelengths are in air; the preparation converts those to vacuum. None where the survey does not
        say; they are taken for vacuum then.

    Raises
    ------
    SpectrumError
        Wavelengths that are not sorted, or numbers that are not in Angstrom.
    InputError, InputTypeError
        Arrays of different shapes, or arrays that do not hold numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.data.spectra import RawSpectrum
    >>> flux = np.ma.array([1.0, 2.0, 1e9], mask=[False, False, True])
    >>> raw = RawSpectrum("star-1", [5000, 5001, 5002], flux, np.ones(3), redshift=1e-4)
    >>> raw
    <RawSpectrum star-1: 3 pixels from 5000.00 to 5002.00 A, 2 of them good; redshift 0.0001>
    >>> raw.ivar
    array([1., 1., 0.])
    """

    id: str
    wavelength: FloatArray
    flux: FloatArray
    ivar: FloatArray
    mask: NDArray[np.uint32] = UNKNOWN
    redshift: float = np.nan
    ra: float = np.nan
    dec: float = np.nan
    snr: float = np.nan
    meta: Mapping[str, str] = field(default_factory=dict)
    air: bool | None = None

    def __post_init__(self) -> None:
        if np.ndim(self.id) != 0:
            raise InputTypeError(f"id must be one name; got {self.id!r}. Make one RawSpectrum per star")
        # the scale is checked in prepare_block, where one bad star of many is refused with the reason
        wavelength = wavelengths(self.wavelength, error=SpectrumError, any_scale=True)
        require_linear(split(self.flux, "flux").unit, "flux")
        flux, dead = numbers(self.flux, "flux")
        ivar, ivar_mask = numbers(self.ivar, "ivar")
        ivar = _in_flux_unit(ivar, split(self.ivar, "ivar").unit, split(self.flux, "flux").unit)
        mask, bad = _mask_bits(self.mask, wavelength.shape)
        for name, array in (("flux", flux), ("ivar", ivar), ("mask", mask)):
            if array.shape != wavelength.shape:
                raise InputError(
                    f"{name} must have the shape of wavelength, {wavelength.shape}; got {array.shape}. Make one "
                    "RawSpectrum per star"
                )
        dead = either(either(dead, ivar_mask), bad)
        if dead is not None and dead.any():
            flux, ivar = np.where(dead, 0.0, flux), np.where(dead, 0.0, ivar)
        values: dict[str, Any] = {"wavelength": wavelength, "mask": mask}
        values |= {"flux": flux.astype(np.float64, copy=False), "ivar": ivar.astype(np.float64, copy=False)}
        if wavelength[0] > wavelength[-1]:
            values = {name: np.ascontiguousarray(array[::-1]) for name, array in values.items()}
        values["id"] = str(texts([self.id], "id")[0])
        values["redshift"] = _redshift(self.redshift)
        values |= {
            name: number(getattr(self, name), name, unit=unit)
            for name, unit in (("ra", "deg"), ("dec", "deg"), ("snr", ""))
        }
        if not isinstance(self.meta, Mapping | None):
            raise InputTypeError(f"meta must map names to texts; got {a_kind(self.meta)}")
        values["meta"] = {} if self.meta is None else self.meta
        values["air"] = None if self.air is None else truth(self.air, "air")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.wavelength)

    def __repr__(self) -> str:
        facts = self._facts()
        return (
            f"<RawSpectrum {self.id}: {facts['grid'].removeprefix('of ')}, {facts['good pixels']} of them good; "
            f"redshift {facts['redshift']}>"
        )

    def _repr_html_(self) -> str:
        """Show the spectrum as a small table in a notebook."""
        return html_table("RawSpectrum", self._facts())

    def _facts(self) -> dict[str, str]:
        good = int((np.isfinite(self.flux) & np.isfinite(self.ivar) & (self.ivar > 0)).sum())
        values = {name: f"{getattr(self, name):g}" for name in ("redshift", "ra", "dec", "snr")}
        return {"id": self.id, "grid": describe_grid(self.wavelength), "good pixels": str(good), **values}


def _in_flux_unit(ivar: FloatArray, unit: Any, flux_unit: Any) -> FloatArray:
    """Return an inverse variance in the unit of flux^-2."""
    if unit is None:
        return ivar
    import astropy.units as u

    square = u.dimensionless_unscaled if flux_unit is None else u.Unit(flux_unit) ** -2
    remedy = "ivar is 1 / error**2, in the inverse square of the unit of flux"
    return to_unit(ivar, unit, square, "ivar", remedy=remedy)


def _mask_bits(given: Any, shape: tuple[int, ...]) -> tuple[NDArray[np.uint32], BoolArray | None]:
    """Return the bits of a mask, and the dead pixels of a mask of booleans; without a mask no bit is set."""
    # np.ma.nomask is a plain False
    if given is None or (np.ndim(given) == 0 and not given):
        return np.zeros(shape, dtype=np.uint32), None
    parts = split(given, "mask")
    if parts.values.dtype == np.bool_:
        bad = parts.values if parts.mask is None else parts.values | parts.mask
        return np.where(bad, np.uint32(ALL_BITS), np.uint32(0)), bad if bad.shape == shape else None
    if parts.values.dtype == np.uint32 and parts.mask is None:
        return parts.values.astype(np.uint32, copy=False), None
    if parts.values.dtype.kind in "SUTM":
        raise InputTypeError(f"mask holds {a_kind(given)}; expected whole numbers, which are bits, or booleans")
    low = np.where(False if parts.mask is None else parts.mask, 0, parts.values).min(initial=0)
    if low < 0:
        raise InputError(f"mask must hold bits, whole numbers that are not negative; got {low}")
    # a value that does not fit in 32 bits, or is missing, sets every bit
    return np.minimum(bits(given, "mask", missing=ALL_BITS), ALL_BITS).astype(np.uint32), None


def _redshift(given: Any) -> float:
    """Return z = v/c of a plain number or of a velocity with its unit."""
    unit = split(given, "redshift").unit
    if unit is None or not str(unit):
        return number(given, "redshift")
    return number(given, "redshift", unit="m/s", remedy="give z = v/c, or a velocity") / SPEED_OF_LIGHT
