"""Names are found as they came, or without folders and endings if that means one name."""

import pytest

from bayescannon.data.star_ids import bare_id, known_names, rows_by_id, same_stars
from bayescannon.numerics.errors import InputError


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("dr10/spec-1.fits.gz", "spec-1"),
        (r"C:\data\spec-1.FITS", "spec-1"),
        (" spec-55859-F5902_sp01-001.fit ", "spec-55859-F5902_sp01-001"),
        ("spec-1", "spec-1"),
        ("a.b.fits", "a.b"),
    ],
)
def test_bare_id(name, bare):
    assert bare_id(name) == bare


@pytest.mark.parametrize(
    ("names", "wanted", "rows"),
    [
        (["a.fits", "b"], ["a", "b.fits", "x/a.fits.gz"][:2], [0, 1]),
        (["a"], ["x/a.fits.gz"], [0]),
        (["x/a.fits.gz"], ["a.fits"], [0]),
        (["2MASS/J01", "GAIA/J01"], ["GAIA/J01", "2MASS/J01"], [1, 0]),
        (["GALAH.1705", "GALAH.1706"], ["GALAH.1706", "GALAH"], [1, -1]),
        (["a.gz", "a"], ["a", "a.gz"], [1, 0]),
        # the other name is in use: 'a' is not a.gz
        (["a"], ["a", "a.gz"], [0, -1]),
        (["a", "a", ""], ["a", "", "b"], [1, -1, -1]),
        (["Gaia DR3 / 12", "stern/ü.fits"], ["Gaia DR3 / 12", "ü"], [0, 1]),
        ([" a "], ["a"], [0]),
        ([], ["a"], [-1]),
        ([7], ["7.fits"], [0]),
    ],
)
def test_rows(names, wanted, rows):
    assert rows_by_id(names, wanted).tolist() == rows


@pytest.mark.parametrize(
    ("names", "wanted", "words"),
    [
        (["x/a", "y/a"], ["a"], "'a' could be 'x/a' or 'y/a' of the table"),
        (["a"], ["x/a", "y/a"], "'a' of the table could be 'x/a' or 'y/a' of the names"),
    ],
)
def test_names_that_could_be_several_are_refused(names, wanted, words):
    with pytest.raises(InputError, match=words):
        rows_by_id(names, wanted, of="the table")


def test_the_same_stars():
    assert same_stars(["dr2/a.fits", "b"], ["a", "b"])
    assert same_stars(["x/a", "y/a"], ["x/a", "y/a"])
    assert not same_stars(["x/a", "y/a"], ["y/a", "x/a"])
    assert not same_stars(["a"], ["a", "b"])


def test_what_stands_for_unknown_is_no_name():
    assert known_names(["A", "None", " n/a ", "-999.0", "0.0", "--"]).tolist() == [True] + [False] * 5
    assert known_names(["0", "1", "2"]).all()
    assert not known_names(["0", "2", "3"])[0]
