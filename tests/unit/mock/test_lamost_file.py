"""Files in LAMOST's layout, read back by astropy."""

import pytest
from astropy.io import fits

from bayescannon.mock.lamost_file import fits_card


@pytest.mark.parametrize("value", [True, -7, 0.0, 1e-5, -1.5e-4, 123.456789, 1e20, "LAMOST J04+45", "it's"])
def test_cards_are_read_back_by_astropy(value):
    card = fits.Card.fromstring(fits_card("KEY", value, "comment"))
    card.verify("exception")
    assert card.value == value
    assert card.comment == "comment"


def test_card_too_long_is_refused():
    with pytest.raises(ValueError, match="a FITS card must have at most 80 characters"):
        fits_card("KEY", "x" * 60, "a comment that does not fit")
