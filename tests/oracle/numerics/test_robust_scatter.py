"""Distances that outliers do not shrink, against SciPy, and which points are outliers."""

import numpy as np
from scipy.optimize import minimize
from scipy.stats import multivariate_t

from bayescannon.numerics.robust_scatter import few_outliers, robust_distance, whitening


def points(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 0.5, 0.3], [0.0, 0.0, 0.2]]) + [3.0, -1.0, 0.5]


def test_it_is_the_maximum_likelihood_of_a_student_t():
    x = points(60)[:, :2]
    found = robust_distance(x)

    def loss(parameters):
        root = np.array([[np.exp(parameters[2]), 0], [parameters[3], np.exp(parameters[4])]])
        return -multivariate_t.logpdf(x, parameters[:2], root @ root.T, df=3).sum()

    best = minimize(loss, [*x.mean(axis=0), 0, 0, 0], method="BFGS", options={"gtol": 1e-7}).x
    root = np.array([[np.exp(best[2]), 0], [best[3], np.exp(best[4])]])
    expected = np.linalg.norm(np.linalg.solve(root, (x - best[:2]).T), axis=0)
    np.testing.assert_allclose(found / found.mean(), expected / expected.mean(), rtol=1e-4)


def test_distances_are_in_standard_deviations_and_outliers_do_not_shrink_them():
    clean = points(198)
    exact = np.linalg.norm((clean - clean.mean(axis=0)) @ whitening(np.cov(clean.T)), axis=1)
    with_outliers = np.concatenate([clean, [[40, 30, 20], [-30, 50, -60]]])
    for some in (clean, with_outliers):
        np.testing.assert_allclose(robust_distance(some)[:198], exact, rtol=0.25)
    assert few_outliers(with_outliers).tolist() == [False] * 198 + [True] * 2
    assert not few_outliers(clean).any()


def test_many_far_points_are_a_population():
    clean = points(100)
    far = np.concatenate([clean, clean[:3] + 500])
    assert not few_outliers(far).any()
    assert few_outliers(far[:-1]).sum() == 2


def test_collinear_and_equal_points_have_distances():
    line = np.linspace(0, 1, 30)[:, None] * np.ones(3)
    assert np.isfinite(robust_distance(line)).all()
    assert (robust_distance(np.ones((20, 2))) == 0).all()
    assert not few_outliers(np.ones((20, 2))).any()
