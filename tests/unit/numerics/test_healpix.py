"""Pixels of the sky, against numbers of the library cdshealpix 0.9.0."""

import numpy as np

from bayescannon.numerics.healpix import FINEST, nested_pixels

RA, DEC = np.array([10.68, 83.82, 266.4, 0.1]), np.array([41.27, -5.39, -29.0, -89.0])
# of cdshealpix
KNOWN = [190633879269976798, 1508682039061715136, 2028741010432736142, 2305993267260685045]


def test_numbers_of_another_library():
    assert nested_pixels(RA, DEC).tolist() == KNOWN


def test_a_pixel_lies_in_the_one_around_it():
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(-360, 720, 5000), np.rad2deg(np.arcsin(rng.uniform(-1, 1, 5000)))
    fine = nested_pixels(ra, dec)
    for order in (0, 3, 8):
        np.testing.assert_array_equal(nested_pixels(ra, dec, order), fine >> (2 * (FINEST - order)))
    # of equal area
    counts = np.bincount(nested_pixels(ra, dec, 0), minlength=12)
    assert len(counts) == 12
    assert np.abs(counts - 5000 / 12).max() < 5 * np.sqrt(5000 / 12)


def test_poles_and_seams():
    ra = np.array([0.0, 360.0, 359.9999999999, 0.0, 0.0, 90.0])
    dec = np.array([1.0, 1.0, 1.0, 90.0, -90.0, 0.0])
    pixels = nested_pixels(ra, dec, 5)
    assert pixels[0] == pixels[1]
    assert ((pixels >= 0) & (pixels < 12 * 4**5)).all()
