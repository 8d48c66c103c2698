"""The reader of LAMOST's medium-resolution spectra: two arms, joined with a gap."""

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from bayescannon.data.raw_spectrum import RawSpectrum, SpectrumError
from bayescannon.data.star_ids import bare_id
from bayescannon.io.fits_sizes import fits_source, require_fits_sizes
from bayescannon.io.lamost import (
    ARMS,
    EXPOSURES_LEFT_OUT,
    HEADER_KEYS,
    check_wavelength,
    decompress,
    file_bytes,
    header_number,
    identity,
    is_lamost,
    mask_bits,
)
from bayescannon.io.readers.reader import Reader, ReadResult
from bayescannon.io.size_limits import UNPACKED_SPECTRUM
from bayescannon.io.spectrum_table import SpectrumTable
from bayescannon.io.wavelength_scale import WavelengthScale, scale_name, wavelength_scale
from bayescannon.numerics.typing import FloatArray

# The arms are 4950-5350 and 6300-6800 A (LAMOST DR7 and DR9, "Data production description" of the medium-resolution
# survey). The grid leaves about 10 A at each end for velocities up to 400 km/s; its step is about that of the pixels,
# and both arms have as many pixels.
GRID = "4960:5340:1e-5:log,6308:6791.2:1e-5:log"
_ARM_NAMES = {"COADD_B": "the blue arm (COADD_B)", "COADD_R": "the red arm (COADD_R)"}
_ARM_RANGES = {"COADD_B": (4900.0, 5400.0), "COADD_R": (6250.0, 6850.0)}
_EXPOSURE = re.compile(r"[BR]-?\d{5,}")
_FIVE_ROWS = re.compile(rb"NAXIS   = +2 .*NAXIS2  = +5 ")


def is_medium_resolution(head: bytes, path: Path) -> bool:
    """
    Tell whether a LAMOST file is of the medium-resolution survey: by the names of its extensions, or two without names.

    The file is opened only where the first bytes hold no name that decides.
    """
    # the image of five rows of the low-resolution survey
    if _FIVE_ROWS.search(head, 0, 2880):
        return False
    after = head.split(b"EXTNAME = '")[1:]
    names = [text.partition(b"'")[0].decode("ascii", "replace").strip().upper() for text in after]
    if any(name in ARMS or _EXPOSURE.fullmatch(name) for name in names):
        return True
    empty = re.search(rb"NAXIS   = +0 ", head[:2880]) is not None
    if not empty or "COADD" in names:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = fits_source(path, UNPACKED_SPECTRUM)
            with fits.open(source, memmap=False, lazy_load_hdus=True) as hdus:
                names = [hdu.name.upper() for hdu in hdus]
                unnamed = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU) and not hdu.name]
    except Exception:  # a damaged file is refused by the reader, with the reason
        return False
    return len(unnamed) == len(ARMS) or any(name in ARMS or _EXPOSURE.fullmatch(name) for name in names)


def recognises(head: bytes, path: Path) -> bool:
    """Tell whether a file is of LAMOST's medium-resolution survey."""
    return is_lamost(head) and is_medium_resolution(head, path)


def read(path: Path) -> ReadResult:
    """
    Read the coadded spectra of both arms as one RawSpectrum; a star that has one arm only is that arm.

    An arm is a table with a row per pixel and LOGLAM (DR6, DR7) or with one row of vectors and WAVELENGTH, named
    COADD_B or COADD_R, wherever it stands; tables without names are told by their wavelengths. Single exposures are
    left out.

    Raises
    ------
    SpectrumError
        The file is damaged, has single exposures only, or arms that overlap.
    """
    data = decompress(file_bytes(path))
    require_fits_sizes(data, len(data), path.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyUserWarning)
            warnings.filterwarnings("error", "File may have been truncated", AstropyUserWarning)
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
                return _result(path, data, hdus)
    except SpectrumError:
        raise
    except AstropyUserWarning as error:
        raise SpectrumError(f"truncated: {error}") from error
    except Exception as error:  # on damaged bytes astropy raises many kinds of exception
        raise SpectrumError(f"damaged FITS: {type(error).__name__}: {error}") from error


