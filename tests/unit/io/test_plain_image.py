"""What the quick way reads is what astropy reads; what it cannot read it leaves to astropy."""

import io

import numpy as np
import pytest
from astropy.io import fits

from bayescannon.io.plain_image import plain_image

IMAGE = np.random.default_rng(0).normal(size=(5, 700)).astype(np.float32)


def _bytes(image, **cards):
    file = io.BytesIO()
    fits.PrimaryHDU(image, fits.Header(cards)).writeto(file)
    return file.getvalue()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_as_astropy(dtype):
    data = _bytes(IMAGE.astype(dtype), OBJECT="it's", NOTE="x" * 120)
    image, header = plain_image(data)
    with fits.open(io.BytesIO(data)) as hdus:
        np.testing.assert_array_equal(image, hdus[0].data)
    assert (header.get("OBJECT"), header.get("NOTE"), header.get("Z")) == ("it's", "x" * 120, None)


@pytest.mark.parametrize(
    "data",
    [
        _bytes(IMAGE[0]),
        _bytes(IMAGE[None]),
        _bytes(IMAGE.astype(np.int16)),
        _bytes(None),
        _bytes(IMAGE)[:-1],
        _bytes(IMAGE)[:2000],
        _bytes(IMAGE).replace(b"NAXIS1  =                  700", b"NAXIS1  = 70000000000000000000"),
        _bytes(IMAGE).replace(b"NAXIS1  =                  700", b"NAXIS1  =                 -700"),
        _bytes(IMAGE).replace(b"SIMPLE  =                    T", b"SIMPLE  =                    F"),
        _bytes(IMAGE, OBJECT="x").replace(b"OBJECT  = 'x       '          ", b"BSCALE  =                  2.0"),
        b"",
    ],
)
def test_what_is_not_plain_is_left_to_astropy(data):
    assert plain_image(data) is None
