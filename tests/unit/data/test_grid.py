import numpy as np
import pytest

from bayescannon.data.grid import GridError, describe_grid, require_same_grid, wavelengths
from bayescannon.numerics.errors import InputError


def test_another_grid_is_refused_naming_both():
    with pytest.raises(GridError, match=r"3 pixels from 5000.00 to 5200.00 A, but y on the grid of 2 pixels"):
        require_same_grid(np.array([1.0, 2.0]), np.array([5000.0, 5100.0, 5200.0]), got_from="y", want_from="x")
    require_same_grid(np.array([5000.0]), np.array([5000.001]), got_from="y", want_from="x")


def test_a_grid_in_a_phrase():
    assert describe_grid(np.array([])) == "of 0 pixels"
    assert describe_grid(np.array([5000.0])) == "of 1 pixels from 5000.00 to 5000.00 A"


def test_wavelengths_keep_their_order_and_become_float64():
    assert wavelengths([5001, 5000]).tolist() == [5001, 5000]
    assert wavelengths(np.array([5000, 5001], dtype=">f4")).dtype == np.float64


def test_the_shortest_stellar_wavelength_is_no_limit_for_units():
    assert wavelengths([912.0, 3000.0]).tolist() == [912, 3000]
    with pytest.raises(InputError, match=r"grid must be in Angstrom.* got 390 to 900"):
        wavelengths([390.0, 900.0], "grid")
