"""Read LAMOST low-resolution spectra in every file layout of DR1 to DR10, recognised by content and not by release."""

import io
import re
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray

from bayescannon.data.spectra import RawSpectrum, SpectrumError
from bayescannon.numerics.typing import FloatArray

# rows of the image and columns of the table that are read; ORMASK is not used
ROWS = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK")
# the third row of the image is a wavelength if its median is above this [Angstrom], else normalised flux (pipeline 2.6)
LOWEST_WAVELENGTH = 1000.0
# numbers up to this are missing: the survey writes -9999
MISSING = -9990.0
GZIP_MAGIC = b"\x1f\x8b"
FITS_MAGIC = b"SIMPLE  ="
_ENDING = re.compile(r"\.(fits|fit|fts)(\.gz)?$|\.gz$", re.IGNORECASE)
_TABLE_TYPES = {"E": ">f4", "D": ">f8", "I": ">i2", "J": ">i4", "K": ">i8"}
_HEADER_KEYS = (
    "Z", "RA", "DEC", "SNRG", "SN_G", "COEFF0", "COEFF1",
    "OBSID", "DESIG", "CLASS", "SUBCLASS", "OBJNAME", "TSOURCE", "OBJSOURC", "DATA_V", "VERSPIPE", "TELESCOP", "ORIGIN",
)  # fmt: skip


def bare_id(name: str) -> str:
    """
    Strip folders and file endings from a spectrum's name: ``dr10/spec-1.fits.gz`` becomes ``spec-1``.

    LAMOST ids are always compared in this form.
    """
    return _ENDING.sub("", re.split(r"[/\\]", name.strip())[-1])


def read_lamost(path: str | Path) -> RawSpectrum:
    """
    Read one LAMOST low-resolution spectrum, plain or gzipped.

    The layout is recognised by content: an image of five rows (flux, ivar, wavelength, andmask, ormask); the same
    with normalised flux in the third row (pipeline 2.6; the wavelength is then 10^(COEFF0 + COEFF1 i)); or an
    empty primary HDU and a table of one row. NaN and negative values of flux and ivar are kept.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    raw : RawSpectrum

    Raises
    ------
    SpectrumError
        The file is missing, damaged, or not a LAMOST low-resolution spectrum; or it has no redshift, no
        ascending wavelength, or no pixel with positive inverse variance. The message reads
        ``kind: detail``.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SpectrumError("no such file: check the folder or the list of files") from None
    except (OSError, ValueError) as error:
        raise SpectrumError(f"unreadable: {getattr(error, 'strerror', None) or error}") from error
    return parse_lamost(data, str(path))


def parse_lamost(data: bytes, name: str) -> RawSpectrum:
    """
    Parse a spectrum from the bytes of a file, see :func:`read_lamost`.

    Parameters
    ----------
    data : bytes
        The whole file, gzipped or not.
    name : str
        Name of the file, with or without folders; the id is made from it.

    Raises
    ------
    SpectrumError
        As in :func:`read_lamost`.
    """
    header, rows, layout = _parse_fits(_decompress(data))
    redshift = _number(header["Z"])
    # below -1 the rest frame does not exist; the check also refuses NaN
    if not redshift > -1:
        raise SpectrumError(f"no redshift: header key Z is {header['Z']!r}; the rest frame is unknown")
    flux, ivar, wavelength, mask = rows
    _check_wavelength(wavelength)
    with np.errstate(invalid="ignore"):
        if not (np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)).any():
            raise SpectrumError("no good pixel: ivar is nowhere positive")
        # a mask value that does not fit in 32 bits sets every bit
        bits = np.where((mask >= 0) & (mask < 2**32), mask, 2**32 - 1).astype(np.uint32)
    snr = _number(header["SNRG"] if header["SNRG"] is not None else header["SN_G"])
    return RawSpectrum(
        bare_id(name),
        wavelength,
        flux,
        ivar,
        bits,
        redshift,
        _number(header["RA"]),
        _number(header["DEC"]),
        snr,
        _identity(header) | {"layout": layout, "path": name},
    )


def _identity(header: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the star and the spectrum in the header; DR1 has another key for the input catalogue."""
    keys = {
        "obsid": "OBSID", "designation": "DESIG", "class": "CLASS", "subclass": "SUBCLASS", "release": "DATA_V",
        "object_name": "OBJNAME", "pipeline": "VERSPIPE",
    }  # fmt: skip
    catalogue = _text(header["TSOURCE"]) or _text(header["OBJSOURC"])
    return {name: _text(header[key]) for name, key in keys.items()} | {"object_catalogue": catalogue}


def is_lamost(data: bytes) -> bool:
    """Return whether the first 30 kB of a file have the header of a LAMOST spectrum."""
    if data.startswith(GZIP_MAGIC):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, 30_000)
        except zlib.error:
            return False
    return data.startswith(FITS_MAGIC) and re.search(rb"TELESCOP= 'LAMOST", data[:30_000]) is not None


def _decompress(data: bytes) -> bytes:
    """Decompress gzipped data, and check that the result is FITS."""
    if data.startswith(GZIP_MAGIC):
        decompressor = zlib.decompressobj(wbits=31)
        try:
            data = decompressor.decompress(data)
        except zlib.error as error:
            raise SpectrumError(f"damaged gzip: {error}") from error
        if not decompressor.eof:
            raise SpectrumError("truncated: the gzip stream ends early; fetch the file again")
    if not data.startswith(FITS_MAGIC):
        raise SpectrumError("not FITS: the file does not begin with 'SIMPLE  ='")
    return data


