"""Packed symmetric matrices against outer products."""

import numpy as np
import pytest

from bayescannon.numerics.packing import pack_products, unpack_symmetric


@pytest.mark.parametrize("size", [1, 2, 6, 21])
def test_packed_products_unpack_to_outer_products(size):
    vectors = np.random.default_rng(size).normal(size=(4, size))
    packed = pack_products(vectors)
    assert packed.shape == (4, size * (size + 1) // 2)
    matrices = unpack_symmetric(packed, size)
    np.testing.assert_array_equal(matrices, [np.outer(v, v) for v in vectors])
    # what they are for: a weighted sum of outer products is one matrix product
    weight = np.random.default_rng(0).random(4)
    np.testing.assert_allclose(unpack_symmetric((weight @ packed)[None], size)[0], vectors.T * weight @ vectors)


def test_the_upper_triangle_runs_along_rows():
    np.testing.assert_array_equal(pack_products(np.array([[2.0, 3.0, 5.0]])), [[4, 6, 10, 9, 15, 25]])
    np.testing.assert_array_equal(unpack_symmetric(np.array([[1, 2, 3]]), 2), [[[1, 2], [2, 3]]])
