"""Moments and maps of the label vector against quadrature."""

import numpy as np
import pytest
from latent_survey import nodes

from bayescannon.models.label_vector import label_vector
from bayescannon.pixels.label_moments import packed_moments, vector_map, vector_products


def covariances(n_star, n_label, seed=0):
    root = np.random.default_rng(seed).normal(size=(n_star, n_label, n_label))
    return root @ root.transpose(0, 2, 1)


@pytest.mark.parametrize("n_label", [1, 2, 3, 5])
def test_moments_are_those_of_quadrature(n_label):
    mean, covariance = np.random.default_rng(1).normal(size=(4, n_label)), covariances(4, n_label)
    products = vector_products(mean, covariance)
    grid, weight = nodes(n_label, 5)
    for n in range(4):
        v = label_vector(mean[n] + grid @ np.linalg.cholesky(covariance[n]).T)
        np.testing.assert_allclose(products[n], np.einsum("q,qi,qj->ij", weight, v, v), rtol=1e-10, atol=1e-10)
    packed = packed_moments(products)
    np.testing.assert_allclose(packed.mean, products[:, 0])
    assert (vector_products(mean, 0 * covariance)[:, 0] == label_vector(mean)).all()


@pytest.mark.parametrize("n_label", [1, 2, 5])
def test_affine_maps_of_labels_are_linear_maps_of_the_label_vector(n_label):
    rng = np.random.default_rng(2)
    matrix, offset, x = rng.normal(size=(n_label, n_label)), rng.normal(size=n_label), rng.normal(size=(9, n_label))
    moved = label_vector(x @ matrix.T + offset)
    np.testing.assert_allclose(label_vector(x) @ vector_map(matrix, offset).T, moved, rtol=1e-10, atol=1e-12)
