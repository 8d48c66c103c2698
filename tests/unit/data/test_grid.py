import numpy as np
import pytest

from bayescannon.data.grid import GridError, describe_grid, gaps, pieces, require_same_grid, scale_fault, wavelengths
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


def test_a_gap_is_a_step_of_several_pixels():
    even = np.arange(5000.0, 5100.0)
    assert not gaps(even).any()
    # a grid in log wavelength has no gap, nor has one that lacks a few pixels
    assert not gaps(10 ** (3.5 + 1e-4 * np.arange(5000))).any()
    assert not gaps(np.delete(even, [50, 51, 52])).any()
    assert np.flatnonzero(gaps(np.delete(even, range(50, 57)))).tolist() == [49]
    # arms whose pixels differ by a factor of ten
    arms = np.concatenate([np.arange(4000.0, 4100, 0.1), np.arange(6000.0, 6100, 1.0)])
    assert np.flatnonzero(gaps(arms)).tolist() == [999]
    # of two steps none is the usual one
    for short in ([5000.0], [5000.0, 5001], [5000.0, 5001, 9000]):
        assert not gaps(np.array(short)).any()


def test_pieces_of_a_grid_lie_between_its_gaps():
    grid = np.concatenate([np.arange(5000.0, 5020), np.arange(6000.0, 6030), np.arange(7000.0, 7010)])
    assert pieces(grid) == [slice(0, 20), slice(20, 50), slice(50, 60)]
    assert pieces(grid[:20]) == [slice(0, 20)]
    assert pieces(grid[:1]) == [slice(0, 1)]


def test_logarithms_are_named():
    assert "look like logarithms" in scale_fault(np.array([3.57, 3.95]))
    assert "units.micron" in scale_fault(np.array([0.4, 0.9]))
    assert "units.nm" in scale_fault(np.array([400.0, 900.0]))
