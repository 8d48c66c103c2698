"""Names, places and header values of the mock survey's stars."""

import numpy as np
import pytest
from expect import expect_between, expect_fraction, expect_mean, expect_scatter

from bayescannon.mock.optics import C_KM_S
from bayescannon.mock.stars import (
    DECLINATION_RANGE,
    FIBRES,
    FIRST_MJD,
    LONGEST_TRIM,
    REDSHIFT_ERROR,
    SPECTROGRAPHS,
    TRIM_SHARE,
    draw_stars,
)
from bayescannon.numerics.errors import InputError

N_REFERENCE, N_TEST = 1500, 3000


@pytest.fixture(scope="module")
def stars():
    return draw_stars(N_REFERENCE, N_TEST, np.random.default_rng(4))


def test_reference_stars_come_first_and_every_column_is_of_every_star(stars):
    assert {len(values) for values in stars.values()} == {N_REFERENCE + N_TEST}
    assert stars["is_reference"].tolist() == [True] * N_REFERENCE + [False] * N_TEST
    assert not any(np.isnan(values).any() for values in stars.values() if values.dtype.kind == "f")


def test_a_plate_is_full_before_the_next_begins(stars):
    capacity = FIBRES * SPECTROGRAPHS
    assert len(set(stars["id"].tolist())) == N_REFERENCE + N_TEST
    assert stars["id"][0] == "spec-55859-MOCK01_sp01-001"
    assert stars["id"][FIBRES] == "spec-55859-MOCK01_sp02-001"
    assert stars["id"][capacity - 1] == "spec-55859-MOCK01_sp16-250"
    assert stars["id"][capacity] == "spec-55860-MOCK02_sp01-001"
    np.testing.assert_array_equal(stars["mjd"] - FIRST_MJD, stars["plate"] - 1)


def test_stars_are_spread_evenly_on_the_sky_that_the_telescope_reaches(stars):
    low, high = np.sin(np.deg2rad(DECLINATION_RANGE))
    place = (np.sin(np.deg2rad(stars["dec"])) - low) / (high - low)
    assert ((place > 0) & (place < 1)).all()
    expect_mean(place, 0.5, what="place between the limits of declination, by area")
    expect_scatter(place, 0.341, rtol=0.05, what="its scatter")
    expect_mean(stars["ra"] / 360, 0.5, what="right ascension in turns")


def test_header_redshifts_are_velocities_with_their_stated_error(stars):
    off = stars["z"] * C_KM_S - stars["velocity"]
    expect_mean(off, 0.0, what="redshift less velocity [km/s]")
    expect_scatter(off, REDSHIFT_ERROR, rtol=0.05, what="its scatter [km/s]")
    np.testing.assert_allclose(stars["z_error"] * C_KM_S, REDSHIFT_ERROR)


@pytest.mark.parametrize("end", ["trim_blue", "trim_red"])
def test_some_files_lack_pixels_at_an_end(stars, end):
    trimmed = stars[end] > 0
    expect_fraction(trimmed, len(trimmed), TRIM_SHARE - 0.03, TRIM_SHARE + 0.03, what=end)
    expect_between(stars[end].max(), LONGEST_TRIM, LONGEST_TRIM, what=f"most pixels, {end}")
    # the ends are trimmed apart from each other
    other = stars["trim_red" if end == "trim_blue" else "trim_blue"] > 0
    expect_fraction(other[trimmed], trimmed.sum(), TRIM_SHARE - 0.06, TRIM_SHARE + 0.06, what="both ends")


@pytest.mark.parametrize("numbers", [(0, 0), (-1, 5), (5, -1)])
def test_impossible_numbers_are_refused(numbers):
    with pytest.raises(InputError, match=f"n_reference = {numbers[0]} and n_test = {numbers[1]}"):
        draw_stars(*numbers, np.random.default_rng(1))
