"""Numbers that stand for a missing value, told from the values of a column."""

import numpy as np
import pytest

from bayescannon.data.sentinels import looks_missing, repeated_values

RNG = np.random.default_rng(7)
METALS = RNG.normal(-0.3, 0.25, 300)
GIANTS = RNG.uniform(4000, 5500, 300)
HIT = np.arange(300) % 20 == 0


def missing(values):
    return [one.value for one in repeated_values(values) if one.missing]


@pytest.mark.parametrize(
    "value", [-999.0, -99.99, 99.99, 9999.0, 1e20, -1e30, -9.99, -9999.99, -32768.0, np.float32(-99.9), -5.0, 50.0]
)
@pytest.mark.parametrize("share", [0.05, 0.2, 0.6, 0.95])
def test_values_of_surveys_for_missing_ones_are_told_by_value_and_share(value, share):
    values = METALS.copy()
    hit = np.arange(300) < share * 300
    values[hit] = value
    (found,) = [one for one in repeated_values(values) if one.missing]
    assert (found.value, found.count) == (pytest.approx(float(value)), hit.sum())


@pytest.mark.parametrize("value", [-999.0, 9999.0, 99999.0, 0.0, -1.0])
def test_sentinels_of_temperatures(value):
    assert missing(np.where(HIT, value, GIANTS)) == [value]


def test_zero_among_abundances_is_reported_and_kept():
    for share in (0.05, 0.4):
        values = np.where(np.arange(300) < share * 300, 0.0, METALS)
        (found,) = repeated_values(values)
        assert (found.value, found.count, found.missing) == (0.0, round(share * 300), False)


@pytest.mark.parametrize(
    "values",
    [
        METALS,
        GIANTS,
        np.round(METALS, 1),
        np.round(GIANTS, -2),
        np.r_[RNG.uniform(7000, 12000, 300), 9999.0],
        np.r_[RNG.uniform(0, 60, 300), 99.0],
        np.repeat([3.0, 4.0, 5.0], 50),
        np.array([]),
        np.full(5, np.nan),
        np.full(20, 4800.0),
        np.round(RNG.normal(9.7, 0.2, 300), 1),
    ],
)
def test_ordinary_columns_have_none(values):
    assert missing(values) == []


def test_nothing_but_sentinels_is_all_missing():
    assert missing(np.full(4, -9999.0)) == [-9999.0]
    assert missing(np.full(4, -999.0)) == [-999.0]


def test_what_is_written_for_a_missing_value():
    assert all(map(looks_missing, (-9999.0, -999.99, 99.0, 9.99, 1e30, 2147483647.0)))
    assert not any(map(looks_missing, (0.0, -1.0, 9.0, 995.0, 4999.9)))
