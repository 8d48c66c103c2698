"""Functions of arrays against NumPy's, and random numbers against their distributions."""

import numpy as np
from scipy import stats

from bayescannon.numerics.vector_functions import exp_all, log_all, normal_pairs, random_bits


def test_logarithms():
    rng = np.random.default_rng(0)
    result, scratch = np.empty(5000), np.empty(5000)
    for x in (np.exp(rng.uniform(-700, 700, 5000)), 1 + rng.uniform(-0.3, 0.4, 5000), 1 + 1e-8 * rng.normal(size=5000)):
        log_all(x, result, scratch)
        np.testing.assert_allclose(result, np.log(x), rtol=1e-15, atol=2e-16)


def test_exponentials():
    x = np.random.default_rng(1).uniform(-720, 50, 5000)
    x[:6] = [0.0, -1e-300, -707.9, -709.0, -np.inf, 1e-9]
    result = np.empty(5000)
    exp_all(x, result, np.empty(5000))
    normal = x > -708
    np.testing.assert_allclose(result[normal], np.exp(x[normal]), rtol=1e-14)
    assert (result[~normal] == 0).all()


def test_random_numbers_are_normal_and_of_seed_and_position():
    bits, work = np.empty(100_000, dtype=np.uint64), (np.empty(100_000), np.empty(100_000))
    first, second = np.empty(100_000), np.empty(100_000)
    random_bits(np.uint64(7), 0, bits)
    normal_pairs(bits, first, second, work)
    for values in (first, second):
        assert stats.kstest(values, "norm").pvalue > 1e-3
        assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.015
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.015
    assert abs(np.corrcoef(first**2, second**2)[0, 1]) < 0.015
    # each of the 64 bits is set half of the time
    ones = np.unpackbits(bits.view(np.uint8)).reshape(-1, 64).mean(axis=0)
    assert np.abs(ones - 0.5).max() < 5 * 0.5 / np.sqrt(100_000)
    later, other = np.empty(50, dtype=np.uint64), np.empty(50, dtype=np.uint64)
    random_bits(np.uint64(7), 100, later)
    assert np.array_equal(later, bits[100:150])
    random_bits(np.uint64(8), 0, other)
    assert not np.isin(other, bits).any()
