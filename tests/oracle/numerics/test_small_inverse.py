"""Inverses of small positive definite matrices against those of NumPy."""

import numpy as np
import pytest

from bayescannon.numerics.small_inverse import invert_positive


@pytest.mark.parametrize("size", [1, 2, 6, 21])
def test_inverses_are_those_of_numpy(size):
    roots = np.random.default_rng(size).normal(size=(9, size, 2 * size))
    matrices = roots @ roots.transpose(0, 2, 1)
    np.testing.assert_allclose(invert_positive(matrices), np.linalg.inv(matrices), rtol=1e-9, atol=1e-12)


def test_matrices_that_are_not_positive_definite_are_inverted_too():
    matrices = np.array([np.diag([1.0, -2.0]), np.diag([4.0, 5.0])])
    np.testing.assert_allclose(invert_positive(matrices), [np.diag([1, -0.5]), np.diag([0.25, 0.2])])


def test_singular_matrices_are_an_error_as_in_numpy():
    with pytest.raises(np.linalg.LinAlgError):
        invert_positive(np.zeros((1, 2, 2)))