def _result(path: Path, data: bytes, hdus: Any) -> ReadResult:
    """Join the arms of an open file."""
    tables = [SpectrumTable(data, hdu) for hdu in hdus[1:] if isinstance(hdu, fits.BinTableHDU)]
    spectra = [table for table in tables if table.has_spectrum()]
    named = [(table.name.upper(), table) for table in spectra if table.name.upper() in ARMS]
    named = named or [(name, table) for table in spectra if not table.name and (name := _arm_by_wavelength(table))]
    names, arms = [name for name, _ in named], [table for _, table in named]
    if not arms:
        _refuse(spectra, hdus)
    if len(set(names)) < len(names):
        raise SpectrumError(f"several spectra: the file has {', '.join(sorted(names))}; expected one of each")
    notes = {EXPOSURES_LEFT_OUT: len(spectra) - len(arms)}
    notes["spectra whose arms have no names: told by their wavelengths"] = int(not arms[0].name)
    missing = [words for name, words in _ARM_NAMES.items() if name not in names]
    notes |= {f"spectra that lack {words}": 1 for words in missing}
    header, scale, said = _header(arms, hdus[0].header)
    notes |= dict.fromkeys((*scale.notes, *said), 1)
    parts = sorted((_arm(table) for table in arms), key=lambda rows: rows[2][0])
    if len(parts) == 2 and parts[0][2][-1] >= parts[1][2][0]:
        raise SpectrumError("bad wavelength: the arms COADD_B and COADD_R overlap")
    flux, ivar, wavelength, mask = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    snr = next((header[key] for key in ("SNR", "SNRG", "SN_G") if header.get(key) is not None), None)
    meta = identity(header) | {"layout": "medium resolution", "path": str(path)}
    raw = RawSpectrum(
        bare_id(path.name),
        wavelength,
        flux,
        ivar,
        mask_bits(mask),
        header_number(header["Z"]),
        header_number(header["RA"]),
        header_number(header["DEC"]),
        header_number(snr),
        meta | ({"missing": missing[0]} if missing else {}),
        air=scale.air,
    )
    return ReadResult([raw], notes=notes)


def _arm_by_wavelength(table: SpectrumTable) -> str:
    """Return the name of the arm whose wavelengths a table has; empty if it has those of none."""
    middle = float(np.median(_arm(table)[2]))
    return next((name for name, (low, high) in _ARM_RANGES.items() if low < middle < high), "")


def _header(arms: list[SpectrumTable], primary: Any) -> tuple[dict[str, Any], WavelengthScale, list[str]]:
    """Return header values, the scale of the wavelengths, and in what the arms differ; what an arm says goes first."""
    headers = [arm.header for arm in arms]
    header = {
        key: next((one[key] for one in (*headers, primary) if key in one and one[key] not in ("", -9999)), None)
        for key in HEADER_KEYS
    }
    said = []
    scales = [wavelength_scale({key: one.get(key, primary.get(key)) for key in HEADER_KEYS}) for one in headers]
    scale = next((one for one in scales if one.air is not None), scales[0])
    if len({one.air for one in scales} - {None}) > 1:
        said.append(f"spectra one of whose arms is in air: all was taken for {scale_name(scale.air)} (--air decides)")
    redshifts = [header_number(one.get("Z")) for one in headers]
    if len({z for z in redshifts if np.isfinite(z)}) > 1:
        said.append("spectra whose arms have different redshifts Z: that of the first arm was taken")
    return header, scale, said


def _arm(table: SpectrumTable) -> list[FloatArray]:
    """Return flux, ivar, wavelength and mask of an arm."""
    rows, _ = table.spectrum()
    check_wavelength(rows[2])
    return list(rows)


def _refuse(spectra: list[SpectrumTable], hdus: Any) -> None:
    """Raise an error for a file without a coadded arm."""
    names = ", ".join(table.name or "a table without name" for table in spectra)
    if not spectra:
        named = ", ".join(hdu.name for hdu in hdus)
        raise SpectrumError(f"unknown layout: no extension is COADD_B or COADD_R; the file has {named}")
    if any(table.name.upper() == "COADD" for table in spectra):
        raise SpectrumError("low resolution: the file has COADD; read it with the reader lamost-lrs (--reader)")
    raise SpectrumError(f"single exposures only: the file has {names}, and neither COADD_B nor COADD_R")


READER = Reader(
    "lamost-mrs", read, "LAMOST medium resolution, both arms of every layout", recognises=recognises, grid=GRID
)
