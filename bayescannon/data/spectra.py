"""Normalised spectra on one wavelength grid, checked on construction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayescannon.data.convert import column, numbers, texts
from bayescannon.data.display import html_table, listed
from bayescannon.data.grid import GridError, describe_grid, require_same_grid, wavelengths
from bayescannon.data.parts import a_kind, either, require_row_names, split
from bayescannon.data.raw_spectrum import RawSpectrum, SpectrumError
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray

__all__ = [
    "IDENTITY_COLUMNS",
    "STAR_COLUMNS",
    "GridError",
    "RawSpectrum",
    "Spectra",
    "SpectrumError",
    "describe_grid",
    "require_normalised",
    "require_same_grid",
]

# largest inverse variance of normalised flux: above it float32 does not resolve the flux to its error
LARGEST_IVAR = 1e13
# a median flux above this is not of normalised spectra, whose continuum is 1
LARGEST_CONTINUUM = 10.0
_NO_UNIT = "normalised flux has no unit; flux that has one goes into RawSpectrum, which prepare_spectra normalises"

# numbers that belong to a star
STAR_COLUMNS = ("ra", "dec", "redshift", "snr")
_COLUMN_UNITS = {"ra": "deg", "dec": "deg", "redshift": "", "snr": ""}
# names of a star and of its spectrum: text, blank where unknown
IDENTITY_COLUMNS = (
    "obsid", "designation", "class", "subclass", "release", "object_name", "object_catalogue", "gaia_id", "twomass_id",
    "survey_id",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Spectra:
    """
    Normalised spectra of N stars on one grid of P pixels; a dead pixel has inverse variance 0.

    Lists, frames, masked arrays, other number types and byte orders, and Quantities are converted; float32 and float64
    keep their type. If the index of a frame or a coordinate of a DataArray names the rows, they must be in the order of
    `id`. A pixel that is masked in flux or ivar is a dead pixel. The flux of a dead pixel is not used, and becomes 1 if
    it is not finite.

    Attributes
    ----------
    wavelength : float64 array of shape (P,)
        Vacuum rest wavelength in Angstrom, ascending. A Quantity may be in any unit of length.
    flux, ivar : float arrays of shape (N, P)
        Normalised flux and its inverse variance, without unit. Finite everywhere; ivar >= 0.
    id : str array of shape (N,)
        Unique names of the stars' spectra.
    columns : mapping of str to array of shape (N,)
        Values of each star: ``ra``, ``dec`` [deg], ``redshift``, ``snr`` and others that the reader provides. All are
        optional; without ``snr`` no star is flagged for low signal-to-noise.
    attrs : mapping
        The preparation of the spectra: preset, data release, version.

    Raises
    ------
    InputError, InputTypeError
        On construction, if shapes, finiteness, signs, order, units, uniqueness or the names of rows are not as
        described above.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescannon.data.spectra import Spectra
    >>> flux = np.ma.array([[1.0, 0.9, 1.0], [1.0, 0.8, 1e9]], mask=[[False] * 3, [False, False, True]])
    >>> spectra = Spectra([5000, 5001, 5002], flux, np.full((2, 3), 1e4), ["star-1", "star-2"], {"snr": [80, 100]})
    >>> spectra
    <Spectra of 2 stars on a grid of 3 pixels from 5000.00 to 5002.00 A, 83.3 % live; columns snr>
    >>> spectra.ivar[1]
    array([10000., 10000.,     0.])
    >>> spectra.select([True, False]).id
    array(['star-1'], dtype='<U6')
    """

    wavelength: NDArray[np.float64]
    flux: FloatArray
    ivar: FloatArray
    id: NDArray[np.str_]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if np.ndim(self.wavelength) == 2 and np.ndim(self.flux) == 1:
            raise InputError(
                "wavelength must have one dimension and flux two; got wavelength with two and flux with one. Check "
                "that wavelength and flux are not swapped"
            )
        flux, dead = numbers(self.flux, "flux", unit="", remedy=_NO_UNIT)
        ivar, ivar_mask = numbers(self.ivar, "ivar", unit="", remedy=_NO_UNIT)
        wavelength = wavelengths(self.wavelength)
        ids = texts(self.id, "id")
        for name, array in (("flux", flux), ("ivar", ivar)):
            _require_rectangle(name, array.shape, len(ids), len(wavelength))
        if wavelength[0] > wavelength[-1]:
            raise InputError(
                "wavelength must be ascending; got a descending one. Reverse it and the pixels: wavelength[::-1], "
                "flux[:, ::-1], ivar[:, ::-1]"
            )
        _refuse_swapped(flux, ivar)
        dead = either(dead, ivar_mask)
        if dead is not None:
            flux, ivar = np.where(dead, flux.dtype.type(1), flux), np.where(dead, ivar.dtype.type(0), ivar)
        if not isinstance(self.attrs, Mapping | None):
            raise InputTypeError(
                f"attrs must map names to values, such as {{'preset': 'paper'}}; got {a_kind(self.attrs)}"
            )
        for name, given in (("flux", self.flux), ("ivar", self.ivar), *_items(self.columns)):
            require_row_names(given, name, ids.tolist())
        values = {
            "wavelength": wavelength,
            "flux": _finite_flux(flux, ivar, ids),
            "ivar": ivar,
            "id": ids,
            "attrs": {} if self.attrs is None else self.attrs,
            "columns": {name: _star_column(given, name, len(ids)) for name, given in _items(self.columns)},
        }
        if len(set(ids)) < len(ids):
            names, counts = np.unique(ids, return_counts=True)
            raise InputError(f"ids must be unique; {str(names[counts > 1][0])!r} occurs {counts.max()} times")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        facts = self._facts()
        preset = f"; preset {facts['preset']}" if "preset" in facts else ""
        return (
            f"<Spectra of {facts['stars']} stars on a grid {facts['grid']}, {facts['live pixels']} live; columns "
            f"{facts['columns']}{preset}>"
        )

    def _repr_html_(self) -> str:
        """Show the spectra as a small table in a notebook."""
        return html_table("Spectra", self._facts())

    def _facts(self) -> dict[str, str]:
        live = f"{100 * np.count_nonzero(self.ivar) / self.ivar.size:.1f} %" if self.ivar.size else "none"
        facts = {
            "stars": str(len(self)),
            "grid": describe_grid(self.wavelength),
            "live pixels": live,
            "columns": listed(list(self.columns)),
        }
        return facts | {name: str(self.attrs[name]) for name in ("preset", "data_release") if self.attrs.get(name)}

    def __len__(self) -> int:
        return len(self.id)

    def select(self, index: Any) -> "Spectra":
        """Return the stars of a boolean mask or an index array of shape (N,) or (n_selected,)."""
        rows = row_index(index, len(self))
        return Spectra(
            self.wavelength,
            self.flux[rows],
            self.ivar[rows],
            self.id[rows],
            {name: values[rows] for name, values in self.columns.items()},
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
        """
        Load a Dataset with dims star and pixel, such as :meth:`to_xarray` returns, into memory.

        Raises
        ------
        InputError
            It lacks one of ``wavelength``, ``flux``, ``ivar`` and ``star``.
        """
        missing = [name for name in ("wavelength", "flux", "ivar", "star") if name not in dataset.variables]
        if missing:
            raise InputError(
                f"a Dataset of spectra must have flux and ivar with dims star and pixel, and the coordinates star and "
                f"wavelength; this one lacks {' and '.join(missing)}"
            )
        flux, ivar = (dataset[name].transpose("star", "pixel").to_numpy() for name in ("flux", "ivar"))
        # a DataArray, which keeps its unit
        wavelength: Any = dataset["wavelength"]
        columns = {
            str(name): values.to_numpy() for name, values in dataset.data_vars.items() if values.dims == ("star",)
        }
        return cls(wavelength, flux, ivar, dataset["star"].to_numpy(), columns, dataset.attrs)


def row_index(index: Any, n_row: int) -> Any:
    """
    Check an index of rows; return a slice, a boolean mask (n_row,) or an array of row numbers (n_selected,).

    What is masked is not chosen.

    Raises
    ------
    InputError
        A boolean mask of a different length, or an index that is out of range.
    InputTypeError
        Not a boolean mask, an index array or a slice.
    """
    if isinstance(index, slice):
        return index
    parts = split(index, "the index of rows")
    rows = np.atleast_1d(parts.values)
    if parts.mask is not None:
        known = ~np.atleast_1d(parts.mask)
        if rows.dtype.kind == "O" and all(isinstance(one, bool) for one in rows[known]):
            rows = np.where(known, rows, False).astype(np.bool_)
        rows = rows & known if rows.dtype == np.bool_ else rows[known]
    if rows.size == 0 and rows.dtype != np.bool_:
        return rows.astype(np.intp)
    if rows.dtype.kind not in "biu" or rows.ndim != 1:
        raise InputTypeError(
            f"rows must be chosen by a boolean mask, an index array or a slice; got {rows.dtype} of shape {rows.shape}"
        )
    if rows.dtype == np.bool_ and len(rows) != n_row:
        raise InputError(f"a boolean mask must have one value per row ({n_row}); got {len(rows)}")
    if rows.dtype != np.bool_ and (rows.max() >= n_row or rows.min() < -n_row):
        outside = rows.max() if rows.max() >= n_row else rows.min()
        raise InputError(f"row numbers must be between {-n_row} and {n_row - 1}; got {outside}")
    return rows


def _require_rectangle(name: str, shape: tuple[int, ...], n_star: int, n_pixel: int) -> None:
    """Raise an error unless flux or ivar has one row per star and one column per pixel."""
    if shape == (n_star, n_pixel):
        return
    if shape == (n_pixel,):
        hint = f". Give one row per star: {name}[None, :], and id as a list of one name"
    elif shape == (n_pixel, n_star):
        hint = f". It is transposed; give {name}.T"
    else:
        hint = ""
    raise InputError(
        f"{name} must have shape (star, pixel) = {(n_star, n_pixel)} to go with id and wavelength; got {shape}{hint}"
    )


def _finite_flux(flux: FloatArray, ivar: FloatArray, ids: NDArray[np.str_]) -> FloatArray:
    """Return the flux with 1 where it is not finite in a dead pixel; raise where flux or ivar cannot be used."""
    checks = (
        (~np.isfinite(ivar), "ivar is not finite", "it must be finite; set it to 0 in dead pixels"),
        (ivar < 0, "ivar is negative", "it must not be negative; set it to 0 in dead pixels"),
        (
            ivar > LARGEST_IVAR,
            f"ivar is above {LARGEST_IVAR:g}",
            "no normalised flux is that precise; give pixels a realistic error, also in noise-free spectra",
        ),
    )
    for bad, fault, rule in checks:
        if bad.any():
            _refuse_pixels(bad, fault, rule, ids)
    bad = ~np.isfinite(flux)
    if not bad.any():
        return flux
    unusable = bad & (ivar > 0)
    if unusable.any():
        _refuse_pixels(unusable, "flux is not finite", "it must be finite where ivar > 0; set ivar to 0 there", ids)
    return np.where(bad, flux.dtype.type(1), flux)


def require_normalised(spectra: Spectra) -> None:
    """
    Raise unless the flux may be normalised, which has a continuum of 1.

    Raises
    ------
    InputError
        The median flux of the live pixels is above `LARGEST_CONTINUUM`.
    """
    typical = _median_flux(spectra.flux, spectra.ivar)
    if typical > LARGEST_CONTINUUM:
        raise InputError(
            f"flux must be normalised, with a continuum of 1; got a median of {typical:.4g}. Give spectra that are "
            "not normalised as RawSpectrum to prepare_spectra"
        )


def _median_flux(flux: FloatArray, ivar: FloatArray) -> float:
    """Return the median flux of the live pixels of at most 64 stars, spread over all; NaN without live pixels."""
    every = slice(None, None, max(1, len(flux) // 64))
    live = flux[every][(ivar[every] > 0) & np.isfinite(flux[every])]
    return float(np.median(live)) if live.size else np.nan


def _refuse_swapped(flux: FloatArray, ivar: FloatArray) -> None:
    """Raise where flux is as large as inverse variances, and the inverse variances lie about 1 as a flux does."""
    typical = _median_flux(flux, ivar)
    if typical > LARGEST_CONTINUUM and (np.abs(ivar[ivar > 0] - 1) < 0.5).mean() > 0.75:
        raise InputError(
            f"flux and ivar look swapped: the median of flux is {typical:.4g} and ivar is about 1; "
            "the continuum of normalised flux is 1. Give flux before ivar"
        )


def _refuse_pixels(bad: NDArray[np.bool_], fault: str, rule: str, ids: NDArray[np.str_]) -> None:
    stars = np.flatnonzero(bad.any(axis=1))
    raise InputError(
        f"{fault} in {int(bad.sum())} pixels of {len(stars)} stars, the first of them {ids[stars[0]]}: {rule}"
    )


def _items(columns: Any) -> list[tuple[str, Any]]:
    """Return names and values of a mapping, a DataFrame or a Table."""
    if columns is None:
        return []
    if not hasattr(columns, "keys"):
        raise InputTypeError(
            f"columns must map names to one value per star, such as {{'snr': snr}}; got {a_kind(columns)}"
        )
    return [(str(name), columns[name]) for name in columns.keys()]  # noqa: SIM118


def _star_column(given: Any, name: str, n_star: int) -> NDArray[Any]:
    """Return one column; position, redshift and signal-to-noise are converted to the units of the package."""
    if name in _COLUMN_UNITS:
        values: NDArray[Any] = numbers(given, f"column {name!r}", unit=_COLUMN_UNITS[name], masked=np.nan)[0]
    else:
        values = column(given, name)
    if values.ndim == 0 or len(values) != n_star:
        raise InputError(f"column {name!r} must have one value per star ({n_star}); got {values.size}")
    return values
