import astropy.units as u
import numpy as np
import pytest

from bayescannon.data.speeds import speed
from bayescannon.data.units import UnitError
from bayescannon.numerics.errors import InputError, InputTypeError


@pytest.mark.parametrize(
    ("given", "km_s"),
    [
        (5, 5.0), (np.float32(2.5), 2.5), ("5km/s", 5.0), (" 5.0 km s-1 ", 5.0), ("5", 5.0), ("300 m/s", 0.3),
        ("1e4cm/s", 0.1), (".5km/s", 0.5), (3 * u.km / u.s, 3.0), (400 * u.m / u.s, 0.4), (0, 0.0),
    ],
)  # fmt: skip
def test_speeds_are_read_with_their_units(given, km_s):
    assert speed(given, "the velocity prior") == pytest.approx(km_s)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("5pixel", UnitError, "the velocity prior is in pix, which does not convert to km / s; give it as a speed"),
        ("5 Angstrom", UnitError, "Angstrom"),
        (2 * u.K, UnitError, "K"),
        ("5 kmps", UnitError, "kmps, which is not a known unit"),
        ("fast", InputError, "must be a speed, such as 5km/s; got 'fast'"),
        ("-5km/s", InputError, "not be negative|not negative"),
        (-1.0, InputError, "finite and not negative; got -1.0"),
        (np.inf, InputError, "finite"),
        ("1e9", InputError, "less than the speed of light"),
        (np.nan, InputError, "finite"),
        (True, InputTypeError, "bool"),
        ([1, 2], InputTypeError, "one number"),
    ],
)
def test_what_is_no_speed_is_refused(given, error, said):
    with pytest.raises(error, match=said):
        speed(given, "the velocity prior")
