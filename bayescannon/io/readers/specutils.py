"""The reader of whatever specutils reads: SDSS, DESI, GALAH and others, by the name of its format or by content."""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bayescannon.data.raw_spectrum import RawSpectrum, SpectrumError
from bayescannon.data.star_ids import bare_id
from bayescannon.io.fits_sizes import fits_source
from bayescannon.io.lamost import file_bytes
from bayescannon.io.libraries import require_library
from bayescannon.io.readers.arms import join_arms
from bayescannon.io.readers.reader import FITS_ENDINGS, Reader, ReadResult
from bayescannon.io.size_limits import GZIP_FAULTS, UNPACKED_SPECTRUM

_ENDINGS = (*FITS_ENDINGS, ".ecsv")
DESCRIPTION = "anything that specutils reads (SDSS, DESI, GALAH, ...); specutils:FORMAT names one of its formats"


def reader_of_format(name: str) -> Reader:
    """
    Return the reader of one format of specutils, such as ``SDSS-III/IV spec``.

    Raises
    ------
    SpectrumError
        When a file is read: specutils has no such format.
    """
    return Reader(f"specutils:{name}", partial(read, format=name), f"the format {name} of specutils", _ENDINGS)


def formats_of(path: Path) -> list[str]:
    """Return the formats of specutils that recognise a file, of one spectrum, else of a list of spectra."""
    return _formats(path)[0]


def read(path: Path, format: str | None = None) -> ReadResult:
    """
    Read the spectra of a file by specutils.

    Names are those of ``meta``, else of the file. specutils gives spectra the redshift 0 unless the format knows one;
    such a redshift is taken for unknown.

    Raises
    ------
    SpectrumError
        The file is missing or damaged, no format recognises it, or several do and none is named.
    MissingLibraryError
        specutils is not installed.
    """
    require_library("specutils", "specutils")
    # also a missing file has a reason
    if not path.exists():
        file_bytes(path)
    _check_sizes(path)
    spectra, chosen = _load(path, format)
    notes = {f"files read by specutils as {chosen}": 1}
    usable = [one for one in spectra if one.uncertainty is not None]
    if not usable:
        raise SpectrumError(f"no uncertainty: none of the {len(spectra)} spectra has one (format {chosen})")
    notes["spectra without uncertainty left out"] = len(spectra) - len(usable)
    # loaders of several surveys, such as GALAH's, also give spectra of other stages of the reduction
    reduced = [one for one in usable if one.meta.get("purpose") == "reduced"] or usable
    notes["spectra that are not reduced left out"] = len(usable) - len(reduced)
    stem = bare_id(path.name).removesuffix(".ecsv")
    if _are_arms(reduced):
        raws = _joined(reduced, stem)
        notes[f"spectra joined of the arms {', '.join(str(one.meta['band']) for one in reduced)}"] = len(raws)
    else:
        _refuse_parts(reduced, chosen)
        raws = _converted(reduced, _names(reduced, stem))
    if len(raws) == 1:
        raws = [_placed(raws[0], reduced[0])]
    return ReadResult([_with_path(raw, path, chosen) for raw in raws], notes=notes)


def _check_sizes(path: Path) -> None:
    """Raise a SizeLimitError if the headers of a FITS file declare what it cannot hold; other files may be anything."""
    with suppress(*GZIP_FAULTS):
        fits_source(path, UNPACKED_SPECTRUM)


def _converted(spectra: Any, ids: list[str]) -> list[RawSpectrum]:
    """Return spectra of specutils as RawSpectrum."""
    # imported here because astropy.nddata is slow to import and rarely needed
    from bayescannon.io.specutils import from_specutils

    return from_specutils(spectra, ids=ids)


def _are_arms(spectra: list[Any]) -> bool:
    """Tell whether spectra are the arms of the same stars, as DESI's are."""
    bands = [one.meta.get("band") for one in spectra]
    shapes = {one.flux.shape[:-1] for one in spectra}
    return len(spectra) > 1 and None not in bands and len(set(bands)) == len(spectra) and len(shapes) == 1


