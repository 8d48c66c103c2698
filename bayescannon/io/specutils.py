"""Conversion to and from specutils, and a loader of LAMOST files for it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import InverseVariance

from bayescannon.data.convert import texts
from bayescannon.data.parts import a_kind, require_kind
from bayescannon.data.spectra import STAR_COLUMNS, RawSpectrum, Spectra, SpectrumError, require_same_grid
from bayescannon.io.lamost import is_lamost, parse_lamost
from bayescannon.io.libraries import require_library
from bayescannon.io.wavelength_scale import wavelength_scale
from bayescannon.numerics.errors import InputError, InputTypeError
from bayescannon.numerics.typing import FloatArray

LOADER = "LAMOST LRS"
# bytes of a file that hold the header keys that identify it
HEAD = 30_000


def register_specutils() -> None:
    """
    Register the loader ``"LAMOST LRS"`` with specutils.

    After it, ``specutils.Spectrum.read(path)`` reads LAMOST low-resolution files of every layout. The spectrum is as
    observed: flux in the survey's relative unit, masked where a bit of the AND mask is set or the inverse variance is
    not positive, with the header's redshift as ``redshift``, and id, position and S/N in ``meta``. It may be called
    more than once.

    Raises
    ------
    MissingLibraryError
        specutils is not installed.
    """
    require_library("specutils", "specutils")
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
            meta={"id": raw.id, "ra": raw.ra, "dec": raw.dec, "snr": raw.snr, **raw.meta}
            | ({} if raw.air is None else {"vacuum": not raw.air}),
        )


def to_specutils(spectra: Spectra, star: int | str | None = None) -> Any:
    """
    Return prepared spectra as those of specutils.

    Parameters
    ----------
    spectra : Spectra
        Normalised, at rest.
    star : int or str, optional
        Row or id of one star; all of them unless given.

    Returns
    -------
    spectrum : specutils.Spectrum, or specutils.SpectrumList of all stars
        Normalised flux without unit on the vacuum rest wavelength; dead pixels are masked.

    Raises
    ------
    MissingLibraryError
        specutils is not installed.
    InputError, InputTypeError
        No such star.

    Examples
    --------
    >>> import bayescannon as bc
    >>> spectra = bc.Spectra([5000, 5001], [[1.0, 0.9]], [[1e4, 0]], ["star-1"])
    >>> spectrum = bc.to_specutils(spectra, "star-1")
    >>> spectrum.mask.tolist(), len(bc.to_specutils(spectra))
    ([False, True], 1)
    """
    require_kind(spectra, Spectra, "to_specutils(spectra, star)")
    require_library("specutils", "specutils")
    from specutils import Spectrum, SpectrumList

    if star is None:
        return SpectrumList([to_specutils(spectra, row) for row in range(len(spectra))])
    row = _row(spectra, star)
    return Spectrum(
        flux=spectra.flux[row] * u.dimensionless_unscaled,
        spectral_axis=spectra.wavelength * u.AA,
        uncertainty=InverseVariance(spectra.ivar[row]),
        mask=spectra.ivar[row] == 0,
        meta={"id": str(spectra.id[row])} | {name: values[row].item() for name, values in spectra.columns.items()},
    )


def _row(spectra: Spectra, star: Any) -> int:
    """Return the row of a star given by its row or its id."""
    if isinstance(star, str):
        rows = np.flatnonzero(spectra.id == star)
        if len(rows) == 0:
            raise InputError(f"there is no star {star!r} among the {len(spectra)}; ids are compared exactly")
        return int(rows[0])
    if isinstance(star, bool) or not isinstance(star, int | np.integer):
        raise InputTypeError(f"star must be a row or an id; got {a_kind(star)}")
    if not -len(spectra) <= star < len(spectra):
        raise InputError(f"star must be a row below {len(spectra)}; got {star}")
    return int(star)


def from_specutils(
    spectra: Any, *, ids: Sequence[str] | None = None, redshift: Any = None, air: bool | None = None
) -> list[RawSpectrum]:
    """
    Convert spectra of specutils to :class:`~bayescannon.data.raw_spectrum.RawSpectrum`, for ``prepare_spectra``.

    Standard deviations, variances and inverse variances are accepted; masked pixels get inverse variance 0.

    Parameters
    ----------
    spectra : Spectrum, SpectrumList, SpectrumCollection, or sequence of Spectrum
        Of any unit of length. A Spectrum of several rows is one star per row.
    ids : sequence of str, optional
        Names of the stars; by default ``meta["id"]`` of each Spectrum.
    redshift : float, sequence of one per star, or Quantity, optional
        z = v/c of the stars, or their velocities, instead of the redshift of each Spectrum. specutils gives a Spectrum
        the redshift 0 unless one is set, so a redshift of 0 is taken for unknown (NaN), and ``prepare_spectra`` asks
        for it; give ``redshift=0`` for spectra at rest.
    air : bool, optional
        Whether the wavelengths are in air; what ``meta`` or the header in it says unless given.

    Returns
    -------
    raws : list of RawSpectrum
        With the redshift of each Spectrum, and ``ra``, ``dec`` and ``snr`` of its ``meta``.

    Raises
    ------
    SpectrumError
        A spectrum has no uncertainty, or one that does not give an inverse variance.
    InputError, InputTypeError
        A spectrum has no name, or `spectra` is not a kind of Spectrum.

    Examples
    --------
    >>> from bayescannon.io.specutils import from_specutils, to_specutils
    >>> spectra = Spectra([5000, 5001], [[1.0, 0.9]], [[1e4, 0]], ["star-1"])
    >>> from_specutils(to_specutils(spectra, 0), redshift=0)
    [<RawSpectrum star-1: 2 pixels from 5000.00 to 5001.00 A, 1 of them good; redshift 0>]
    """
    rows = list(_rows(spectra))
    names = [row[0].meta.get("id") for row in rows] if ids is None else texts(ids, "ids").tolist()
    if len(names) != len(rows):
        raise InputError(f"ids must have one name per spectrum ({len(rows)}); got {len(names)}")
    if None in names:
        raise InputError(
            f"every spectrum needs a name; spectrum {names.index(None)} has none in meta['id']. Give the names of all "
            f"{len(rows)} with ids=[...]"
        )
    redshifts = _redshifts(redshift, rows)
    return [
        _raw(spectrum, row, str(name), z, air) for (spectrum, row), name, z in zip(rows, names, redshifts, strict=True)
    ]


def stack_specutils(spectra: Any, *, ids: Sequence[str] | None = None) -> Spectra:
    """
    Convert normalised spectra at rest on one grid to :class:`~bayescannon.data.spectra.Spectra`.

    This is the inverse of :func:`to_specutils`. Use :func:`from_specutils` and ``prepare_spectra`` for spectra that are
    not normalised, not at rest or not on one grid.

    Parameters
    ----------
    spectra, ids
        As in :func:`from_specutils`.

    Raises
    ------
    InputError
        As :func:`from_specutils`, or the spectra are not normalised, not at rest or not on one grid.
    """
    rest = ". Prepare spectra as observed with bayescannon.prepare_spectra(from_specutils(spectra))"
    rows = list(_rows(spectra))
    for spectrum, _ in rows:
        if spectrum.flux.unit.physical_type != "dimensionless":
            raise InputError(f"normalised flux must have no unit; got flux in {spectrum.flux.unit}{rest}")
    observed = from_specutils(spectra, ids=ids)
    moving = next((raw for raw in observed if np.isfinite(raw.redshift)), None)
    if moving is not None:
        raise InputError(f"spectra must be at rest; {moving.id} has the redshift {moving.redshift:g}{rest}")
    raws = from_specutils(spectra, ids=ids, redshift=0)
    if not raws:
        raise InputError("at least one spectrum is needed; got none")
    grid = np.asarray(raws[0].wavelength, dtype=np.float64)
    for raw in raws:
        require_same_grid(raw.wavelength, grid, got_from=raw.id, want_from=raws[0].id)
    columns = {name: np.array([_meta_number(row[0], name) for row in rows]) for name in STAR_COLUMNS}
    flux, ivar = (np.stack([getattr(raw, name) for raw in raws]) for name in ("flux", "ivar"))
    return Spectra(grid, flux, ivar, np.array([raw.id for raw in raws], dtype=np.str_), columns)


def _rows(spectra: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each Spectrum and the index of a row in it, once for every row."""
    if hasattr(spectra, "spectral_axis") and hasattr(spectra, "uncertainty") and hasattr(spectra, "meta"):
        is_collection = np.ndim(spectra.spectral_axis) > 1
        for row in np.ndindex(spectra.flux.shape[:-1]):
            yield (spectra[row[0] if len(row) == 1 else row], ()) if is_collection else (spectra, row)
    elif isinstance(spectra, Sequence) and not isinstance(spectra, str):
        for one in spectra:
            yield from _rows(one)
    else:
        raise InputTypeError(f"expected a Spectrum of specutils, or several; got {a_kind(spectra)}")


