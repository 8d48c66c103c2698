"""Information pixel by pixel against least squares, dense covariances and matrices without the pixels."""

import numpy as np
import pytest

from bayescannon.stars.pixel_information import information_lost, information_matrix, label_variance, pixel_information

N_PIXEL = 30


def made(n_label, n_hidden, seed=0):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.5, 3.0, N_PIXEL)
    weight[4] = 0.0
    return rng.normal(size=(N_PIXEL, n_label)), rng.normal(size=(N_PIXEL, n_hidden)), weight


def dense(slopes, directions, weight, pixels=slice(None)):
    """J^T (W^-1 + B B^T)^-1 J, with the covariance of the live pixels written out."""
    live = np.flatnonzero(weight[pixels] > 0)
    j, b, w = (values[pixels][live] for values in (slopes, directions, weight))
    return j.T @ np.linalg.inv(np.diag(1 / w) + b @ b.T) @ j


@pytest.mark.parametrize(("n_label", "n_hidden"), [(1, 0), (3, 0), (1, 2), (3, 4)])
def test_the_pixels_and_the_prior_add_up_to_the_marginal_information(n_label, n_hidden):
    slopes, directions, weight = made(n_label, n_hidden)
    found = pixel_information(slopes, directions, weight)
    variance = np.diag(np.linalg.inv(dense(slopes, directions, weight)))
    np.testing.assert_allclose(found.variance, variance, rtol=1e-9)
    np.testing.assert_allclose(found.marginal.sum(axis=0) + found.prior, 1 / variance, rtol=1e-9)
    np.testing.assert_allclose(found.known.sum(axis=0), (weight[:, None] * slopes**2).sum(axis=0), rtol=1e-12)
    assert (found.known.sum(axis=0) * variance >= 1 - 1e-9).all()
    assert (found.marginal[4] == 0).all()
    assert (found.prior == 0).all() == (n_hidden == 0)


def test_the_marginal_part_is_the_residual_of_a_weighted_regression():
    slopes, directions, weight = made(3, 0)
    found = pixel_information(slopes, directions, weight)
    root = np.sqrt(weight)[:, None]
    for k in range(3):
        others = np.delete(slopes, k, axis=1)
        fit = np.linalg.lstsq(root * others, root[:, 0] * slopes[:, k], rcond=None)[0]
        np.testing.assert_allclose(found.marginal[:, k], weight * (slopes[:, k] - others @ fit) ** 2, atol=1e-10)


def test_a_hidden_component_of_no_strength_changes_nothing_and_a_strong_one_takes_its_direction():
    slopes, _, weight = made(2, 0)
    alone = pixel_information(slopes, np.zeros((N_PIXEL, 0)), weight)
    weak = pixel_information(slopes, 1e-7 * slopes[:, :1], weight)
    np.testing.assert_allclose(weak.variance, alone.variance, rtol=1e-6)
    strong = pixel_information(slopes, 1e4 * slopes[:, :1], weight)
    assert strong.variance[0] > 1e7 * alone.variance[0]


@pytest.mark.parametrize("n_hidden", [0, 3])
def test_what_is_lost_is_what_the_other_pixels_do_not_have(n_hidden):
    slopes, directions, weight = made(3, n_hidden)
    groups = np.random.default_rng(1).random((6, N_PIXEL)) < 0.3
    groups[5] = False
    lost = information_lost(slopes, directions, weight, groups)
    full = np.diag(np.linalg.inv(dense(slopes, directions, weight)))
    for own, row in zip(groups, lost, strict=True):
        left = np.diag(np.linalg.inv(dense(slopes, directions, weight, ~own)))
        np.testing.assert_allclose(row, 1 - full / left, atol=1e-9)
    assert (lost[5] == 0).all()


def test_more_pixels_than_a_block_of_products_holds():
    rng = np.random.default_rng(2)
    slopes, weight = rng.normal(size=(1300, 2)), rng.uniform(1, 2, 1300)
    groups = (np.arange(1300) >= 1000)[None]
    lost = information_lost(slopes, np.zeros((1300, 0)), weight, groups)
    full, left = (np.diag(np.linalg.inv(dense(slopes, np.zeros((1300, 0)), w))) for w in (weight, weight * ~groups[0]))
    np.testing.assert_allclose(lost[0], 1 - full / left, atol=1e-9)


def test_undetermined_labels():
    """Without the group, or at all: two labels with the same derivatives, and no live pixel."""
    slopes = np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 0.0]])
    none = np.zeros((3, 0))
    assert information_lost(slopes, none, np.ones(3), np.array([[False, False, True]])).tolist() == [[1.0, 1.0]]
    for weight in (np.array([1.0, 1.0, 0.0]), np.zeros(3)):
        found = pixel_information(slopes, none, weight)
        assert np.isinf(found.variance).all()
        assert (found.marginal == 0).all()
        assert np.isnan(information_lost(slopes, none, weight, np.eye(3, dtype=bool))).all()


def test_the_matrix_has_the_prior_of_hidden_components_only():
    slopes, directions, weight = made(2, 3)
    whole = information_matrix(slopes, directions, 0 * weight)
    assert np.diag(whole).tolist() == [0, 0, 1, 1, 1]
    assert np.isinf(label_variance(whole[None], 2)).all()
