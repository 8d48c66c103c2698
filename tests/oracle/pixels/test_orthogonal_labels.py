"""The orthonormal basis of label vectors: sums in it are those in the basis of the labels."""

import numpy as np

from bayescannon.models.label_vector import label_vector
from bayescannon.pixels import orthogonal_labels
from bayescannon.pixels.orthogonal_labels import TILE, OrthogonalLabels, least_stars


def correlated(n_star, seed=0):
    """Label vectors of two labels with a correlation of 0.999."""
    x = np.random.default_rng(seed).normal(size=(n_star, 2)).clip(-2.5, 2.5)
    x[:, 1] = 0.999 * x[:, 0] + 0.045 * x[:, 1]
    return label_vector(x)


def test_second_moments_are_those_of_the_unit_matrix():
    vectors, counts = correlated(700), np.arange(700) % 3 + 0.5
    labels = OrthogonalLabels.of(vectors, counts)
    second = labels.vectors.T.astype(float) @ (labels.vectors * counts[:, None]) / counts.sum()
    np.testing.assert_allclose(second, np.eye(6), atol=1e-4)
    assert (labels.vectors[:, 0] == 1).all()


def test_sums_of_products_turned_back_are_those_of_the_labels():
    vectors, weight = correlated(700), np.random.default_rng(1).uniform(1, 2, 700)
    labels = OrthogonalLabels.of(vectors, np.ones(700))
    packed = sum(weight[tile] @ labels.products(tile) for tile in labels.tiles())
    expected = vectors.T @ (weight[:, None] * vectors)
    # in units in which the matrix is that of unit vectors, every direction is known
    root = np.linalg.inv(np.linalg.cholesky(expected))
    np.testing.assert_allclose(root @ labels.turned_back(packed[None])[0] @ root.T, np.eye(6), atol=3e-5)


def test_coefficients_are_exactly_what_the_rounded_ones_stand_for():
    vectors = correlated(700)
    labels = OrthogonalLabels.of(vectors, np.ones(700))
    theta = np.eye(1, 6) + 0.05 * np.random.default_rng(2).normal(size=(4, 6))
    excess = labels.excess(theta)
    assert excess.dtype == np.float32
    np.testing.assert_array_equal(labels.excess(labels.theta(excess)), excess)
    np.testing.assert_allclose(labels.vectors @ excess + 1, vectors @ theta.T, atol=1e-5)


def test_products_that_are_not_held_are_the_same(monkeypatch):
    vectors = correlated(TILE + 100)
    counts = np.arange(len(vectors)) % 2 + 1.0
    held = OrthogonalLabels.of(vectors, counts)
    expected = [held.products(tile) for tile in held.tiles()]
    monkeypatch.setattr(orthogonal_labels, "_HELD_STARS", 10)
    anew = OrthogonalLabels.of(vectors, counts)
    for tile, products in zip(anew.tiles(), expected, strict=True):
        np.testing.assert_array_equal(anew.products(tile), products)
    assert anew._held is None
    assert held._held is not None


def test_dependent_or_unusual_vectors_have_no_basis():
    vectors = correlated(700)
    assert OrthogonalLabels.of(np.column_stack([vectors, vectors[:, 1]]), np.ones(700)) is None
    assert OrthogonalLabels.of(2 * vectors, np.ones(700)) is None


def test_a_sample_has_enough_stars_for_its_terms():
    labels = OrthogonalLabels.of(correlated(least_stars(6)), np.ones(least_stars(6)))
    assert labels.sample_step == 2
    assert len(labels.sample.vectors) >= 40 * 6