def _redshifts(given: Any, rows: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Return one redshift per row: those that were given, or those of the spectra, where 0 is unknown (NaN)."""
    if given is not None:
        values = list(given) if np.iterable(given) and not isinstance(given, str) else [given] * len(rows)
        if len(values) != len(rows):
            raise InputError(f"redshift must be one number, or one per spectrum ({len(rows)}); got {len(values)}")
        return values
    found = []
    for spectrum, row in rows:
        own = np.atleast_1d(np.asarray(0.0 if spectrum.redshift is None else spectrum.redshift, dtype=np.float64))
        value = float(own[row[-1] if row and own.size > 1 else 0])
        found.append(value if value != 0 else np.nan)
    return found


def _raw(spectrum: Any, row: Any, name: str, redshift: Any, air: bool | None) -> RawSpectrum:
    """Return one row of a Spectrum as a RawSpectrum."""
    if spectrum.uncertainty is None:
        raise SpectrumError(
            f"every spectrum needs an uncertainty; {name} has none. Give it, for instance as StdDevUncertainty"
        )
    ivar = _inverse_variance(spectrum, name)
    # a pixel with an error of 0 was not measured
    dead = ~np.isfinite(ivar)
    if spectrum.mask is not None:
        dead = dead | np.asarray(spectrum.mask, dtype=bool)
    return RawSpectrum(
        name,
        np.asarray(spectrum.spectral_axis.to_value(u.AA)),
        spectrum.flux[row],  # with its unit: magnitudes are refused
        np.where(dead, 0.0, ivar)[row],
        redshift=redshift,
        ra=_meta_number(spectrum, "ra"),
        dec=_meta_number(spectrum, "dec"),
        snr=_meta_number(spectrum, "snr"),
        meta={key: value for key, value in spectrum.meta.items() if isinstance(value, str) and key != "id"},
        air=_scale(spectrum) if air is None else air,
    )


def _scale(spectrum: Any) -> bool | None:
    """Return whether a Spectrum's meta, or the header in it, says that its wavelengths are in air."""
    header = spectrum.meta.get("header")
    words = dict(header) if isinstance(header, Mapping) or hasattr(header, "keys") else {}
    return wavelength_scale(words | {str(key): value for key, value in spectrum.meta.items() if key != "header"}).air


def _inverse_variance(spectrum: Any, name: str) -> FloatArray:
    """Return the inverse variance of a Spectrum's flux, in the unit of flux^-2; inf for an error of 0."""
    uncertainty = spectrum.uncertainty
    # the uncertainty is the standard deviation to this power
    power = {"std": 1, "var": 2, "ivar": -2}.get(uncertainty.uncertainty_type)
    if power is None:
        raise SpectrumError(
            f"an uncertainty must be a StdDevUncertainty, VarianceUncertainty or InverseVariance; that of {name} is of "
            f"type {uncertainty.uncertainty_type!r}. Convert it"
        )
    values = np.asarray(uncertainty.array, dtype=np.float64)
    if uncertainty.unit is not None:
        values = (values * uncertainty.unit).to_value(spectrum.flux.unit**power)
    with np.errstate(divide="ignore"):
        return values if power == -2 else values ** (-2.0 / power)


def _meta_number(spectrum: Any, key: str) -> float:
    """Return a number from a Spectrum's meta, NaN if it is missing."""
    value = spectrum.meta.get(key)
    return float(value) if isinstance(value, int | float | np.number) else np.nan


def _identify(origin: str, path: Any = None, file_obj: Any = None, *_: Any, **__: Any) -> bool:
    """Return whether a file is a LAMOST spectrum, by content; called by astropy's registry."""
    return origin == "read" and is_lamost(_read(path if file_obj is None else file_obj, HEAD))


def _read(source: Any, size: int | None) -> bytes:
    """Read the first `size` bytes, or all if None, of a path or of an open binary file, which is rewound."""
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            return file.read(size)
    source.seek(0)
    data = source.read(size)
    source.seek(0)
    result: bytes = data
    return result
