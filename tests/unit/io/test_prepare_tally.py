"""What a run counts goes to a file and comes back, and takes bounded memory."""

import json
from collections import Counter

import numpy as np

from bayescannon.data.noise_check import NoiseFinding, StarNoise
from bayescannon.io import prepare_tally
from bayescannon.io.prepare_tally import NoiseSample, PrepareTally


def _stars(n):
    rng = np.random.default_rng(0)
    return [
        StarNoise(one, tuple((one * k, 2 * one * k) for k in range(1, 5)), int(i % 7 == 0), 0, int(i % 5 == 0) * 3)
        for i, one in enumerate(rng.uniform(1, 2, n).tolist())
    ]


def test_a_tally_comes_back():
    tally = PrepareTally([("a\udcff", "kind: why")], Counter({"notes": 2}), {"DR7"}, 5, 3, [*_stars(4)])
    tally.noise.append(StarNoise(np.nan, ((np.nan, np.nan),) * 4, 1))
    note = json.loads(json.dumps(tally.as_note()))
    assert repr(PrepareTally.from_note(note, tally.noise_rows())) == repr(tally)
    assert PrepareTally().noise_rows().shape == (0, 12)


def test_tallies_add():
    tally = PrepareTally()
    for _ in range(2):
        tally.add(PrepareTally([("a", "b")], Counter({"x": 1}), {"DR7"}, 2, 1, _stars(1)))
    assert (tally.n_done, tally.n_air, tally.notes["x"], len(tally.refused), len(tally.noise)) == (4, 2, 2, 2, 2)


def test_a_sample_of_few_stars_is_all_of_them():
    sample = NoiseSample()
    sample.add(_stars(100))
    assert sample.finding() == NoiseFinding(tuple(_stars(100)))


def test_of_many_stars_some_are_kept_and_all_are_counted(monkeypatch):
    monkeypatch.setattr(prepare_tally, "NOISE_STARS", 16)
    stars = _stars(1000)
    found = []
    for step in (1, 7, 1000):
        sample = NoiseSample()
        for start in range(0, 1000, step):
            sample.add(stars[start : start + step])
        found.append(sample.finding())
    assert found[0] == found[1] == found[2]
    assert found[0].stars == tuple(stars[::64])
    assert found[0].lost_pixels() == NoiseFinding(tuple(stars)).lost_pixels()
    spikes = [one for one in found[0].sentences() if "above 100 times" in one]
    assert spikes == [one for one in NoiseFinding(tuple(stars)).sentences() if "above 100 times" in one]
