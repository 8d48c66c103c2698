"""The border to specutils: a loader for LAMOST files, and its objects as spectra and back."""

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import InverseVariance

from bayescannon.data.convert import texts
from bayescannon.data.parts import kind_of
from bayescannon.data.spectra import STAR_COLUMNS, RawSpectrum, Spectra, SpectrumError, require_same_grid
from bayescannon.io.lamost import is_lamost, parse_lamost
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray

LOADER = "LAMOST LRS"
# enough of a file to hold the header keys that identify it
HEAD = 30_000


def register_specutils() -> None:
    """
    Register the loader ``"LAMOST LRS"`` with specutils.

    After it, ``specutils.Spectrum.read(path)`` knows LAMOST low-resolution files of every layout. The spectrum
    is as observed: flux in the survey's relative unit, a mask where a bit of the AND mask is set or the inverse
    variance is not positive, the header's redshift as ``redshift``, and id, position and S/N in ``meta``.
    Registering twice does no harm.

    Raises
    ------
    ImportError
        specutils is not installed.
    """
    _require_specutils()
    from specutils import Spectrum
    from specutils.io.registers import data_loader

    @data_loader(LOADER, identifier=_identify, dtype=Spectrum, extensions=["fits"], priority=20, force=True)
    def lamost_loader(file_obj: Any, **_: Any) -> Spectrum:
        """Load one spectrum, see :func:`bayescannon.io.lamost.read_lamost`."""
        data = _read(file_obj, None)
        raw = parse_lamost(data, str(getattr(file_obj, "name", file_obj)))
        bad = (raw.mask != 0) | ~np.isfinite(raw.flux) | ~(np.isfinite(raw.ivar) & (raw.ivar > 0))
        return Spectrum(
            flux=raw.flux * u.dimensionless_unscaled,
            spectral_axis=raw.wavelength * u.AA,
            uncertainty=InverseVariance(raw.ivar),
            mask=bad,
            redshift=raw.redshift,
            meta={"id": raw.id, "ra": raw.ra, "dec": raw.dec, "snr": raw.snr, **raw.meta},
        )


def to_specutils(spectra: Spectra, star: int) -> Any:
    """
    Return one prepared spectrum as a ``specutils.Spectrum``.

    Parameters
    ----------
    spectra : Spectra
        Normalised, at rest.
    star : int
        Its number in `spectra`.

    Returns
    -------
    spectrum : specutils.Spectrum
        Normalised flux without unit on the vacuum rest wavelength; dead pixels are masked.

    Raises
    ------
    ImportError
        specutils is not installed.
    """
    _require_specutils()
    from specutils import Spectrum

    return Spectrum(
        flux=spectra.flux[star] * u.dimensionless_unscaled,
        spectral_axis=spectra.wavelength * u.AA,
        uncertainty=InverseVariance(spectra.ivar[star]),
        mask=spectra.ivar[star] == 0,
        meta={"id": str(spectra.id[star])} | {name: values[star].item() for name, values in spectra.columns.items()},
    )


def from_specutils(spectra: Any, *, ids: Sequence[str] | None = None) -> list[RawSpectrum]:
    """
    Return spectra of specutils as :class:`~bayescannon.data.spectra.RawSpectrum`, for ``prepare_spectra``.

    Uncertainties of all three kinds become inverse variances, and masked pixels get inverse variance 0.

    Parameters
    ----------
    spectra : Spectrum, SpectrumList, SpectrumCollection, or sequence of Spectrum
        In vacuum wavelengths of any unit of length. A Spectrum of several rows is one star per row.
    ids : sequence of str, optional
        Names of the stars; by default ``meta["id"]`` of each.

    Returns
    -------
    raws : list of RawSpectrum
        With the redshift of each Spectrum (0 unless it was set), and ``ra``, ``dec`` and ``snr`` of its ``meta``.

    Raises
    ------
    SpectrumError
        A spectrum without an uncertainty that gives an inverse variance.
    InputError, InputTypeError
        A spectrum without a name, or something else than spectra.
    """
    rows = list(_rows(spectra))
    names = [row[0].meta.get("id") for row in rows] if ids is None else texts(ids, "ids").tolist()
    if len(names) != len(rows):
        raise InputError(f"ids must have one name per spectrum ({len(rows)}); got {len(names)}")
    if None in names:
        raise InputError(
            f"spectrum {names.index(None)} has no name in meta['id']; give names of all {len(rows)} with ids=[...]"
        )
    return [_raw(spectrum, row, str(name)) for (spectrum, row), name in zip(rows, names, strict=True)]


