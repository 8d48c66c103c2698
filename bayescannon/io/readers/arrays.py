"""The reader of spectra in named arrays: npz, HDF5, zarr and parquet files of one star or many."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayescannon.data.parts import dtype_text
from bayescannon.data.raw_spectrum import RawSpectrum, SpectrumError
from bayescannon.data.redshifts import REDSHIFT_NAMES, VELOCITY_NAMES, known_redshifts
from bayescannon.data.spectra import IDENTITY_COLUMNS
from bayescannon.data.star_ids import bare_id
from bayescannon.data.units import to_unit
from bayescannon.io.readers.array_file import ArrayFile, NamedArray, array_format, open_arrays
from bayescannon.io.readers.reader import Reader, ReadResult
from bayescannon.io.wavelength_scale import wavelength_scale
from bayescannon.numerics.errors import InputError

ENDINGS = (".npz", ".h5", ".hdf5", ".parquet", ".zarr")
# names of stars as surveys call them
_OTHER_NAMES = {
    "gaia_id": ("source_id", "gaia_source_id", "gaia_dr3_source_id", "gaiadr3_source_id"),
    "twomass_id": ("tmass_id",),
    "survey_id": ("apogee_id", "sobject_id", "targetid"),
}
# names of each array, in lower case
_NAMES = {
    "wavelength": ("wavelength", "wavelengths", "wave", "lambda", "lam", "wl"),
    "loglam": ("loglam", "log_wavelength", "log10_wavelength"),
    "flux": ("flux", "fluxes"),
    "ivar": ("ivar", "invvar", "inverse_variance", "flux_ivar"),
    "error": ("error", "errors", "sigma", "err", "flux_err", "flux_error", "e_flux", "std", "uncertainty"),
    "variance": ("variance", "var", "flux_var", "flux_variance"),
    "mask": ("mask", "bad", "andmask", "pixmask"),
    "id": ("id", "ids", "star", "star_id", "spectrum_id", "object_id", "name"),
    "redshift": REDSHIFT_NAMES,
    "velocity": VELOCITY_NAMES,
    "ra": ("ra",),
    "dec": ("dec",),
    "snr": ("snr", "sn", "s_n"),
} | {name: (name, *_OTHER_NAMES.get(name, ())) for name in IDENTITY_COLUMNS}
# error and variance as powers of the inverse variance
_POWERS = {"ivar": 1.0, "error": -2.0, "variance": -1.0}
# largest difference of two arrays that mean the same
_SAME = 0.01
_BITS = "of the presets only masked takes them for dead pixels; save booleans if every preset should"
# arrays that say something of the wavelengths: one value for all, or one per star
_SCALE_WORDS = ("vacuum", "air", "medium", "airorvac", "ctype1", "helio")
_WORDS = (*_SCALE_WORDS, "wavelength_unit", "format")


def recognises(head: bytes, path: Path) -> bool:
    """Tell whether a file holds arrays with the names of a wavelength and a flux."""
    if not array_format(head, path):
        return False
    try:
        with open_arrays(path) as file:
            return any(name in file.arrays for name in _NAMES["flux"]) and any(
                name in file.arrays for name in _NAMES["wavelength"] + _NAMES["loglam"]
            )
    except InputError:
        return False


def count(path: Path) -> int:
    """Return the number of stars in a file."""
    with open_arrays(path) as file:
        return _Arrays(file, path).n_star


def read(path: Path) -> ReadResult:
    """Read all stars of a file, see :func:`read_rows`."""
    with open_arrays(path) as file:
        arrays = _Arrays(file, path)
        return arrays.result(0, arrays.n_star)


def read_rows(path: Path, start: int, stop: int) -> ReadResult:
    """
    Read stars of a file from a first up to, without, a last.

    Arrays are found by name: wavelength, flux (star, pixel) or (pixel,), and one of ivar, error and variance; and if
    there, id, redshift (or a velocity in km/s), ra, dec, snr, mask and the names of stars. Wavelengths are converted
    by their attribute ``unit`` or ``units``, and from air by ``vacuum``, ``air`` or ``medium``.

    Raises
    ------
    SpectrumError
        The file is damaged, lacks one of these, or two arrays could be meant.
    """
    with open_arrays(path) as file:
        return _Arrays(file, path).result(start, stop)


class _Arrays:
    """The arrays of a file by what they are."""

    def __init__(self, file: ArrayFile, path: Path) -> None:
        self.path, self.attrs, self.notes = path, file.attrs, dict(file.notes)
        self.found: dict[str, NamedArray] = {}
        self.names: dict[str, str] = {}
        for what, names in _NAMES.items():
            there = [name for name in names if name in file.arrays]
            if len(there) > 1:
                raise SpectrumError(f"two could be meant: {' and '.join(there)} are both there for {what}; keep one")
            if there:
                self.found[what], self.names[what] = file.arrays[there[0]], there[0]
        if "wavelength" in self.found and "loglam" in self.found:
            raise SpectrumError("two could be meant: a wavelength and its logarithm are there; keep one")
        axis = "loglam" if "loglam" in self.found else "wavelength"
        missing = [name for name in (axis, "flux") if name not in self.found]
        if missing:
            raise SpectrumError(
                f"no {' and no '.join(missing)}: the file has the arrays {', '.join(file.arrays) or 'none'}; expected "
                "wavelength, flux, and ivar, error or variance"
            )
        self.axis = axis
        flux, wavelength = self.found["flux"].shape, self.found[axis].shape
        self._check_shapes(flux, wavelength)
        self.is_one = len(flux) == 1
        self.n_star = 1 if self.is_one else flux[0]
        self.words = {name: file.arrays[name] for name in _WORDS if name in file.arrays}
        self._check_stars()
        self.measure = self._measure()
        unused = sorted(set(file.arrays) - set(self.names.values()) - set(_WORDS))
        if unused:
            self.notes[f"files with arrays that were not read: {', '.join(unused)}"] = 1

    def _check_shapes(self, flux: tuple[int, ...], wavelength: tuple[int, ...]) -> None:
        """Raise an error unless flux is (star, pixel) or (pixel,), with one wavelength for each pixel."""
        pixels = flux[-1] if flux else 0
        if 0 in flux:
            raise SpectrumError(f"no spectrum: flux has shape {flux}")
        if len(flux) in (1, 2) and wavelength in ((pixels,), flux):
            return
        hint = ". It is transposed; save flux.T" if len(flux) == 2 and wavelength == (flux[0],) else ""
        raise SpectrumError(
            f"wrong shape: flux must be (pixel,) or (star, pixel), and wavelength (pixel,) or as flux; got {flux} and "
            f"{wavelength}{hint}"
        )

    def _check_stars(self) -> None:
        """Raise an error unless the mask is as flux, and every other array has a value for each star or one for all."""
        one = [(), (1,)]
        each = [*one, (self.n_star,)]
        shapes = {"mask": [self.found["flux"].shape], "id": [(self.n_star,), *(one if self.is_one else [])]}
        fixed = {*_POWERS, "flux", "wavelength", "loglam"}
        for what, array in self.found.items():
            if what not in fixed and array.shape not in shapes.get(what, each):
                expected = "the shape of flux" if what == "mask" else f"one value for each of {self.n_star} stars"
                raise SpectrumError(f"wrong shape: {self.names[what]} must have {expected}; got {array.shape}")
        for name, array in self.words.items():
            if array.shape not in each:
                raise SpectrumError(f"wrong shape: {name} must have one value, or one per star; got {array.shape}")

    def _measure(self) -> str:
        """Return which of ivar, error and variance is read; of two they must say the same."""
        there = [name for name in _POWERS if name in self.found]
        if not there:
            raise SpectrumError("no ivar: expected an array ivar, error (standard deviation) or variance")
        first = there[0]
        for name in there:
            if self.found[name].shape != self.found["flux"].shape:
                raise SpectrumError(
                    f"wrong shape: {self.names[name]} must have the shape of flux, {self.found['flux'].shape}; got "
                    f"{self.found[name].shape}"
                )
        for other in there[1:]:
            one, two = (_inverse(self.found[name].rows(0, 1), _POWERS[name]) for name in (first, other))
            live = (one > 0) & (two > 0)
            if not live.any() or np.median(np.abs(one[live] / two[live] - 1)) > _SAME:
                raise SpectrumError(
                    f"two could be meant: {self.names[first]} and {self.names[other]} do not say the same of the first "
                    "star; keep one"
                )
        if len(there) > 1:
            others = " and ".join(self.names[name] for name in there[1:])
            name = self.names[first]
            self.notes[f"files with {name} beside {others}, which say the same: {name} was taken"] = 1
        elif first != "ivar":
            power = "1 / error^2" if first == "error" else "1 / variance"
            self.notes[f"files whose ivar is {power} of the array {self.names[first]}"] = 1
        return first

    def result(self, start: int, stop: int) -> ReadResult:
        """Return the stars of some rows."""
        n_star = stop - start
        flux = np.atleast_2d(self._rows("flux", start, stop))
        if flux.dtype.kind not in "fiu":
            raise SpectrumError(f"bad values: {self.names['flux']} must hold numbers; got {dtype_text(flux)}")
        flux = flux.astype(np.float64)
        ivar = _inverse(np.atleast_2d(self._rows(self.measure, start, stop)), _POWERS[self.measure])
        wavelength = self._wavelength(start, stop)
        mask = np.atleast_2d(self._rows("mask", start, stop)) if "mask" in self.found else None
        if mask is not None and mask.dtype != np.bool_ and np.any(mask):
            self.notes[f"files whose {self.names['mask']} holds bits: {_BITS}"] = 1
        ids = self._ids(start, stop)
        numbers = {name: self._numbers(name, start, stop) for name in ("redshift", "ra", "dec", "snr")}
        if "velocity" in self.found:
            if "redshift" in self.found:
                raise SpectrumError("two could be meant: a redshift and a velocity are there; keep one")
            self.notes[f"files whose redshift is the velocity {self.names['velocity']} [km/s]"] = 1
            velocity = self._numbers("velocity", start, stop, "km/s")
            numbers["redshift"] = known_redshifts(velocity, velocity=True)
        numbers["redshift"] = known_redshifts(numbers["redshift"])
        names = {name: _texts(self._rows(name, start, stop)) for name in IDENTITY_COLUMNS if name in self.found}
        scales = [wavelength_scale(words) for words in self._scale_words(start, stop)]
        notes = Counter(note for scale in scales for note in scale.notes)
        spectra, refused, rows = [], [], []
        for k in range(n_star):
            meta = {name: values[k] for name, values in names.items()} | {"layout": "arrays", "path": str(self.path)}
            own = wavelength if wavelength.ndim == 1 else wavelength[k]
            bits: Any = None if mask is None else mask[k]
            z, ra, dec, snr = (float(numbers[name][k]) for name in ("redshift", "ra", "dec", "snr"))
            try:
                spectra.append(RawSpectrum(ids[k], own, flux[k], ivar[k], bits, z, ra, dec, snr, meta, scales[k].air))
                rows.append(start + k)
            except InputError as error:
                kind = "bad wavelength" if "wavelength" in str(error) else "bad values"
                refused.append((str(start + k), f"{kind}: {ids[k]}: {error}"))
        return ReadResult(spectra, refused, self.notes | notes, rows)

    def _rows(self, what: str, start: int, stop: int) -> NDArray[Any]:
        """Return rows of an array; of a file of one star all of it."""
        array = self.found[what]
        try:
            return np.asarray(array.rows() if self.is_one else array.rows(start, stop))
        except SpectrumError:
            raise
        except Exception as error:  # each library has exceptions of its own for damaged files
            raise SpectrumError(f"damaged file: {self.names[what]}: {type(error).__name__}: {error}") from error

    def _wavelength(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return wavelengths [Angstrom], shape (pixel,) or (star, pixel)."""
        array = self.found[self.axis]
        shared = len(array.shape) == 1
        values = np.asarray(array.rows() if shared else array.rows(start, stop)).astype(np.float64)
        if self.axis == "loglam":
            return 10**values
        unit = next((array.attrs[key] for key in ("unit", "units") if key in array.attrs), None)
        if unit is None and "wavelength_unit" in self.words:
            unit = np.atleast_1d(np.asarray(self.words["wavelength_unit"].rows()))[0]
        unit = self.attrs.get("wavelength_unit", "") if unit is None else unit
        unit = unit.decode() if isinstance(unit, bytes) else str(unit)
        try:
            return to_unit(values, unit or None, "Angstrom", self.names[self.axis])
        except InputError as error:
            raise SpectrumError(f"wavelength unit: {error}") from error

    def _scale_words(self, start: int, stop: int) -> list[dict[str, Any]]:
        """Return what is said of the wavelengths of each star: by attributes of the file, of the axis, by arrays."""
        attrs = {**self.attrs, **self.found[self.axis].attrs}
        words = {str(key).upper(): value for key, value in attrs.items()}
        each = [dict(words) for _ in range(start, stop)]
        for name in self.words.keys() & set(_SCALE_WORDS):
            values = np.atleast_1d(np.asarray(self.words[name].rows())).tolist()
            for k, own in enumerate(each):
                own[name.upper()] = values[start + k] if len(values) == self.n_star else values[0]
        return each

    def _ids(self, start: int, stop: int) -> list[str]:
        """Return the names of stars: those of the file, or the file's name and the row."""
        stem = bare_id(self.path.name)
        for ending in ENDINGS:
            stem = stem.removesuffix(ending)
        if "id" in self.found:
            return _texts(self._rows("id", start, stop), required=True)
        if self.is_one:
            return [stem]
        self.notes["files without names of stars: they are named by file and row"] = 1
        return [f"{stem}-{k}" for k in range(start, stop)]

    def _numbers(self, what: str, start: int, stop: int, unit: str = "") -> NDArray[np.float64]:
        """Return a number for each star; NaN where there is none."""
        n_star = stop - start
        if what not in self.found:
            return np.full(n_star, np.nan)
        array = self.found[what]
        values = np.asarray(array.rows() if array.shape == () or self.is_one else array.rows(start, stop)).reshape(-1)
        if len(values) == 1 and n_star > 1:
            values = np.repeat(values, n_star)
        if len(values) != n_star:
            raise SpectrumError(f"wrong shape: {self.names[what]} must have one value per star; got {array.shape}")
        try:
            numbers = values.astype(np.float64)
        except (TypeError, ValueError):
            raise SpectrumError(f"bad values: {self.names[what]} must hold numbers") from None
        given = next((array.attrs[key] for key in ("unit", "units") if key in array.attrs), None)
        wanted = {"ra": "deg", "dec": "deg"}.get(what, unit)
        given = given.decode() if isinstance(given, bytes) else given
        return to_unit(numbers, given or None, wanted, self.names[what]) if wanted else numbers


def _inverse(values: NDArray[Any], power: float) -> NDArray[np.float64]:
    """Return inverse variances of errors or variances; 0 where these are not positive and finite."""
    values = values.astype(np.float64)
    if power == 1:
        return values
    good = (values > 0) & np.isfinite(values)
    return np.where(good, np.where(good, values, 1.0) ** power, 0.0)


def _texts(values: NDArray[Any], *, required: bool = False) -> list[str]:
    """Return names as texts; numbers with a fraction have lost digits and are refused."""
    from bayescannon.data.convert import texts

    try:
        return [str(one) for one in texts(np.atleast_1d(values), "id", missing_allowed=not required)]
    except InputError as error:
        raise SpectrumError(f"bad names: {error}") from error


READER = Reader(
    "arrays",
    read,
    "npz, HDF5, zarr or parquet with wavelength, flux and ivar of one star or many",
    endings=ENDINGS,
    recognises=recognises,
    count=count,
    read_rows=read_rows,
)