def _joined(spectra: list[Any], stem: str) -> list[RawSpectrum]:
    """Return one spectrum per star of several arms; names and positions are those of DESI's table of fibres."""
    fibres: Any = next((one.meta["fibermap"] for one in spectra if "fibermap" in one.meta), None)
    n_star = int(np.prod(spectra[0].flux.shape[:-1], dtype=np.int64))
    known = fibres is not None and len(fibres) == n_star and "TARGETID" in fibres.colnames
    ids = [str(one) for one in fibres["TARGETID"]] if known else [f"{stem}-{k}" for k in range(n_star)]
    if len(set(ids)) < n_star:
        ids = [f"{name}-{k}" for k, name in enumerate(ids)]
    arms = [_converted(one, ids) for one in spectra]
    raws = [join_arms([arm[k] for arm in arms]) for k in range(n_star)]
    if known and {"TARGET_RA", "TARGET_DEC"} <= set(fibres.colnames):
        raws = [
            replace(raw, ra=float(ra), dec=float(dec))
            for raw, ra, dec in zip(raws, fibres["TARGET_RA"], fibres["TARGET_DEC"], strict=True)
        ]
    return raws


def _placed(raw: RawSpectrum, spectrum: Any) -> RawSpectrum:
    """Return a spectrum with the position of its fibre; RA and DEC of SDSS headers are those of the plate."""
    header = spectrum.meta.get("header", {})
    ra, dec = header.get("PLUG_RA"), header.get("PLUG_DEC")
    known = ra is not None and dec is not None and np.isnan(raw.ra)
    return replace(raw, ra=float(ra), dec=float(dec)) if known else raw


def _with_path(raw: RawSpectrum, path: Path, chosen: str) -> RawSpectrum:
    return replace(raw, meta={**raw.meta, "layout": f"specutils {chosen}", "path": str(path)})


def _formats(path: Path) -> tuple[list[str], Any]:
    """Return the formats that recognise a file, and the class that reads them."""
    from specutils import Spectrum, SpectrumList
    from specutils.io.registers import identify_spectrum_format

    for kind in (Spectrum, SpectrumList):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = identify_spectrum_format(str(path), kind)
            except Exception:  # the tests of some formats fail on files of others
                found = []
        if found:
            return ([found] if isinstance(found, str) else list(found)), kind
    return [], Spectrum


def _load(path: Path, format: str | None) -> tuple[list[Any], str]:
    """Return the spectra of a file and the name of the format that was used."""
    from specutils import Spectrum, SpectrumList

    if format is None:
        found, kind = _formats(path)
        if not found:
            raise SpectrumError(
                "no format: specutils recognises none in the file; name one with the reader specutils:FORMAT (--reader)"
            )
        if len(found) > 1:
            raise SpectrumError(
                f"several formats: specutils recognises {', '.join(found)}; name one, such as --reader "
                f"'specutils:{found[0]}'"
            )
        kinds, format = [kind], found[0]
    else:
        kinds = [Spectrum, SpectrumList]
    faults = []
    for kind in kinds:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                loaded = kind.read(str(path), format=format)
        except Exception as error:  # loaders raise many kinds of exception
            faults.append(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
            continue
        return list(loaded) if isinstance(loaded, SpectrumList | list) else [loaded], format
    raise SpectrumError(f"unreadable: specutils cannot read it as {format} ({'; '.join(dict.fromkeys(faults))})")


def _refuse_parts(spectra: list[Any], chosen: str) -> None:
    """Raise an error for several spectra that may be parts or versions of one star."""
    ends = {tuple(float(one.spectral_axis[k].value) for k in (0, -1)) for one in spectra}
    names = [one.meta.get("id") for one in spectra]
    if len(spectra) > 1 and (len(ends) > 1 or None in names):
        what = (
            "different wavelengths, which may be arms or exposures"
            if len(ends) > 1
            else "no names, which may be versions"
        )
        raise SpectrumError(
            f"several spectra: the file has {len(spectra)} of {what} of one star (format {chosen}); convert those that "
            "are meant with bayescannon.from_specutils"
        )


def _names(spectra: list[Any], stem: str) -> list[str]:
    """Return a name for every row of every spectrum: of its meta, else of the file."""
    rows = [(one, k) for one in spectra for k in range(max(int(one.flux.size // one.flux.shape[-1]), 1))]
    own = [one.meta.get("id") if isinstance(one.meta, Mapping) else None for one, _ in rows]
    if None not in own and len(set(own)) == len(own):
        return [str(name) for name in own]
    return [stem] if len(rows) == 1 else [f"{stem}-{k}" for k in range(len(rows))]


READER = Reader("specutils", read, DESCRIPTION, _ENDINGS)
