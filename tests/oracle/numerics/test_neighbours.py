"""Distances to the nearest points against sorting."""

import numpy as np
import pytest

from bayescannon.numerics.errors import InputError
from bayescannon.numerics.neighbours import mean_distance


def test_leave_one_out_neighbours_with_duplicates():
    points = np.repeat(np.random.default_rng(0).normal(size=(8, 2)), 3, axis=0)
    found = mean_distance(points, points, neighbours=4, leave_one_out=True)
    for n, point in enumerate(points):
        others = ((np.delete(points, n, axis=0) - point) ** 2).sum(axis=1)
        assert found[n] == pytest.approx(np.sort(others)[:4].mean())


@pytest.mark.parametrize("root", [False, True])
def test_mean_distance_is_that_of_sorting(root):
    rng = np.random.default_rng(1)
    points, reference = rng.normal(size=(15, 3)), rng.normal(size=(40, 3))
    points[4, 1] = np.inf
    found = mean_distance(points, reference, neighbours=6, root=root)
    for n, point in enumerate(points):
        if n == 4:
            assert np.isnan(found[n])
            continue
        distance = np.sort(np.linalg.norm(reference - point, axis=1))[:6]
        assert found[n] == pytest.approx((distance if root else distance**2).mean(), rel=1e-12)
    np.testing.assert_array_equal(found, mean_distance(points, reference, neighbours=6, root=root, workers=1))
    assert np.isnan(mean_distance(np.full((2, 3), np.nan), reference, neighbours=1)).all()


def test_a_point_is_not_its_own_neighbour_unless_it_may_be():
    points = np.random.default_rng(2).normal(size=(9, 2))
    assert (mean_distance(points, points, neighbours=1) == 0).all()
    assert (mean_distance(points, points, neighbours=1, leave_one_out=True) > 0).all()


def test_wrong_calls_are_refused():
    points = np.zeros((5, 2))
    with pytest.raises(InputError, match=r"the same number of columns; got shapes \(5, 2\) and \(5, 1\)"):
        mean_distance(points, points[:, :1], neighbours=1)
    with pytest.raises(InputError, match="number of reference stars, 4; got 5"):
        mean_distance(points, points, neighbours=5, leave_one_out=True)
    with pytest.raises(InputError, match="number of reference stars, 5; got 0"):
        mean_distance(points, points, neighbours=0)
    with pytest.raises(InputError, match="leave_one_out needs the 5 reference points"):
        mean_distance(points[:3], points, neighbours=1, leave_one_out=True)
