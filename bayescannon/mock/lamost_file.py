"""Bytes of a FITS file in LAMOST's image layout, with the rows flux, ivar, wavelength, andmask and ormask."""

from collections.abc import Iterable, Mapping
from typing import Any

from bayescannon.mock.detector import BANDS
from bayescannon.mock.emulator import LOG_FIRST, LOG_STEP
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray

# DATA_V of the files, which marks them as simulated
RELEASE = "LAMOST MOCK"
BLOCK = 2880
CARD = 80

Value = bool | int | float | str
Card = tuple[str, Value, str]


def fits_card(keyword: str, value: Value, comment: str) -> str:
    """
    Format one header card of 80 characters, in FITS fixed format.

    Raises
    ------
    InputError
        The card would be longer than 80 characters.
    """
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, int):
        text = f"{value:>20d}"
    elif isinstance(value, float):
        # a real number in FITS needs a decimal point, which 1E-05 lacks
        text = f"{value:>20.12G}"
        if "." not in text:
            text = f"{f'{value:.8E}':>20}"
    else:
        quoted = value.replace("'", "''")
        text = f"{f"'{quoted:<8}'":<20}"
    card = f"{keyword:<8}= {text} / {comment}"
    if len(card) > CARD:
        raise InputError(
            f"a FITS card must have at most {CARD} characters; {card!r} has {len(card)}. Shorten its comment"
        )
    return card.ljust(CARD)


def lamost_bytes(rows: FloatArray, cards: Iterable[Card]) -> bytes:
    """
    Return the content of a LAMOST file.

    Parameters
    ----------
    rows : array of shape (5, pixel)
        Flux, inverse variance, wavelength, AND mask, OR mask.
    cards : iterable of (keyword, value, comment)
        Header cards after the mandatory ones.

    Returns
    -------
    content : bytes
        A multiple of 2880 bytes long.
    """
    n_row, n_pixel = rows.shape
    mandatory: list[Card] = [
        ("SIMPLE", True, "file conforms to FITS standard"),
        ("BITPIX", -32, "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", n_pixel, "pixels"),
        ("NAXIS2", n_row, "rows"),
    ]
    header = "".join(fits_card(*card) for card in [*mandatory, *cards]) + "END".ljust(CARD)
    header += " " * (-len(header) % BLOCK)
    data = rows.astype(">f4").tobytes()
    return header.encode("ascii") + data + bytes(-len(data) % BLOCK)


def header_cards(star: Mapping[str, Any]) -> list[Card]:
    """
    Return the header of a star's file, after the mandatory cards.

    Parameters
    ----------
    star : mapping
        One star of :func:`bayescannon.mock.stars.draw_stars`, with its S/N in each band.
    """
    obsid = star["mjd"] * 10_000_000 + star["spectrograph"] * 1000 + star["fibre"]
    log_first = LOG_FIRST + LOG_STEP * star["trim_blue"]
    return [
        ("FILENAME", f"{star['id']}.fits", ""),
        ("OBSID", obsid, "Unique number of this spectrum"),
        ("AUTHOR", "bayescannon", "A simulated spectrum"),
        ("DATA_V", RELEASE, "Data release version"),
        ("EXTEN0", "Flux, Inverse, Wavelength, Andmask, Ormask", "Rows"),
        ("TELESCOP", "LAMOST", "Simulated, not observed"),
        ("LMJD", star["mjd"], "Local modified Julian day"),
        ("PLANID", f"MOCK{star['plate']:02d}", "Plan"),
        ("RA", star["ra"], "[deg] Right ascension"),
        ("DEC", star["dec"], "[deg] Declination"),
        ("DESIG", star["designation"], "Designation"),
        ("SPID", star["spectrograph"], "Spectrograph"),
        ("FIBERID", star["fibre"], "Fibre"),
        ("OBJTYPE", "Star", "Object type of the input catalogue"),
        ("HELIO", True, "Heliocentric correction applied"),
        ("VACUUM", True, "Wavelengths are in vacuum"),
        ("COEFF0", log_first, "log10 wavelength of the first pixel"),
        ("COEFF1", LOG_STEP, "log10 step"),
        ("CRVAL1", log_first, "log10 wavelength of the first pixel"),
        ("CD1_1", LOG_STEP, "log10 step"),
        ("CRPIX1", 1, "First pixel"),
        ("CTYPE1", "LINEAR", ""),
        ("DC-FLAG", 1, "Log-linear"),
        ("CLASS", "STAR", "Class"),
        ("SUBCLASS", star["subclass"], "Subclass"),
        ("Z", star["z"], "Redshift"),
        ("Z_ERR", star["z_error"], "Error of the redshift"),
        *((band.upper(), round(star[band], 2), f"S/N of {band[-1]} filter") for band in BANDS),
    ]
