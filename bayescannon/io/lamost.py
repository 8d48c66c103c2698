"""Read LAMOST low-resolution spectra in every file layout of DR1 to DR10, recognised by content and not by release."""

import io
import os
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
from bayescannon.data.star_ids import bare_id
from bayescannon.io.fits_header import header_values
from bayescannon.io.fits_sizes import require_fits_sizes
from bayescannon.io.plain_image import plain_image
from bayescannon.io.readers.reader import ReadResult
from bayescannon.io.size_limits import UNPACKED_SPECTRUM, SizeLimitError, size_text
from bayescannon.io.spectrum_table import SpectrumTable
from bayescannon.io.wavelength_scale import wavelength_scale
from bayescannon.numerics.typing import FloatArray

# rows of the image and columns of the table that are read; ORMASK is used only where there is no ANDMASK
ROWS = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK")
# rows of an image with flux, ivar, wavelength and two masks
N_ROWS = 5
# the third row of the image is a wavelength if its median is above this [Angstrom], else normalised flux (pipeline 2.6)
LOWEST_WAVELENGTH = 1000.0
# numbers up to this are missing: the survey writes -9999
MISSING = -9990.0
GZIP_MAGIC = b"\x1f\x8b"
FITS_MAGIC = b"SIMPLE  ="
# names of extensions with single exposures beside the coadded spectrum
_EXPOSURE = re.compile(r"(EXP|SINGLE|[BR]-?\d)", re.IGNORECASE)
# names of the arms of medium-resolution spectra
ARMS = ("COADD_B", "COADD_R")
EXPOSURES_LEFT_OUT = "single exposures left out"
_TWO_MASS = re.compile(r"(?:2MASS\s*)?(?:2M|J)?(\d{8}[+-]\d{7})$")
HEADER_KEYS = (
    "Z", "RA", "DEC", "SNRG", "SN_G", "COEFF0", "COEFF1", "VACUUM", "CTYPE1", "AIRORVAC", "HELIO",
    "OBSID", "DESIG", "CLASS", "SUBCLASS", "OBJNAME", "TSOURCE", "OBJSOURC", "DATA_V", "VERSPIPE", "TELESCOP", "ORIGIN",
    "GAIA_ID", "TFROM", "SNR",
)  # fmt: skip


def read_lamost(path: str | Path) -> RawSpectrum:
    """
    Read one LAMOST low-resolution spectrum, plain or gzipped.

    The layout is recognised by content: an image of five rows (flux, ivar, wavelength, andmask, ormask); the same
    with normalised flux in the third row (pipeline 2.6; the wavelength is then 10^(COEFF0 + COEFF1 i)); or an
    empty primary HDU and a table of one row, the extension COADD where there are several. NaN and negative values of
    flux and ivar are kept. Wavelengths are taken for air where the header says so (``VACUUM = F``).

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
    return parse_lamost(file_bytes(Path(path)), str(path))


def file_bytes(path: Path) -> bytes:
    """Return the bytes of a file; a SpectrumError with a reason if it cannot be read."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > UNPACKED_SPECTRUM:
                raise _too_large("the file has")
            return file.read(size + 1)
    except SpectrumError:
        raise
    except FileNotFoundError:
        raise SpectrumError("no such file: check the folder or the list of files") from None
    except (OSError, ValueError) as error:
        raise SpectrumError(f"unreadable: {getattr(error, 'strerror', None) or error}") from error


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
    raw: RawSpectrum = lamost_result(data, name).spectra[0]
    # below -1 the rest frame does not exist; the check also refuses NaN
    if not raw.redshift > -1:
        raise SpectrumError("no redshift: the header key Z has none above -1; the rest frame is unknown")
    return raw


def lamost_result(data: bytes, name: str) -> ReadResult:
    """Return the spectrum of :func:`parse_lamost`, also one without a redshift, and what was left out of the file."""
    header, rows, layout, notes = _parse_fits(decompress(data))
    flux, ivar, wavelength, mask = rows
    check_wavelength(wavelength)
    with np.errstate(invalid="ignore"):
        if not (np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)).any():
            raise SpectrumError("no good pixel: ivar is nowhere positive")
    snr = header_number(header["SNRG"] if header["SNRG"] is not None else header["SN_G"])
    scale = wavelength_scale(header)
    raw = RawSpectrum(
        bare_id(name),
        wavelength,
        flux,
        ivar,
        mask_bits(mask),
        header_number(header["Z"]),
        header_number(header["RA"]),
        header_number(header["DEC"]),
        snr,
        identity(header) | {"layout": layout, "path": name},
        air=scale.air,
    )
    return ReadResult([raw], notes=notes | dict.fromkeys(scale.notes, 1))


