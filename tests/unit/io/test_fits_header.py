import gzip
import warnings

import pytest
from astropy.io import fits
from lamost_files import lamost_bytes

from bayescannon.io.fits_header import header_values
from bayescannon.io.lamost import HEADER_KEYS


def both(header):
    """The values of a header, and those that astropy gives."""
    data = header.tostring().encode()
    keys = [key for key in header if key not in ("", "CONTINUE")]
    return header_values(data, header, keys), {key: header[key] for key in keys}


VALUES = ["text", "", "it's", "a / b", " led", "x" * 50, "y" * 100, True, False, 7, -9999, 0.0, 1e-4, -1.5e300, None]


@pytest.mark.parametrize("value", [*VALUES, 12345.678901, 2**62])
def test_values_are_those_of_astropy(value):
    header = fits.Header([("SIMPLE", True), ("A", value, "said / of it"), ("B", 1), ("A", "again")])
    found, want = both(header)
    assert found == want
    assert {key: type(one) for key, one in found.items()} == {key: type(one) for key, one in want.items()}


@pytest.mark.parametrize("card", ["Z       = 1.5D-4", "Z       = .5 / x", "Z       = 5.", "Z       = 3E2"])
def test_values_in_other_forms(card):
    header = fits.Header([fits.Card.fromstring(card.ljust(80))])
    data = card.ljust(80).encode() + b"END".ljust(80)
    assert header_values(data, header, ("Z",)) == {"Z": header["Z"]}


def test_what_is_not_there_is_none_and_what_is_behind_the_end_is_not_looked_at():
    data = b"Z       = 1".ljust(80) + b"END".ljust(80) + b"RA      = 1".ljust(80)
    assert header_values(data, fits.Header(), ("Z", "RA")) == {"Z": 1, "RA": None}
    assert header_values(b"", fits.Header(), ("Z",)) == {"Z": None}


def test_a_file_of_lamost():
    data = lamost_bytes()
    header = fits.Header.fromstring(data[:2880].decode())
    found = header_values(data, header, HEADER_KEYS)
    assert found == {key: header.get(key) for key in HEADER_KEYS}


@pytest.mark.real_data
def test_real_headers_have_the_values_of_astropy(survey_data):
    for path in sorted((survey_data / "lamost").rglob("*.fits*"))[::5]:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        with warnings.catch_warnings(), fits.open(path) as hdus:
            warnings.simplefilter("ignore")
            want = {key: hdus[0].header.get(key) for key in HEADER_KEYS}
            assert header_values(data, hdus[0].header, HEADER_KEYS) == want, path
