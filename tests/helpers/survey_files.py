"""Small files of surveys other than LAMOST's low-resolution one, in the layouts of their data models."""

import numpy as np
from astropy.io import fits

BLUE, RED = np.arange(4950.0, 5350, 0.12), np.arange(6300.0, 6800, 0.15)
FULL = 10 ** (3.5682 + 1e-4 * np.arange(3909))
APOGEE = 10 ** (4.179 + 6e-6 * np.arange(8575))


def primary(**cards):
    """The primary HDU of a LAMOST file, empty; a card that is None is left out."""
    header = {
        "TELESCOP": "LAMOST",
        "DATA_V": "LAMOST DR9",
        "OBSID": 7,
        "RA": 80.1,
        "DEC": 20.2,
        "Z": 1e-4,
        "CLASS": "STAR",
    }
    hdu = fits.PrimaryHDU()
    for key, value in (header | cards).items():
        if value is not None:
            hdu.header[key] = value
    return hdu


def star(wavelength, seed=1):
    """Flux and inverse variance of a star with a line in each arm."""
    flux = 1000 * np.exp(-(((wavelength - 6000) / 4000) ** 2))
    for line in (5170.0, 6564.6):
        flux *= 1 - 0.5 * np.exp(-0.5 * ((wavelength - line) / 2.0) ** 2)
    return flux + np.random.default_rng(seed).normal(0, 8, len(wavelength)), np.full(len(wavelength), 1 / 64)


def pixel_rows(wavelength, name, mask="ORMASK"):
    """A table with one row per pixel and LOGLAM."""
    flux, ivar = star(wavelength)
    columns = [fits.Column("FLUX", "E", array=flux), fits.Column("IVAR", "E", array=ivar)]
    columns += [fits.Column("LOGLAM", "D", array=np.log10(wavelength))]
    columns += [fits.Column(mask, "J", array=np.arange(len(wavelength)) == 3)]
    return fits.BinTableHDU.from_columns(columns, name=name)


def vectors(wavelength, name, masks=("ANDMASK", "ORMASK"), mask_form="I", variable=False, flux=None):
    """A table with one row of vectors and WAVELENGTH; bit 1 of the mask is set in pixel 3."""
    own, ivar = star(wavelength)
    flux = own if flux is None else flux
    n = len(wavelength)
    form = "PE()" if variable else f"{n}E"
    cell = (lambda x: np.array([x.astype("f4")], dtype=object)) if variable else (lambda x: x[None].astype("f4"))
    arrays = {"FLUX": flux, "IVAR": ivar, "WAVELENGTH": wavelength}
    columns = [fits.Column(key, form, array=cell(value)) for key, value in arrays.items()]
    bad = (np.arange(n) == 3)[None]
    if mask_form == "P":
        columns += [fits.Column(mask, "PJ()", array=np.array([bad[0].astype("i4")], dtype=object)) for mask in masks]
    else:
        columns += [fits.Column(mask, f"{n}{mask_form}", array=bad) for mask in masks]
    columns += [fits.Column("NOTE", "8A", array=["text"]), fits.Column("NORMALIZATION", form, array=cell(flux / 1000))]
    return fits.BinTableHDU.from_columns(columns, name=name)


def write(path, *hdus):
    """Write HDUs to a file."""
    fits.HDUList(list(hdus)).writeto(path)
    return path


def apogee_image(values):
    """An image on APOGEE's grid."""
    hdu = fits.ImageHDU(values)
    hdu.header["CRVAL1"], hdu.header["CDELT1"] = 4.179, 6e-6
    return hdu


def ap_star(path, n_visit=3, flux=None, mask=None):
    """An apStar file: row 0 and 1 are combined spectra, the others visits."""
    flux = 500 * np.ones(8575) if flux is None else flux
    rows = n_visit + 2 if n_visit > 1 else 1
    flux = np.stack([flux + 100 * k for k in range(rows)]).astype("f4")
    error = np.full(flux.shape, 5.0, "f4")
    error[0, 100] = 1e10
    bits = np.zeros(flux.shape, "i2") if mask is None else np.broadcast_to(mask, flux.shape).astype("i2")
    header = fits.PrimaryHDU()
    cards = {"OBJID": "2M05560393-0133549", "RA": 89.0, "DEC": -1.5, "SNR": 123.0, "NVISITS": n_visit, "VHELIO": 30.0}
    header.header.update(cards)
    images = [apogee_image(one[0] if rows == 1 else one) for one in (flux, error, bits)]
    return write(path, header, *images, *[fits.ImageHDU() for _ in range(3)])


def aspcap_star(path):
    """An aspcapStar file: normalised, with the best fit in the third image."""
    flux = np.ones(8575, "f4")
    flux[:246] = 0
    images = [apogee_image(one) for one in (flux, np.full(8575, 0.01, "f4"), np.ones(8575, "f4"))]
    table = fits.BinTableHDU.from_columns([fits.Column("ASPCAPFLAG", "J", array=[0])])
    header = fits.PrimaryHDU()
    header.header["OBJID"] = "2M05560393-0133549"
    return write(path, header, *images, table)


def mwm_star(path, telescopes=("apo25m",), n_row=1, with_wavelength=True, boss=True):
    """A file of SDSS-V's Milky Way Mapper: BOSS and APOGEE tables of two telescopes, some of them empty."""
    header = fits.PrimaryHDU()
    header.header.update({"V_ASTRA": "0.6.0", "SDSS_ID": 42, "RA": 89.0, "DEC": -1.5})
    hdus = [header]
    for name, wavelength, used in (
        ("BOSS/APO", 10 ** (3.5523 + 1e-4 * np.arange(4648)), boss),
        ("BOSS/LCO", 10 ** (3.5523 + 1e-4 * np.arange(4648)), False),
        ("APOGEE/APO", APOGEE, "apo25m" in telescopes),
        ("APOGEE/LCO", APOGEE, "lco25m" in telescopes),
    ):
        n, rows = len(wavelength), n_row if used else 0
        flags = np.zeros((rows, n), "i4")
        flags[:, 7] = 1
        columns = [
            fits.Column("telescope", "6A", array=["apo25m" if "APO" in name[-3:] else "lco25m"] * rows),
            fits.Column("obj", "18A", array=["2M05560393-0133549"] * rows),
            fits.Column("gaia_dr3_source_id", "K", array=[3216486443742786048] * rows),
            fits.Column("snr", "E", array=[77.0] * rows),
            fits.Column("flux", f"{n}E", array=np.full((rows, n), 300.0, "f4")),
            fits.Column("ivar", f"{n}E", array=np.full((rows, n), 0.04, "f4")),
            fits.Column("pixel_flags", f"{n}J", array=flags),
        ]
        if with_wavelength:
            columns.append(fits.Column("wavelength", f"{n}D", array=np.tile(wavelength, (rows, 1))))
        hdu = fits.BinTableHDU.from_columns(columns, name=name)
        hdu.header.update({"CRVAL": 4.179, "CDELT": 6e-6, "NPIXELS": n})
        hdus.append(hdu)
    return write(path, *hdus)