def mask_bits(mask: FloatArray) -> NDArray[np.uint32]:
    """Return mask values as 32 bits; a value that does not fit in them, or is not finite, sets every bit."""
    with np.errstate(invalid="ignore"):
        return np.where((mask >= 0) & (mask < 2**32), mask, 2**32 - 1).astype(np.uint32)


def identity(header: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the star and the spectrum in the header; DR1 has another key for the input catalogue."""
    keys = {
        "obsid": "OBSID", "designation": "DESIG", "class": "CLASS", "subclass": "SUBCLASS", "release": "DATA_V",
        "object_name": "OBJNAME", "pipeline": "VERSPIPE",
    }  # fmt: skip
    catalogue = _text(header["TSOURCE"]) or _text(header["OBJSOURC"])
    names = {name: _text(header[key]) for name, key in keys.items()} | {"object_catalogue": catalogue}
    # the input catalogue's name of the star is a 2MASS or Gaia name only where the catalogue says so
    source = f"{catalogue} {_text(header['TFROM'])}".upper()
    two_mass = _TWO_MASS.match(names["object_name"])
    if two_mass and ("2MASS" in source or names["object_name"].startswith("2M")):
        names["twomass_id"] = two_mass[1]
    gaia = _text(header["GAIA_ID"]) or (names["object_name"] if "GAIA" in source else "")
    if re.fullmatch(r"[1-9]\d{6,18}", gaia):
        names["gaia_id"] = gaia
    return names


def is_lamost(data: bytes) -> bool:
    """Return whether the first 30 kB of a file have the header of a LAMOST spectrum."""
    if data.startswith(GZIP_MAGIC):
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, 30_000)
        except zlib.error:
            return False
    return data.startswith(FITS_MAGIC) and b"TELESCOP= 'LAMOST" in data[:30_000]


def decompress(data: bytes) -> bytes:
    """Decompress gzipped data, and check that the result is FITS."""
    if data.startswith(GZIP_MAGIC):
        parts: list[bytes] = []
        left = UNPACKED_SPECTRUM
        # a file may be several streams, as parallel compression writes them
        while data.startswith(GZIP_MAGIC):
            decompressor = zlib.decompressobj(wbits=31)
            try:
                # one byte more than is taken, so that what would unpack to gigabytes is found out at the limit
                parts.append(decompressor.decompress(data, left + 1))
            except zlib.error as error:
                raise SpectrumError(f"damaged gzip: {error}") from error
            left -= len(parts[-1])
            if left < 0:
                raise _too_large("it unpacks to")
            if not decompressor.eof:
                raise SpectrumError("truncated: the gzip stream ends early; fetch the file again")
            data = decompressor.unused_data
        data = b"".join(parts)
    if not data.startswith(FITS_MAGIC):
        raise SpectrumError("not FITS: the file does not begin with 'SIMPLE  ='")
    return data


def _too_large(what: str) -> SpectrumError:
    return SpectrumError(f"too large: {what} more than {size_text(UNPACKED_SPECTRUM)}, and one spectrum has less")


def _parse_fits(data: bytes) -> tuple[dict[str, Any], list[FloatArray], str, dict[str, int]]:
    """Return header values, the four rows of `ROWS`, the name of the layout and what was left out or decided."""
    try:
        plain = plain_image(data)
        if plain is not None and plain[0].shape[0] == N_ROWS:
            image, late = plain
            header = header_values(data, late, HEADER_KEYS)
            return _with_wavelength(header, [row.astype(np.float64) for row in image[: len(ROWS)]])
        # before astropy allocates what a header declares
        require_fits_sizes(data, len(data), "the file")
        with warnings.catch_warnings():
            # survey headers break minor rules of the standard; only truncation matters here
            warnings.simplefilter("ignore", AstropyUserWarning)
            warnings.filterwarnings("error", "File may have been truncated", AstropyUserWarning)
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
                header = header_values(data, hdus[0].header, HEADER_KEYS)
                if _in_table(hdus):
                    table, notes = _coadded(data, hdus, header)
                    rows, mask = table.spectrum()
                    if mask != "ANDMASK":
                        notes[f"spectra without ANDMASK: the mask is {mask or 'empty'}"] = 1
                    return header, rows, "table", notes
                rows = _image_rows(hdus[0], header)
    except SizeLimitError as error:
        raise SpectrumError(str(error)) from None
    except SpectrumError:
        raise
    except AstropyUserWarning as error:
        raise SpectrumError(f"truncated: {error}") from error
    except Exception as error:  # on damaged bytes astropy raises many kinds of exception
        raise SpectrumError(f"damaged FITS: {type(error).__name__}: {error}") from error
    return _with_wavelength(header, rows)


def _with_wavelength(
    header: dict[str, Any], rows: list[FloatArray]
) -> tuple[dict[str, Any], list[FloatArray], str, dict[str, int]]:
    """Return the rows of an image with a wavelength in the third, and which layout it is."""
    if np.median(np.where(np.isfinite(rows[2]), rows[2], 0.0)) > LOWEST_WAVELENGTH:
        return header, rows, "image", {}
    start, step = header_number(header["COEFF0"]), header_number(header["COEFF1"])
    # old SDSS files also have five rows and COEFF0
    if not (_says_lamost(header) and np.isfinite(start + step)):
        raise _wrong_layout("row 3 of the image is not a wavelength", header)
    rows[2] = 10 ** (start + step * np.arange(len(rows[2])))
    return header, rows, "image of pipeline 2.6", {}


def _image_rows(hdu: Any, header: dict[str, Any]) -> list[FloatArray]:
    """Return the rows of the five-row image that are used."""
    if len(hdu.shape) != 2 or hdu.shape[0] != N_ROWS:
        raise _wrong_layout(f"the primary image has shape {hdu.shape}", header)
    return [row.astype(np.float64) for row in hdu.data[: len(ROWS)]]


def _in_table(hdus: Any) -> bool:
    """Tell whether the spectrum is in a table: the primary is empty, or another image with a table behind it."""
    if hdus[0].header["NAXIS"] == 0:
        return True
    five_rows = hdus[0].header["NAXIS"] == 2 and hdus[0].header["NAXIS2"] == N_ROWS
    return not five_rows and any(isinstance(hdu, fits.BinTableHDU) for hdu in hdus[1:])


def _coadded(data: bytes, hdus: Any, header: dict[str, Any]) -> tuple[SpectrumTable, dict[str, int]]:
    """Return the table of the coadded spectrum, wherever it stands, and what was left out."""
    tables = [SpectrumTable(data, hdu) for hdu in hdus[1:] if isinstance(hdu, fits.BinTableHDU)]
    found = [table for table in tables if (table.has_spectrum() if _says_lamost(header) else table.has(*ROWS))]
    arms = [table.name for table in tables if table.name.upper() in ARMS]
    if arms:
        raise SpectrumError(
            f"medium resolution: the file has {' and '.join(arms)}; read it with the reader lamost-mrs (--reader)"
        )
    if not found:
        if not tables:
            raise _wrong_layout("no extension is a table", header)
        raise _wrong_layout(f"the first of {len(tables)} tables has {', '.join(tables[0].columns[:8])}", header)
    coadded = [table for table in found if table.name.upper() == "COADD"]
    chosen = coadded or [table for table in found if not _EXPOSURE.match(table.name)]
    names = ", ".join(table.name or "a table without name" for table in found)
    if not chosen:
        raise SpectrumError(f"single exposures only: the file has {names} and no extension COADD")
    if len(chosen) > 1:
        raise SpectrumError(f"several spectra: any of the tables {names} could be meant; one must be named COADD")
    return chosen[0], {EXPOSURES_LEFT_OUT: len(found) - 1}


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


def check_wavelength(wavelength: FloatArray) -> None:
    """Raise an error unless the wavelengths are finite, positive and strictly ascending."""
    if len(wavelength) < 2:
        raise SpectrumError(f"bad wavelength: {len(wavelength)} pixels only")
    steps: NDArray[np.float64] = np.diff(wavelength)
    if not (np.isfinite(steps).all() and wavelength[0] > 0):
        raise SpectrumError("bad wavelength: a value is not finite or not positive")
    if (steps <= 0).any():
        order = "descending" if (steps < 0).all() else "not strictly ascending"
        raise SpectrumError(f"bad wavelength: {order} ({wavelength[0]:.2f} to {wavelength[-1]:.2f} A)")


def header_number(value: Any) -> float:
    """Return a header value as a float, also of a text; NaN where it is missing, -9999 or not a number."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return np.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return np.nan
    return float(value) if value > MISSING else np.nan


def _text(value: Any) -> str:
    """Return a header value as text; empty where it is missing."""
    return "" if value is None else str(value).strip()