def stack_specutils(spectra: Any, *, ids: Sequence[str] | None = None) -> Spectra:
    """
    Return normalised spectra at rest on one grid as :class:`~bayescannon.data.spectra.Spectra`.

    It undoes :func:`to_specutils`. Spectra that are not normalised, not at rest or not on one grid go through
    :func:`from_specutils` and ``prepare_spectra``.

    Parameters
    ----------
    spectra, ids
        As in :func:`from_specutils`.

    Raises
    ------
    InputError
        As :func:`from_specutils`, or the spectra are not normalised, not at rest or not on one grid.
    """
    rest = "; bayescannon.prepare_spectra(from_specutils(spectra)) prepares spectra as observed"
    rows = list(_rows(spectra))
    for spectrum, _ in rows:
        if spectrum.flux.unit.physical_type != "dimensionless":
            raise InputError(f"normalised flux has no unit, and this flux is in {spectrum.flux.unit}{rest}")
    raws = from_specutils(spectra, ids=ids)
    moving = next((raw for raw in raws if raw.redshift != 0), None)
    if moving is not None:
        raise InputError(f"spectra must be at rest, and {moving.id} has the redshift {moving.redshift:g}{rest}")
    if not raws:
        raise InputError("no spectra were given; at least one is needed")
    grid = np.asarray(raws[0].wavelength, dtype=np.float64)
    for raw in raws:
        require_same_grid(raw.wavelength, grid, got_from=raw.id, want_from=raws[0].id)
    columns = {name: np.array([_meta_number(row[0], name) for row in rows]) for name in STAR_COLUMNS}
    flux, ivar = (np.stack([getattr(raw, name) for raw in raws]) for name in ("flux", "ivar"))
    return Spectra(grid, flux, ivar, np.array([raw.id for raw in raws], dtype=np.str_), columns)


def _rows(spectra: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each Spectrum with the index of its row, for a Spectrum of several rows one after the other."""
    if hasattr(spectra, "spectral_axis") and hasattr(spectra, "uncertainty") and hasattr(spectra, "meta"):
        is_collection = np.ndim(spectra.spectral_axis) > 1
        for row in np.ndindex(spectra.flux.shape[:-1]):
            yield (spectra[row[0] if len(row) == 1 else row], ()) if is_collection else (spectra, row)
    elif isinstance(spectra, Sequence) and not isinstance(spectra, str):
        for one in spectra:
            yield from _rows(one)
    else:
        raise InputTypeError(f"expected a Spectrum of specutils, or several; got a {kind_of(spectra)}")


def _raw(spectrum: Any, row: Any, name: str) -> RawSpectrum:
    """Return one row of a Spectrum as a RawSpectrum."""
    if spectrum.uncertainty is None:
        raise SpectrumError(f"{name} has no uncertainty, and the model needs an inverse variance of every pixel")
    ivar = _inverse_variance(spectrum, name)
    # an error of 0 is no measurement
    dead = ~np.isfinite(ivar)
    if spectrum.mask is not None:
        dead = dead | np.asarray(spectrum.mask, dtype=bool)
    redshift = np.atleast_1d(np.asarray(0.0 if spectrum.redshift is None else spectrum.redshift, dtype=np.float64))
    return RawSpectrum(
        name,
        np.asarray(spectrum.spectral_axis.to_value(u.AA)),
        np.asarray(spectrum.flux.value)[row],
        np.where(dead, 0.0, ivar)[row],
        redshift=float(redshift[row[-1] if row and redshift.size > 1 else 0]),
        ra=_meta_number(spectrum, "ra"),
        dec=_meta_number(spectrum, "dec"),
        snr=_meta_number(spectrum, "snr"),
        meta={key: value for key, value in spectrum.meta.items() if isinstance(value, str) and key != "id"},
    )


def _inverse_variance(spectrum: Any, name: str) -> FloatArray:
    """Return the inverse variance of a Spectrum's flux, in the inverse square of its unit; inf for an error of 0."""
    uncertainty = spectrum.uncertainty
    # what the flux's unit, and the uncertainty's value, are to the power of
    power = {"std": 1, "var": 2, "ivar": -2}.get(uncertainty.uncertainty_type)
    if power is None:
        raise SpectrumError(
            f"{name} has an uncertainty of type {uncertainty.uncertainty_type!r}, which gives no inverse variance; use "
            "StdDevUncertainty, VarianceUncertainty or InverseVariance"
        )
    values = np.asarray(uncertainty.array, dtype=np.float64)
    if uncertainty.unit is not None:
        values = (values * uncertainty.unit).to_value(spectrum.flux.unit**power)
    with np.errstate(divide="ignore"):
        return values if power == -2 else values ** (-2.0 / power)


def _meta_number(spectrum: Any, key: str) -> float:
    """Return a number of a Spectrum's meta, NaN where there is none."""
    value = spectrum.meta.get(key)
    return float(value) if isinstance(value, int | float | np.number) else np.nan


def _require_specutils() -> None:
    """Raise a plain `ImportError` where specutils is missing."""
    if find_spec("specutils") is None:
        raise ImportError("this needs specutils: pip install 'bayescannon[specutils]'")


def _identify(origin: str, path: Any = None, file_obj: Any = None, *_: Any, **__: Any) -> bool:
    """Tell by content whether a file is a LAMOST spectrum, as astropy's registry asks it."""
    return origin == "read" and is_lamost(_read(path if file_obj is None else file_obj, HEAD))


def _read(source: Any, size: int | None) -> bytes:
    """Read the first bytes, or all, of a path or of an open binary file, which is rewound."""
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            return file.read(size)
    source.seek(0)
    data = source.read(size)
    source.seek(0)
    result: bytes = data
    return result