def _parse_fits(data: bytes) -> tuple[dict[str, Any], list[FloatArray], str]:
    """Return header values, the four rows of `ROWS` and the name of the layout."""
    try:
        with warnings.catch_warnings():
            # survey headers break minor rules of the standard; only truncation matters here
            warnings.simplefilter("ignore", AstropyUserWarning)
            warnings.filterwarnings("error", "File may have been truncated", AstropyUserWarning)
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
                header = {key: hdus[0].header.get(key) for key in _HEADER_KEYS}
                if hdus[0].header["NAXIS"] == 0:
                    return header, _table_rows(data, hdus, header), "table"
                rows = _image_rows(hdus[0], header)
    except SpectrumError:
        raise
    except AstropyUserWarning as error:
        raise SpectrumError(f"truncated: {error}") from error
    except Exception as error:  # on damaged bytes astropy raises many kinds of exception
        raise SpectrumError(f"damaged FITS: {type(error).__name__}: {error}") from error
    if np.median(np.where(np.isfinite(rows[2]), rows[2], 0.0)) > LOWEST_WAVELENGTH:
        return header, rows, "image"
    start, step = _number(header["COEFF0"]), _number(header["COEFF1"])
    # old SDSS files also have five rows and COEFF0
    if not (_says_lamost(header) and np.isfinite(start + step)):
        raise _wrong_layout("row 3 of the image is not a wavelength", header)
    rows[2] = 10 ** (start + step * np.arange(len(rows[2])))
    return header, rows, "image of pipeline 2.6"


def _image_rows(hdu: Any, header: dict[str, Any]) -> list[FloatArray]:
    """Return the rows of the five-row image that are used."""
    if len(hdu.shape) != 2 or hdu.shape[0] != 5:
        raise _wrong_layout(f"the primary image has shape {hdu.shape}", header)
    return [row.astype(np.float64) for row in hdu.data[: len(ROWS)]]


def _table_rows(data: bytes, hdus: Any, header: dict[str, Any]) -> list[FloatArray]:
    """
    Return the columns of the one-row table that are used.

    The bytes of the row are split here, because astropy's table classes take most of the time of reading a file.
    """
    if len(hdus) < 2 or not isinstance(hdus[1], fits.BinTableHDU):
        raise _wrong_layout("the primary is empty and HDU 1 is not a table", header)
    cards = hdus[1].header
    names = [str(cards.get(f"TTYPE{n}")).strip().upper() for n in range(1, cards["TFIELDS"] + 1)]
    if not set(ROWS) <= set(names):
        raise _wrong_layout(f"HDU 1 has the columns {', '.join(names[:8])}", header)
    if cards["NAXIS2"] != 1:
        raise _wrong_layout(f"the table in HDU 1 has {cards['NAXIS2']} rows", header)
    rows, place = {}, hdus[1].fileinfo()["datLoc"]
    for n, name in enumerate(names, start=1):
        form = re.match(r"(\d*)([EDIJK])$", cards[f"TFORM{n}"].strip())
        if form is None:
            raise _wrong_layout(f"column {name} has the format {cards[f'TFORM{n}']!r}", header)
        row = np.frombuffer(data, _TABLE_TYPES[form[2]], count=int(form[1] or 1), offset=place)
        place += row.nbytes
        rows[name] = row * float(cards.get(f"TSCAL{n}", 1)) + float(cards.get(f"TZERO{n}", 0))
    lengths = {name: len(rows[name]) for name in ROWS}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise SpectrumError(f"damaged FITS: the columns of HDU 1 have different lengths: {found}")
    return [rows[name].astype(np.float64) for name in ROWS]


def _says_lamost(header: dict[str, Any]) -> bool:
    """Return whether the header names LAMOST."""
    return "LAMOST" in f"{header['TELESCOP']} {header['ORIGIN']}"


def _wrong_layout(found: str, header: dict[str, Any]) -> SpectrumError:
    """Return the error for a FITS file that is not in a layout of LAMOST."""
    return SpectrumError(
        f"{'unknown layout' if _says_lamost(header) else 'not LAMOST'}: {found}; expected an image of five rows "
        f"(flux, ivar, wavelength, andmask, ormask) or a table of one row with {', '.join(ROWS)}; TELESCOP is "
        f"{header['TELESCOP']!r}"
    )


def _check_wavelength(wavelength: FloatArray) -> None:
    """Raise an error unless the wavelengths are finite, positive and strictly ascending."""
    if len(wavelength) < 2:
        raise SpectrumError(f"bad wavelength: {len(wavelength)} pixels only")
    steps: NDArray[np.float64] = np.diff(wavelength)
    if not (np.isfinite(steps).all() and wavelength[0] > 0):
        raise SpectrumError("bad wavelength: a value is not finite or not positive")
    if (steps <= 0).any():
        order = "descending" if (steps < 0).all() else "not strictly ascending"
        raise SpectrumError(f"bad wavelength: {order} ({wavelength[0]:.2f} to {wavelength[-1]:.2f} A)")


def _number(value: Any) -> float:
    """Return a header value as a float; NaN where it is missing, -9999 or not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return np.nan
    return float(value) if value > MISSING else np.nan


def _text(value: Any) -> str:
    """Return a header value as text; empty where it is missing."""
    return "" if value is None else str(value).strip()
