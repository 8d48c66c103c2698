"""Packed arrays come back: exactly, or to within half of a step."""

import base64
import json
import zlib

import numpy as np
import pytest

from bayescannon.app.report.packing import pack, pack_codes, pack_texts, pack_values, size_of, unpack_values


def raw(packed):
    return zlib.decompress(base64.b64decode(packed["data"]))


@pytest.mark.parametrize("kind", ["f8", "f4", "u2", "u1", "i4"])
def test_arrays_are_packed_exactly_and_as_json(kind):
    values = np.arange(12).reshape(3, 4)
    packed = json.loads(json.dumps(pack(values, kind)))
    np.testing.assert_array_equal(np.frombuffer(raw(packed), dtype=kind).reshape(packed["shape"]), values)


def test_infinite_scatters_survive():
    assert np.isinf(np.frombuffer(raw(pack([1.0, np.inf])), dtype="<f8")[1])


@pytest.mark.parametrize("steps", [65534, 1000])
def test_values_are_within_half_a_step(steps):
    values = np.random.default_rng(0).normal(4800, 300, size=(7, 500))
    values[2, 5] = np.nan
    values[3, 1] = np.inf
    packed = pack_values(values, steps)
    back = unpack_values(packed)
    known = np.isfinite(values)
    assert np.isnan(back[~known]).all()
    assert np.abs(back - values)[known].max() <= 0.5001 * packed["step"]
    assert packed["step"] == pytest.approx(np.ptp(values[known]) / steps)


def test_a_far_outlier_does_not_take_the_steps_of_the_others():
    values = np.append(np.random.default_rng(1).normal(1.0, 0.01, 2000), [1e6, -1e4])
    packed = pack_values(values)
    assert packed["width"] > 0
    back = unpack_values(packed)
    assert np.abs(back - values)[:-2].max() < 1e-4
    np.testing.assert_allclose(back[-2:], values[-2:], rtol=2e-3)


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [3.0, 3.0, 3.0]])
def test_nothing_unknown_and_equal_values(values):
    np.testing.assert_allclose(unpack_values(pack_values(values)), values)


def test_values_whose_differences_overflow_are_missing():
    values = np.array([1.7e308, 4800.0, -1.7e308, 4900.0])
    packed = pack_values(values)
    json.dumps(packed, allow_nan=False)
    np.testing.assert_allclose(unpack_values(packed), [np.nan, 4800.0, np.nan, 4900.0])


def test_unsigned_numbers_beyond_the_signed_ones_are_packed():
    packed = pack_codes(np.array([2**64 - 1, 2**64 - 3], dtype=np.uint64))
    assert raw(packed) == b"\x02\x00"


def test_whole_numbers_are_exact_and_short():
    assert pack_codes([-1, 5, 254])["kind"] == "u1"
    packed = pack_codes([100, 5000, 65000])
    assert packed["kind"] == "u2"
    np.testing.assert_array_equal(np.frombuffer(raw(packed), dtype="<u2") + packed["low"], [100, 5000, 65000])
    assert pack_codes([0, 70_000]) is None
    assert pack_codes(np.array([], dtype=int))["shape"] == [0]
    assert pack_codes([True, False])["kind"] == "u1"


def test_texts_come_back_in_any_letters():
    texts = ["é 1", "</script>", "two\nlines", "星"]
    packed = pack_texts(texts)
    assert raw(packed).decode("utf-8").split("\n") == ["é 1", "</script>", "two lines", "星"]
    assert size_of(packed) == len(packed["data"])
