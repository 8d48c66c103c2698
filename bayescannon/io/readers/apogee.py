"""The reader of APOGEE's combined spectra: apStar, aspcapStar, and mwmStar of SDSS-V."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from bayescannon.data.raw_spectrum import RawSpectrum, SpectrumError
from bayescannon.data.star_ids import bare_id
from bayescannon.io.fits_sizes import fits_source
from bayescannon.io.lamost import file_bytes, header_number, is_lamost, mask_bits
from bayescannon.io.readers.reader import Reader, ReadResult
from bayescannon.io.size_limits import UNPACKED_SPECTRUM, SizeLimitError
from bayescannon.numerics.typing import FloatArray

# The data models are those of data.sdss.org/datamodel (apStar, aspcapStar) and of the documentation of astra
# (sdss-astra.readthedocs.io, "Data models": mwmStar). Wavelengths are in vacuum and at rest, on one grid:
# log10(wavelength) = 4.179 + 6e-6 i, 8575 pixels.
_START, _STEP, _PIXELS = 4.179, 6e-6, 8575
# the pixels of the three chips that ASPCAP used from DR13 on, 7514 of them
_CHIPS = ((246, 3274), (3585, 6080), (6344, 8335))
# BADPIX, CRPIX, SATPIX, UNFIXABLE, BADDARK, BADFLAT, BADERR, NOSKY and NOT_ENOUGH_PSF of the bit mask APOGEE_PIXMASK
BAD_BITS = 0xFF | 1 << 14
# the pipeline gives bad pixels an error of 1e10
_BAD_ERROR = 1e9
_AT_REST = "spectra are at rest in their files: redshift 0"
_NORMALISED = "spectra were normalised by the survey (aspcapStar): the preset none keeps that"
_TWO_MASS = re.compile(r"(?:2M|AP)(\d{8}[+-]\d{7})")


def _piece(start: int, stop: int) -> str:
    low, high = (10 ** (_START + _STEP * pixel) for pixel in (start, stop - 1))
    return f"{low:.10f}:{high:.10f}:{_STEP:g}:log"


GRID = ",".join(_piece(*chip) for chip in _CHIPS)


def recognises(head: bytes, path: Path) -> bool:
    """Tell whether a file has a spectrum on APOGEE's grid, or spectra of SDSS-V's Milky Way Mapper."""
    if not head.startswith(b"SIMPLE  =") or is_lamost(head):
        return False
    try:
        with _opened(path) as hdus:
            return _kind(hdus) != ""
    except Exception:  # a damaged file is refused by the reader, with the reason
        return False


def read(path: Path) -> ReadResult:
    """
    Read the combined spectrum of a star; visits and optical spectra are left out and counted.

    Raises
    ------
    SpectrumError
        The file is damaged, has visits only, or none of these layouts.
    """
    if not path.is_file():
        file_bytes(path)
    try:
        with _opened(path) as hdus:
            kind = _kind(hdus)
            if kind == "":
                raise SpectrumError(
                    "not APOGEE: expected an image on the grid log10(wavelength) = 4.179 + 6e-6 i (apStar, "
                    "aspcapStar), or tables of SDSS-V (mwmStar)"
                )
            return _READ[kind](path, hdus)
    except (SpectrumError, SizeLimitError):
        raise
    except Exception as error:  # on damaged bytes astropy raises many kinds of exception
        raise SpectrumError(f"damaged FITS: {type(error).__name__}: {error}") from error


def _opened(path: Path) -> Any:
    source = fits_source(path, UNPACKED_SPECTRUM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fits.open(source, memmap=False, lazy_load_hdus=True)


def _kind(hdus: Any) -> str:
    """Return the layout: apStar, aspcapStar, apVisit, mwm or an empty text."""
    first = hdus[0].header
    if "V_ASTRA" in first and "SDSS_ID" in first:
        return "mwm"
    if len(hdus) < 4 or not isinstance(hdus[1], fits.ImageHDU):
        return ""
    cards = hdus[1].header
    if cards["NAXIS"] == 2 and cards.get("NAXIS2") == 3 and len(hdus) > 4 and _is_visit(hdus):
        return "apVisit"
    start, step = cards.get("CRVAL1", 0), cards.get("CDELT1", 0)
    if not (np.isclose(start, _START, atol=1e-6) and np.isclose(step, _STEP, atol=1e-9)):
        return ""
    # the third image is the mask of an apStar file, whole numbers, and the best fit of an aspcapStar file
    return "apStar" if hdus[3].header["BITPIX"] > 0 else "aspcapStar"


def _is_visit(hdus: Any) -> bool:
    """Tell whether the fourth image holds the wavelengths of the three chips of one visit."""
    return str(hdus[4].header.get("BUNIT", "")).lower().startswith("wave")


def _ap_visit(path: Path, hdus: Any) -> ReadResult:  # noqa: ARG001
    raise SpectrumError("single visit: an apVisit file is of one visit and not at rest; give apStar files")


def _ap_star(path: Path, hdus: Any) -> ReadResult:
    """Read the first row: the visits combined with the weights of each pixel."""
    flux, error, mask = (np.atleast_2d(hdu.data) for hdu in hdus[1:4])
    header = hdus[0].header
    # two rows are combined in two ways; the others are the visits
    visits = max(len(flux) - 2, 0)
    bits = mask_bits(mask[0].astype(np.float64))
    raw = _raw(bare_id(path.name), _grid(hdus[1]), flux[0], _ivar(error[0]), bits, _star(header), path, "apStar")
    return ReadResult([raw], notes={_AT_REST: 1, "visit spectra left out": visits})


def _aspcap_star(path: Path, hdus: Any) -> ReadResult:
    """Read the spectrum that ASPCAP fitted, which it has normalised."""
    flux, error = (np.atleast_2d(hdu.data)[0] for hdu in hdus[1:3])
    # pixels between the chips have no flux
    ivar = np.where(flux == 0, 0.0, _ivar(error))
    values = _star(hdus[0].header)
    bits = np.zeros(len(flux), dtype=np.uint32)
    raw = _raw(bare_id(path.name), _grid(hdus[1]), flux, ivar, bits, values, path, "aspcapStar")
    return ReadResult([raw], notes={_AT_REST: 1, _NORMALISED: 1})


def _mwm(path: Path, hdus: Any) -> ReadResult:
    """Read the spectrum of each telescope; several rows are visits."""
    spectra, optical = [], 0
    header = hdus[0].header
    for hdu in hdus[1:]:
        if not isinstance(hdu, fits.BinTableHDU) or not hdu.header["NAXIS2"]:
            continue
        columns = {name.lower(): name for name in hdu.columns.names}
        if not {"flux", "ivar"} <= columns.keys():
            continue
        instrument = f"{hdu.name} {hdu.header.get('INSTRMNT', '')}".upper()
        if "APOGEE" not in instrument:
            optical += 1
            continue
        if len(hdu.data) > 1:
            raise SpectrumError(f"single visits: {hdu.name} has {len(hdu.data)} spectra of visits; give mwmStar files")
        row = {name: np.asarray(hdu.data[column])[0] for name, column in columns.items()}
        spectra.append((str(row.get("telescope", hdu.name)).strip(), _mwm_raw(path, hdu, header, row)))
    if not spectra:
        raise SpectrumError(f"no spectrum: the file has no APOGEE spectrum; optical ones {optical}")
    if len(spectra) > 1:
        # each telescope has its own line spread: its spectra are never combined
        raws = [replace(raw, id=f"{raw.id}-{telescope}") for telescope, raw in spectra]
        notes = {"stars with a spectrum of each telescope: both are kept, named by it": 1}
    else:
        raws, notes = [spectra[0][1]], {}
    return ReadResult(raws, notes={_AT_REST: len(raws)} | notes | {"optical (BOSS) spectra left out": optical})


def _mwm_raw(path: Path, hdu: Any, header: Any, row: Mapping[str, Any]) -> RawSpectrum:
    """Return the spectrum of one row of a table of SDSS-V."""
    wavelength = row.get("wavelength")
    if wavelength is None:
        keys = [hdu.header.get(key) for key in ("CRVAL", "CDELT", "NPIXELS")]
        if None in keys:
            raise SpectrumError(f"unknown layout: {hdu.name} has neither wavelength nor CRVAL, CDELT and NPIXELS")
        wavelength = 10 ** (keys[0] + keys[1] * np.arange(int(keys[2])))
    flags = row.get("pixel_flags")
    bits = np.zeros(len(row["flux"]), np.uint32) if flags is None else mask_bits(np.asarray(flags, dtype=np.float64))
    cards = {str(key).upper(): value for key, value in header.items()}
    values = _star(cards | {key.upper(): value for key, value in row.items() if np.ndim(value) == 0})
    return _raw(bare_id(path.name), wavelength, row["flux"], row["ivar"], bits, values, path, "mwmStar")


def _star(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return position, S/N and names from a header or a row."""
    name = _first(header, "OBJID", "OBJ", "APOGEEID", "SDSS4_APOGEE_ID")
    two_mass = _TWO_MASS.match(name)
    gaia = _first(header, "GAIA_DR3_SOURCE_ID", "GAIADR3", "GAIA_DR2_SOURCE_ID")
    ids = {
        "survey_id": name,
        "object_name": name,
        "twomass_id": two_mass[1] if two_mass else "",
        "gaia_id": gaia if re.fullmatch(r"[1-9]\d{6,18}", gaia) else "",
    }
    numbers = {key: header_number(_plain(header.get(key.upper()))) for key in ("ra", "dec", "snr")}
    return numbers | {"ids": ids}


