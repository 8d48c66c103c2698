"""Spectra as read (ragged) and spectra on one grid (a rectangle that checks itself)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


class SpectrumError(InputError):
    """One spectrum that cannot be used; the message is the reason in plain words."""


class GridError(InputError):
    """Spectra and model are on different wavelength grids."""


@dataclass(frozen=True)
class RawSpectrum:
    """
    One spectrum as its survey delivered it.

    Attributes
    ----------
    id : str
        Name of the file without folder and endings.
    wavelength : float64 array of shape (pixel,)
        Vacuum wavelength in Angstrom as observed (heliocentric, not at rest), ascending.
    flux, ivar : float64 arrays of shape (pixel,)
        Flux in the survey's unit and its inverse variance; may hold bad values, as delivered.
    mask : uint32 array of shape (pixel,)
        Bits of the survey's AND mask; 0 is good.
    redshift : float
        z = v/c of the star.
    ra, dec : float
        ICRS position in degrees; NaN where unknown.
    snr : float
        The survey's signal-to-noise ratio in the g band; NaN where unknown.
    meta : mapping
        Further header values as str: those of :data:`IDENTITY_COLUMNS` that are known, ``layout``, ``path``.
    """

    id: str
    wavelength: FloatArray
    flux: FloatArray
    ivar: FloatArray
    mask: NDArray[np.uint32]
    redshift: float
    ra: float = np.nan
    dec: float = np.nan
    snr: float = np.nan
    meta: Mapping[str, str] = field(default_factory=dict)


# one value a star, beside the pixels
STAR_COLUMNS = ("ra", "dec", "redshift", "snr")
# what a star and its spectrum are called: text, blank where unknown
IDENTITY_COLUMNS = (
    "obsid", "designation", "class", "subclass", "release", "object_name", "object_catalogue", "gaia_id", "twomass_id",
    "survey_id",
)  # fmt: skip


@dataclass(frozen=True)
class Spectra:
    """
    Normalised spectra of N stars on one grid of P pixels; a dead pixel has inverse variance 0.

    Attributes
    ----------
    wavelength : float64 array of shape (P,)
        Vacuum rest wavelength in Angstrom, ascending.
    flux, ivar : float arrays of shape (N, P)
        Normalised flux and its inverse variance. Finite everywhere; ivar >= 0.
    id : str array of shape (N,)
        Unique names of the stars' spectra.
    columns : mapping of str to array of shape (N,)
        Values of each star: ``ra``, ``dec`` [deg], ``redshift``, ``snr`` and whatever else the reader knew.
    attrs : mapping
        How the spectra were prepared: preset, data release, version.

    Raises
    ------
    ValueError
        On construction, if shapes, finiteness, signs, order or uniqueness are not as said above.
    """

    wavelength: NDArray[np.float64]
    flux: FloatArray
    ivar: FloatArray
    id: NDArray[np.str_]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n_star, n_pixel = len(self.id), len(self.wavelength)
        for name in ("flux", "ivar"):
            shape = getattr(self, name).shape
            if shape != (n_star, n_pixel):
                raise InputError(
                    f"{name} must have shape (star, pixel) = {(n_star, n_pixel)} to go with id and "
                    f"wavelength; got {shape}"
                )
        for name, values in self.columns.items():
            if len(values) != n_star:
                raise InputError(f"column {name!r} must have one value a star ({n_star}); got {len(values)}")
        if not (np.all(np.isfinite(self.wavelength)) and np.all(np.diff(self.wavelength) > 0)):
            raise InputError("wavelength must be finite and strictly ascending; sort the pixels first")
        if not (np.isfinite(self.flux).all() and np.isfinite(self.ivar).all()):
            raise InputError("flux and ivar must be finite; a dead pixel is one with ivar = 0")
        if (self.ivar < 0).any():
            raise InputError("ivar must not be negative; a dead pixel is one with ivar = 0")
        if len(set(self.id)) < n_star:
            names, counts = np.unique(self.id, return_counts=True)
            raise InputError(f"ids must be unique; {str(names[counts > 1][0])!r} occurs {counts.max()} times")

    def __len__(self) -> int:
        return len(self.id)

    def select(self, index: Any) -> "Spectra":
        """Return the stars of a boolean mask or an index array of shape (N,) or (n_selected,)."""
        return Spectra(
            self.wavelength,
            self.flux[index],
            self.ivar[index],
            self.id[index],
            {name: values[index] for name, values in self.columns.items()},
            self.attrs,
        )

    def to_xarray(self) -> xr.Dataset:
        """Return the spectra as a Dataset with dims star and pixel."""
        return xr.Dataset(
            {
                "flux": (("star", "pixel"), self.flux, {"long_name": "normalised flux"}),
                "ivar": (("star", "pixel"), self.ivar, {"long_name": "inverse variance of flux; 0 is dead"}),
                **{name: ("star", values) for name, values in self.columns.items()},
            },
            coords={
                "star": self.id,
                "wavelength": ("pixel", self.wavelength, {"units": "Angstrom", "long_name": "vacuum rest"}),
            },
            attrs=dict(self.attrs),
        )

    @classmethod
    def from_xarray(cls, dataset: xr.Dataset) -> "Spectra":
        """Load a Dataset with dims star and pixel, as :meth:`to_xarray` makes it, into memory."""
        return cls(
            dataset["wavelength"].to_numpy().astype(np.float64),
            dataset["flux"].to_numpy(),
            dataset["ivar"].to_numpy(),
            dataset["star"].to_numpy().astype(np.str_),
            {str(k): v.to_numpy() for k, v in dataset.data_vars.items() if v.dims == ("star",)},
            dataset.attrs,
        )


def require_same_grid(wavelength: FloatArray, expected: FloatArray, *, got_from: str, want_from: str) -> None:
    """
    Raise unless two wavelength grids, shape (pixel,), are the same to 1e-6 of a wavelength.

    Raises
    ------
    GridError
        The grids differ; the message names both.
    """
    if len(wavelength) == len(expected) and np.allclose(wavelength, expected, rtol=1e-6, atol=0):
        return
    raise GridError(
        f"{want_from} is on the grid {describe_grid(expected)}, but {got_from} on the grid "
        f"{describe_grid(wavelength)}; prepare the spectra on the model's grid, or train on theirs"
    )


def describe_grid(wavelength: FloatArray) -> str:
    """Describe a grid in a phrase: number of pixels, first and last wavelength."""
    if len(wavelength) == 0:
        return "of 0 pixels"
    return f"of {len(wavelength)} pixels from {wavelength[0]:.2f} to {wavelength[-1]:.2f} A"
