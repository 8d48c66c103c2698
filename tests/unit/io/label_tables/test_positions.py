"""Positions in degrees, hours, radians and sexagesimal text."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table
from survey_tables import DEC, N_ROW, RA, simple

from bayescannon.io.label_tables.found_table import TableError
from bayescannon.io.tables import read_labels
from bayescannon.numerics.errors import InputError

SKY = SkyCoord(RA, DEC, unit="deg")


def with_position(ra, dec=DEC, **more):
    return QTable(simple(ra=ra, dec=dec, **more))


@pytest.mark.parametrize(
    "table",
    [
        with_position(SKY.ra.hour * u.hourangle),
        with_position(SKY.ra.rad * u.rad, SKY.dec.rad * u.rad),
        with_position(SKY.ra.arcmin * u.arcmin),
        with_position(np.where(RA > 180, RA - 360, RA)),
        with_position(SKY.ra.to_string("hour", sep=":", precision=6), SKY.dec.to_string(sep=":", precision=6)),
        with_position(SKY.ra.to_string("hour", sep=" ", precision=6), SKY.dec.to_string(sep=" ", precision=6)),
        with_position(SKY.ra.to_string("hour", precision=6), SKY.dec.to_string(precision=6)),
        with_position(SKY.ra.to_string("deg", precision=6), SKY.dec.to_string(precision=6)),
        with_position([str(one) for one in RA], [str(one) for one in DEC]),
        QTable(simple(ra=None, dec=None, sky=SKY)),
        QTable(simple(ra=None, dec=None, sky=SKY.galactic)),
        Table(simple(ra=None, dec=None, **{"c.ra": RA, "c.dec": DEC})),
    ],
    ids=lambda table: str(table["ra"][0] if "ra" in table.colnames else table.colnames),
)
def test_ways_to_write_a_position(table):
    labels = read_labels(table)
    np.testing.assert_allclose(labels.ra, RA, atol=1e-5)
    np.testing.assert_allclose(labels.dec, DEC, atol=1e-5)


def test_units_by_hand():
    labels = read_labels(simple(ra=SKY.ra.hour), units={"ra": "hourangle"})
    np.testing.assert_allclose(labels.ra, RA)
    for name in ("h", "hour"):
        np.testing.assert_allclose(read_labels(Table(simple(ra=SKY.ra.hour), units={"ra": name})).ra, RA)
    degrees = read_labels(simple(ra=SKY.ra.to_string("deg", sep=":", precision=6)), units={"ra": "deg"})
    np.testing.assert_allclose(degrees.ra, RA, atol=1e-5)
    with pytest.raises(InputError, match="'ra' is in K, which does not convert to deg"):
        read_labels(simple(), units={"ra": "K"})


def test_what_cannot_be_told_is_said():
    hours = read_labels(simple(ra=SKY.ra.hour))
    assert any("--units ra=hourangle" in note for note in hours.notes)
    radians = read_labels(simple(ra=SKY.ra.rad, dec=SKY.dec.rad))
    assert any("--units ra=rad,dec=rad" in note for note in radians.notes)
    text = read_labels(simple(ra=SKY.ra.to_string("hour", sep=":", precision=6)))
    assert any("taken as hours" in note for note in text.notes)


@pytest.mark.parametrize("sentinel", [-9999.0, -999.0, 1e20, 9999.0])
def test_sentinels_and_places_of_nothing(sentinel):
    ra, dec = RA.copy(), DEC.copy()
    ra[2] = dec[2] = sentinel
    ra[4:6] = dec[4:6] = 0
    labels = read_labels(simple(ra=ra, dec=dec))
    assert np.isnan(labels.ra).tolist() == [k in (2, 4, 5) for k in range(N_ROW)]
    assert any("ra: 1 of 8 rows hold" in note for note in labels.notes)
    assert any("2 rows with ra = dec = 0" in note for note in labels.notes)


def test_text_that_is_no_position():
    table = simple(ra=["north"] * N_ROW)
    labels = read_labels(table)
    assert np.isnan(labels.ra).all()
    assert any("ra is not read: the column for 'ra' does not hold numbers: 'north'" in note for note in labels.notes)
    with pytest.raises(TableError, match="'ra' does not hold numbers: 'north'"):
        read_labels(table, columns={"ra": "ra"})


def test_a_column_of_no_degrees_is_not_taken_for_missing_values():
    table = simple(ra=SKY.ra.arcsec)
    (note,) = [one for one in read_labels(table).notes if one.startswith("ra is not read")]
    assert "which are no degrees; --units ra=UNIT" in note
    np.testing.assert_allclose(read_labels(table, units={"ra": "arcsec"}).ra, RA)


def test_a_minus_of_unicode():
    table = simple(ra=SKY.ra.to_string("hour", sep=":", precision=6), dec=["\u221200:12:30"] * N_ROW)
    np.testing.assert_allclose(read_labels(table).dec, -12.5 / 60)


@pytest.mark.parametrize(
    "names", [("RAJ2000", "DEJ2000"), ("_RAJ2000", "_DEJ2000"), ("RA_ICRS", "DE_ICRS"), ("RAdeg", "DEdeg")]
)
def test_positions_under_other_names_are_named(names):
    table = simple(ra=None, dec=None, **dict(zip(names, (RA, DEC), strict=True)))
    assert f"--columns ra={names[0]},dec={names[1]}" in "".join(read_labels(table).notes)
    assert not [note for note in read_labels(simple(ra=RA, RA_ICRS=RA, DE_ICRS=DEC)).notes if "could be meant" in note]