def _first(header: Mapping[str, Any], *keys: str) -> str:
    """Return the first of some values that is there, as a text."""
    return next((str(header[key]).strip() for key in keys if header.get(key)), "")


def _plain(value: Any) -> Any:
    """Return a numpy number as a Python number."""
    return value.item() if isinstance(value, np.generic) else value


def _raw(
    name: str,
    wavelength: Any,
    flux: Any,
    ivar: FloatArray,
    bits: NDArray[np.uint32],
    values: dict[str, Any],
    path: Path,
    layout: str,
) -> RawSpectrum:
    """Return a spectrum at rest, with dead pixels where a bad bit is set."""
    dead = (bits & np.uint32(BAD_BITS)) != 0
    meta = values["ids"] | {"layout": layout, "path": str(path), "release": "APOGEE"}
    return RawSpectrum(
        name, np.asarray(wavelength, np.float64), np.asarray(flux, np.float64),
        np.where(dead, 0.0, np.asarray(ivar, np.float64)), bits, 0.0, values["ra"], values["dec"], values["snr"], meta,
        air=False,
    )  # fmt: skip


def _ivar(error: FloatArray) -> FloatArray:
    """Return the inverse variance of errors; 0 where the pipeline marks a pixel as bad."""
    error = np.asarray(error, dtype=np.float64)
    good = (error > 0) & (error < _BAD_ERROR)
    result: FloatArray = np.where(good, 1 / np.where(good, error, 1.0) ** 2, 0.0)
    return result


def _grid(hdu: Any) -> FloatArray:
    """Return the wavelengths of an image with a logarithmic axis."""
    result: FloatArray = 10 ** (hdu.header["CRVAL1"] + hdu.header["CDELT1"] * np.arange(hdu.header["NAXIS1"]))
    return result


_READ = {"apStar": _ap_star, "aspcapStar": _aspcap_star, "apVisit": _ap_visit, "mwm": _mwm}
READER = Reader(
    "apogee", read, "APOGEE apStar, aspcapStar and SDSS-V mwmStar, infrared, at rest", recognises=recognises, grid=GRID
)
