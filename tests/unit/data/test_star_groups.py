import warnings

import numpy as np
import pytest

from bayescannon.data.star_groups import named_stars, star_groups, star_numbers

ARCSEC = 1 / 3600


def numbers(n, **columns):
    options = {name: columns.pop(name) for name in ("star_id", "radius", "row") if name in columns}
    return star_groups(columns, n, **options).number.tolist()


def test_stars_are_numbered_in_the_order_of_their_first_spectra():
    assert star_numbers(["b", "a", "b", "c", "a"]).tolist() == [0, 1, 0, 2, 1]
    assert star_numbers([]).tolist() == []
    assert star_numbers(np.arange(5) * 7).tolist() == [0, 1, 2, 3, 4]


def test_stars_are_found_by_position():
    # two near 0 h across the border, a chain of three, one at the pole from both sides, two without position
    ra = np.array([0.0, 360 - ARCSEC, 50.0, 50.0, 50.0, 80.0, 260.0, np.nan, np.nan])
    pole = 90 - ARCSEC
    dec = np.array([0.0, 0.0, 60.0, 60.0 + 2 * ARCSEC, 60.0 + 4 * ARCSEC, pole, pole, 1.0, 1.0])
    ra[0] = 1e-9
    assert numbers(9, ra=ra, dec=dec) == [0, 0, 1, 1, 1, 2, 2, 3, 4]
    assert len(set(numbers(9, ra=ra, dec=dec, radius=0.5))) == 9
    assert numbers(1, ra=ra[:1], dec=dec[:1]) == [0]
    # right ascensions of one degree at 60 degrees are half a degree apart on the sky
    assert numbers(2, ra=[10.0, 10.0 + 5 * ARCSEC], dec=[60.0, 60.0]) == [0, 0]
    assert numbers(2, ra=[10.0, 10.0 + 5 * ARCSEC], dec=[0.0, 0.0]) == [0, 1]


@pytest.mark.parametrize("name", ["survey_id", "gaia_id", "twomass_id"])
def test_stars_are_found_by_each_name(name):
    assert numbers(4, **{name: ["a", "b", " a", ""]}) == [0, 1, 0, 2]


def test_stars_are_found_by_the_row_of_the_labels():
    assert numbers(4, row=[3, 5, 3, 8]) == [0, 1, 0, 2]


def test_links_are_transitive_over_rules():
    found = star_groups(
        {
            "gaia_id": ["7", "7", "", "", ""],
            "twomass_id": ["", "x", "x", "", ""],
            "ra": [1.0, 2.0, 3.0, 3.0, 9.0],
            "dec": [0.0, 0.0, 5.0, 5.0, 9.0],
        },
        5,
    )
    assert found.number.tolist() == [0, 0, 0, 0, 1]
    assert found.describe() == "2 stars in 5 spectra: the same gaia_id or twomass_id, or within 3 arcsec"


@pytest.mark.parametrize(
    "unknown",
    ["", "0", "-1", "-9999", "nan", "None", "NULL", "N/A", "--", 0, -1, -9999, np.nan, None, b"", "-9999.0", "masked"],
)
def test_placeholders_are_no_identity(unknown):
    column = np.array([unknown, unknown, unknown], dtype=None if isinstance(unknown, int | float | str) else object)
    assert numbers(3, gaia_id=column) == [0, 1, 2]
    assert numbers(3, gaia_id=column, star_id="gaia_id") == [0, 1, 2]


def test_masked_values_are_no_identity():
    column = np.ma.array([5, 5, 5, 5], mask=[True, False, True, False])
    assert numbers(4, gaia_id=column) == [0, 1, 2, 1]


def test_positions_that_are_none_are_no_identity():
    for place in ((0.0, 0.0), (-9999.0, -9999.0), (999.0, 10.0), (np.nan, np.nan), (np.inf, 0.0)):
        found = star_groups({"ra": np.full(4, place[0]), "dec": np.full(4, place[1])}, 4)
        assert found.number.tolist() == [0, 1, 2, 3]
        assert found.describe().startswith("repeats cannot be recognised, and each of 4 spectra counts as a star")


