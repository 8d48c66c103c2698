"""Ids that occur again are found, whatever their number; digests alone do not decide."""

import numpy as np

from bayescannon.io import known_ids
from bayescannon.io.known_ids import KnownIds


def test_every_repeated_id_is_found_and_no_other():
    rng = np.random.default_rng(0)
    names = [f"spec-{i}" for i in rng.permutation(5000)]
    known = KnownIds(names.__getitem__)
    start = 0
    for size in (1, 256, 3, 1000, 0, 700, 3040):
        assert known.earlier(names[start : start + size]) == {}
        known.add(names[start : start + size], start)
        start += size
    asked = ["new", names[17], "", names[4999], names[0]]
    assert known.earlier(asked) == {1: 17, 3: 4999, 4: 0}


def test_ids_with_the_same_digest_are_told_apart(monkeypatch):
    monkeypatch.setattr(known_ids, "_marks", lambda ids: np.zeros(len(ids), dtype=np.uint64))
    names = ["a", "b", "c"]
    known = KnownIds(names.__getitem__)
    known.add(names, 0)
    assert known.earlier(["c", "d", "a"]) == {0: 2, 2: 0}


def test_sixteen_bytes_for_each():
    known = KnownIds(str)
    for start in range(0, 100_000, 256):
        known.add([str(row) for row in range(start, start + 256)], start)
    assert known.n_bytes == 16 * 256 * len(range(0, 100_000, 256))
    assert len(known._levels) < 12


def test_names_that_are_no_text():
    known = KnownIds(["a\udcff"].__getitem__)
    known.add(["a\udcff"], 0)
    assert known.earlier(["a\udcff"]) == {0: 0}
