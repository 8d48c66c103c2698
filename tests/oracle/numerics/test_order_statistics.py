"""Values of given ranks, against sorting."""

import numpy as np
import pytest

from bayescannon.numerics.order_statistics import two_of_rank

CASES = {
    "normal": np.random.default_rng(0).normal(size=1000),
    "wide": np.exp(np.random.default_rng(1).normal(0, 20, 1000)),
    "few values": np.random.default_rng(2).integers(0, 3, 1000).astype(float),
    "equal": np.full(1000, 2.0),
    "one apart": np.r_[np.zeros(999), 1e300],
    "few": np.random.default_rng(3).normal(size=5),
    "single precision": np.random.default_rng(4).normal(size=999).astype(np.float32),
}


@pytest.mark.parametrize("name", list(CASES))
def test_ranks_are_those_of_sorting(name):
    values, count = CASES[name], np.empty(256, dtype=np.int64)
    ordered = np.sort(values)
    n = len(values)
    for first, second in (
        (0, 0),
        (0, n - 1),
        (n // 2, n // 2),
        (n - 2, n - 1),
        ((n - 1) // 2, n // 2),
        (1, n // 3 + 1),
    ):
        found = two_of_rank(values.copy(), n, first, second, count)
        assert found == (ordered[first], ordered[second])
    assert two_of_rank(values.copy(), 4, 1, 3, count) == tuple(np.sort(values[:4])[[1, 3]])
