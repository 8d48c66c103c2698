"""The hull's support functions against linear programs."""

import numpy as np
import pytest
from linear_hull import inside_hull

from bayescannon.numerics.hull import fixed_directions, hull_margin


@pytest.mark.parametrize("n_label", [1, 2, 3, 5])
def test_support_functions_agree_with_the_linear_program(n_label):
    rng = np.random.default_rng(n_label)
    reference, points = rng.normal(size=(150, n_label)), 1.6 * rng.normal(size=(120, n_label))
    margin = hull_margin(points, reference, fixed_directions(n_label), workers=1)
    inside = inside_hull(points, reference)
    assert 5 < inside.sum() < 115
    assert (margin[inside] <= 1e-9).all()  # never outside by mistake
    missed = ~inside & (margin <= 0)
    assert missed.mean() <= {1: 0, 2: 0.01, 3: 0.05, 5: 0.08}[n_label]
    # vertices, centre, and outside along an axis
    assert inside_hull(reference[:5], reference).all()
    assert hull_margin(reference.mean(axis=0)[None], reference, fixed_directions(n_label))[0] < 0


def test_leave_one_out_margin_is_that_of_the_other_points():
    rng = np.random.default_rng(3)
    reference, points, directions = rng.normal(size=(1100, 3)), rng.normal(size=(1100, 3)), fixed_directions(3, 200)
    found = hull_margin(points, reference, directions, leave_one_out=True)
    for n in [0, 5, 1023, 1024, 1099, *np.argsort(reference[:, 0])[-2:]]:
        other = hull_margin(points[[n]], np.delete(reference, n, axis=0), directions)
        assert found[n] == pytest.approx(other[0], abs=1e-12)


@pytest.mark.parametrize("n_label", [1, 2, 4])
def test_directions_are_unit_vectors_with_both_ends_of_every_axis(n_label):
    directions = fixed_directions(n_label, 50)
    assert directions.shape == (2 if n_label == 1 else 50, n_label)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    for axis in np.eye(n_label):
        assert (directions == axis).all(axis=1).any()
        assert (directions == -axis).all(axis=1).any()
    np.testing.assert_array_equal(fixed_directions(n_label, 50), directions)


def test_margin_of_a_square_is_the_distance_from_its_sides():
    square = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    points = np.array([[0.0, 0.0], [0.75, 0.0], [0.0, -3.0], [np.nan, 0.0]])
    axes = np.concatenate([np.eye(2), -np.eye(2)])
    np.testing.assert_allclose(hull_margin(points, square, axes), [-1.0, -0.25, 2.0, np.nan])
