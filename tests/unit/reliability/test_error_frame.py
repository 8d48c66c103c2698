"""Smooth functions of the place, and the frame of S/N and place that errors depend on."""

import numpy as np
import pytest

from bayescannon.reliability.error_frame import LENGTH, ErrorFrame, SmoothPlace


def test_the_columns_have_the_covariance_of_the_process_at_the_nodes_and_no_more_elsewhere():
    rng = np.random.default_rng(1)
    place = rng.normal(size=(300, 2))
    smooth = SmoothPlace.of(place)
    assert smooth.nodes.shape == (12, 2)
    # the nodes are stars, and all different
    assert all((place == node).all(axis=1).any() for node in smooth.nodes)
    at_nodes = smooth.columns(smooth.nodes)
    square = ((smooth.nodes[:, None] - smooth.nodes) ** 2).sum(axis=2)
    np.testing.assert_allclose(at_nodes @ at_nodes.T, np.exp(-square / (2 * LENGTH**2)), atol=1e-4)
    variance = (smooth.columns(place) ** 2).sum(axis=1)
    assert variance.max() <= 1 + 1e-6
    assert np.median(variance) > 0.7
    np.testing.assert_array_equal(smooth.columns(np.array([[80.0, -80.0]])), np.zeros((1, 12)))


@pytest.mark.parametrize(("place", "shape"), [(np.zeros((9, 0)), (0, 0)), (np.ones((9, 1)), (1, 1))])
def test_no_axis_has_no_nodes_and_equal_stars_are_one(place, shape):
    smooth = SmoothPlace.of(place)
    assert smooth.nodes.shape == shape
    assert np.isfinite(smooth.columns(place)).all()


def test_smooth_functions_are_of_the_first_axes_and_constant_outside_the_range():
    frame = ErrorFrame(
        label_range=np.tile([-2.0, 2.0], (3, 1)),
        axes=np.eye(3),
        centre=np.zeros(3),
        snr_range=np.log([10.0, 100.0]),
        snr_centre=np.log(30.0),
        snr_width=0.5,
        nodes=np.array([[0.0, 0.0], [1.0, 1.0]]),
    )
    scaled = np.array([[2.0, 1.0, 0.3], [9.0, 1.0, 0.3], [2.0, 1.0, -1.0]])
    vector, features = frame.features(scaled, np.array([30.0, 30.0, np.nan]))
    assert vector.shape == (3, 2 + 3 + 2 + frame.n_changing)
    assert features.shape == (3, 3 + 3 + 2)
    np.testing.assert_array_equal(vector[0], vector[1])
    np.testing.assert_array_equal(vector[0, 5:7], vector[2, 5:7])
    np.testing.assert_allclose(features[:, :3], [[1, 0, -1]] * 3, atol=1e-12)
