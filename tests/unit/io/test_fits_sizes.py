"""Headers of FITS files that lie: refused before anything is allocated, and true ones are not."""

import io
import time

import numpy as np
import pytest
from astropy.io import fits

from bayescannon.io.fits_sizes import require_fits_sizes
from bayescannon.io.size_limits import SizeLimitError


def _file(*more):
    primary = fits.PrimaryHDU(np.zeros((3, 40), np.float32))
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=np.arange(5.0))], name="T")
    stream = io.BytesIO()
    fits.HDUList([primary, table, *more]).writeto(stream)
    return stream.getvalue()


def _with(data, key, value, number=1):
    """Replace the value of the n-th card of a key."""
    at = -1
    for _ in range(number):
        at = data.index(f"{key:8}=".encode(), at + 1)
    return data[: at + 10] + f"{value:>20}".encode() + data[at + 30 :]


def test_true_headers_pass(tmp_path):
    compressed = fits.CompImageHDU(np.zeros((50, 60), np.int16))
    strings = fits.BinTableHDU.from_columns([fits.Column("v", "PE()", array=np.array([[1.0], [2.0, 3]], object))])
    data = _file(compressed, strings, fits.ImageHDU())
    require_fits_sizes(data, len(data), "x")
    path = tmp_path / "x.fits"
    path.write_bytes(data)
    with path.open("rb") as stream:
        require_fits_sizes(stream, len(data), "x")
    # what is cut is said by the readers
    require_fits_sizes(data[:4000], 4000, "x")
    require_fits_sizes(b"", 0, "x")


@pytest.mark.parametrize(
    ("key", "value", "number"),
    [
        ("NAXIS", 10**20 - 1, 1),
        ("TFIELDS", "1.5E300", 1),
        ("NAXIS2", "T", 2),
        ("NAXIS1", 10**15, 1),
        ("NAXIS2", 10**18, 1),
        ("NAXIS2", 10**18, 2),
        ("NAXIS1", -5, 2),
        ("TFIELDS", 10**12, 1),
        ("PCOUNT", 10**15, 1),
        ("GCOUNT", 10**15, 1),
        ("ZNAXIS1", 10**15, 1),
        ("ZNAXIS", 10**9, 1),
    ],
)
def test_false_headers_are_refused_at_once(key, value, number):
    data = _with(_file(fits.CompImageHDU(np.zeros((50, 60), np.int16))), key, value, number)
    began = time.process_time()
    with pytest.raises(SizeLimitError, match=r"^too large: .*a\.fits"):
        require_fits_sizes(data, len(data), "a.fits")
    assert time.process_time() - began < 0.5


def test_a_header_without_an_end_is_refused():
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            first, self.begun = not self.begun, True
            return (b"SIMPLE  =" if first else b"").ljust(size)

        begun = False

    with pytest.raises(SizeLimitError, match=r"does not end within 16\.0 MiB"):
        require_fits_sizes(Endless(), 10**12, "x")