def test_zero_is_a_star_in_a_column_that_counts_from_zero():
    assert numbers(6, mine=np.repeat(np.arange(3), 2), star_id="mine") == [0, 0, 1, 1, 2, 2]
    assert numbers(4, mine=[0, 0, 812, 812], star_id="mine") == [0, 1, 2, 2]


def test_a_named_column_decides_alone_and_says_what_lacks_a_value():
    columns = {"mine": ["a", "b", "a", ""], "ra": np.full(4, 3.0), "dec": np.full(4, 3.0)}
    found = star_groups(columns, 4, star_id="mine")
    assert found.number.tolist() == [0, 1, 0, 2]
    assert found.describe() == "3 stars in 4 spectra: the same mine; 1 of no known mine count as stars of their own"
    each = star_groups(columns, 4, star_id="id")
    assert each.number.tolist() == [0, 1, 2, 3]
    assert len(star_groups(columns, 4)) == 1


def test_whole_numbers_stay_exact():
    near = np.array([4295806720 * 10**9, 4295806720 * 10**9 + 1], dtype=np.int64)
    assert numbers(2, gaia_id=near) == [0, 1]
    # floats of the same numbers are equal, so that they tell nothing
    assert numbers(2, gaia_id=near.astype(float)) == [0, 1]
    with pytest.raises(ValueError, match=r"'gaia_id' holds floating-point numbers above 2\^53"):
        numbers(2, gaia_id=near.astype(float), star_id="gaia_id")


def test_a_star_with_a_large_share_is_told_with_the_option():
    ids = np.array([f"s{k}" for k in range(40)])
    found = star_groups({"gaia_id": np.where(np.arange(40) < 25, "777", ids)}, 40)
    assert len(found) == 16
    assert found.suspicion().startswith("25 of 40 spectra count as one star (the same gaia_id).")
    assert "--star-id" in found.suspicion()
    assert star_groups({"gaia_id": np.repeat(ids[:8], 5)}, 40).suspicion() == ""
    assert star_groups({}, 0).suspicion() == ""


def test_ten_thousand_spectra_at_one_place_cost_nothing():
    assert len(star_groups({"ra": np.full(10_000, 5.0), "dec": np.full(10_000, 5.0)}, 10_000)) == 1


def test_stars_can_be_named():
    ids = np.array(["s0", "s1", "s2", "s3"])
    assert named_stars([5, 6, 5, -9999], ids).tolist() == ["5", "6", "5", "s3"]
    assert named_stars(["a", "", "a", "nan"], ids).tolist() == ["a", "s1", "a", "s3"]
    # names stay as they are when some of them are taken
    assert named_stars(np.array(["0", "0", "2", "2"]), ids).tolist() == ["0", "0", "2", "2"]
    with pytest.raises(ValueError, match=r"one name per spectrum \(4\); got shape \(3,\)"):
        named_stars(["a", "b", "c"], ids)
    with pytest.raises(ValueError, match=r"star holds floating-point numbers above 2\^53"):
        named_stars([1e17, 1e17, 2e17, 3e17], ids)


def test_wrong_calls_are_refused():
    with pytest.raises(ValueError, match="the radius of repeats must be finite and above 0; got 0"):
        numbers(2, ra=[1.0, 2.0], dec=[1.0, 2.0], radius=0)
    with pytest.raises(
        ValueError, match=r"by the column 'mine', which the spectra lack; they have ra, dec\. .*star_id"
    ):
        numbers(2, ra=[1.0, 2.0], dec=[1.0, 2.0], star_id="mine")


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbers(2, ra=[np.nan, np.inf], dec=[np.nan, 1.0], gaia_id=[np.nan, 3.0])
