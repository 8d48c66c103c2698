"""Addresses of archives: known patterns, tokens that are not shown, mirrors."""

import pytest

from bayescannon.io.fetching.addresses import (
    APOGEE,
    LAMOST_VERSIONS,
    apogee_file,
    at_mirror,
    ho2017_file,
    lamost_cone,
    lamost_file,
)
from bayescannon.numerics.errors import InputError


def test_addresses_are_those_of_the_archives():
    assert apogee_file("dr12").url == "https://data.sdss.org/sas/dr12/apogee/spectro/redux/r5/allStar-v603.fits"
    assert apogee_file("dr17").name == "allStar-dr17-synspec_rev1.fits"
    assert lamost_file("dr10", "101001").url == "https://www.lamost.org/dr10/v2.0/spectrum/fits/101001"
    assert lamost_file("dr5", "101001").url == "http://dr5.lamost.org/v3/spectrum/fits/101001"
    assert lamost_file("dr2", "101001").url == "http://dr2.lamost.org/spectrum/fits/101001"
    assert lamost_file("dr10", "7", version="v1.0").url == "https://www.lamost.org/dr10/v1.0/spectrum/fits/7"
    cone = lamost_cone("dr11", 83.6, 22.0, 0.5)
    assert cone.url == "https://www.lamost.org/dr11/v2.0/voservice/conesearch?ra=83.6&dec=22&sr=0.5"
    assert "J/ApJ/836/5" in ho2017_file().url


def test_tokens_are_sent_and_not_shown():
    file = lamost_file("dr10", "101001", token="a b&c")
    assert file.url.endswith("?token=a+b%26c")
    assert file.shown == "https://www.lamost.org/dr10/v2.0/spectrum/fits/101001"


def test_nothing_leaves_the_folder_by_an_id():
    assert lamost_file("dr10", "../x").url.endswith("/fits/..%2Fx")


def test_mirrors_have_the_same_paths():
    assert at_mirror(ho2017_file(), None) == ho2017_file()
    assert at_mirror(lamost_file("dr2", "1"), "http://localhost:8000").url == "http://localhost:8000/spectrum/fits/1"
    with pytest.raises(InputError, match="a mirror must be an address"):
        at_mirror(ho2017_file(), "file:///etc")


@pytest.mark.parametrize(("make", "known"), [(apogee_file, APOGEE), (lambda dr: lamost_file(dr, "1"), LAMOST_VERSIONS)])
def test_other_releases_are_refused_with_those_that_there_are(make, known):
    for release in known:
        assert make(release).url.startswith("http")
    with pytest.raises(InputError, match=f"must be one of {', '.join(known)}; got 'dr99'"):
        make("dr99")
