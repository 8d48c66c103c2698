"""Synthetic LAMOST files in each layout."""

import gzip
import io

import numpy as np
from astropy.io import fits

N_PIXEL = 3909


def smooth_spectrum(seed=1, n_pixel=N_PIXEL):
    """Rows flux, ivar, wavelength, andmask, ormask of a plausible star, as float32."""
    rng = np.random.default_rng(seed)
    wavelength = 10 ** (3.5682 + 1e-4 * np.arange(n_pixel))
    flux = 1000 * np.exp(-(((wavelength - 6000) / 3000) ** 2))
    flux *= 1 - 0.5 * np.exp(-(((wavelength - 6564.6) / 8) ** 2))
    sigma = 0.02 * flux
    rows = [flux + rng.normal(0, sigma), sigma**-2.0, wavelength, 0 * flux, 0 * flux]
    return np.array(rows, dtype=np.float32)


def lamost_bytes(layout="image", rows=None, zipped=False, **cards):
    """The bytes of one file; a card that is None is left out of the header."""
    rows = smooth_spectrum() if rows is None else rows
    header = {
        "TELESCOP": "LAMOST", "DATA_V": "LAMOST DR7", "OBSID": 7, "CLASS": "STAR", "SUBCLASS": "G5",
        "RA": 10.5, "DEC": -3.25, "Z": 1e-4, "SNRG": 40.0, "COEFF0": 3.5682, "COEFF1": 1e-4,
    } | cards  # fmt: skip
    if layout == "table":
        names = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK")
        columns = [fits.Column(name, f"{len(row)}E", array=row[None]) for name, row in zip(names, rows, strict=True)]
        hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="COADD")]
    else:
        if layout == "image of pipeline 2.6":
            rows = np.array([rows[0], rows[1], np.ones_like(rows[0]), rows[3], rows[4]])
        hdus = [fits.PrimaryHDU(rows)]
    for key, value in header.items():
        if value is not None:
            hdus[0].header[key] = value
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    return gzip.compress(buffer.getvalue(), 1) if zipped else buffer.getvalue()


def sdss_bytes():
    """An SDSS-like file: a table with loglam and no LAMOST columns."""
    columns = [fits.Column(name, "E", array=np.ones(5)) for name in ("flux", "loglam", "ivar", "and_mask")]
    buffer = io.BytesIO()
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)])
    hdus[0].header["TELESCOP"] = "SDSS 2.5-M"
    hdus.writeto(buffer)
    return buffer.getvalue()
