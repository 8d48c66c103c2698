"""The kernels on a star's quartic against written-out sums, NumPy's solver and SciPy's optimisers."""

import numpy as np
import pytest
import slow_cannon
from scipy.optimize import minimize

from bayescannon.models.label_vector import term_pairs
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.quartic_kernels import chi2_derivatives, evaluate_all, minimise_all, solve_positive


def random_quartic(n_label, *, curvature=0.2, seed=0):
    """A, b, c of one star with a well-behaved minimum near the origin."""
    rng = np.random.default_rng(seed)
    n_term = len(slow_cannon.vector(np.zeros(n_label)))
    root = rng.normal(size=(80, n_term))
    root[:, 1 + n_label :] *= curvature
    flux = 0.5 * rng.normal(size=80) + root @ slow_cannon.vector(0.3 * rng.normal(size=n_label))
    offset = flux - root[:, 0]
    return root.T @ root, root.T @ offset, float(offset @ offset)


def slow_chi2(quartic, x):
    a, b, c = quartic
    u = slow_cannon.vector(x)
    u[0] = 0.0
    return c - 2 * b @ u + u @ a @ u


def space(n_label, n_term):
    out = (np.empty(n_label), np.empty((n_label, n_label)), np.empty((n_label, n_label)))
    return out, (np.empty(n_term), np.empty(n_term), np.empty((n_term, n_label)))


@pytest.mark.parametrize("n_label", [1, 2, 5])
def test_value_and_derivatives_are_those_of_differences(n_label):
    quartic = random_quartic(n_label)
    out, work = space(n_label, len(quartic[1]))
    x = np.random.default_rng(1).normal(size=n_label)
    value = chi2_derivatives(quartic, term_pairs(n_label), x, True, out, work)
    assert value == pytest.approx(slow_chi2(quartic, x), rel=1e-12)
    assert chi2_derivatives(quartic, term_pairs(n_label), x, False, out, work) == value
    step = 1e-4 * np.eye(n_label)
    slope = [(slow_chi2(quartic, x + h) - slow_chi2(quartic, x - h)) / 2e-4 for h in step]
    np.testing.assert_allclose(2 * out[0], slope, rtol=1e-6, atol=1e-6)
    for i in range(n_label):
        for j in range(n_label):
            corners = [slow_chi2(quartic, x + s * step[i] + t * step[j]) * s * t for s in (1, -1) for t in (1, -1)]
            assert 2 * out[2][i, j] == pytest.approx(sum(corners) / 4e-8, rel=1e-4, abs=1e-4 * abs(out[2]).max())
    # without the residual's curvature the matrix is J^T A J, which is never negative
    assert np.linalg.eigvalsh(out[1])[0] > 0


@pytest.mark.parametrize("damping", [0.0, 0.7])
def test_positive_equations_are_solved_as_numpy_does(damping):
    rng = np.random.default_rng(2)
    root = rng.normal(size=(4, 6))
    matrix, right, scale = root @ root.T, rng.normal(size=4), rng.uniform(1, 2, 4)
    step, factor = np.empty(4), np.zeros((4, 4))
    assert solve_positive(matrix, right, damping, scale, step, factor)
    np.testing.assert_allclose(step, np.linalg.solve(matrix + damping * np.diag(scale), right), rtol=1e-10)


def test_indefinite_and_singular_equations_are_refused_until_damped():
    step, factor = np.empty(2), np.zeros((2, 2))
    for matrix in (np.diag([1.0, -0.5]), np.ones((2, 2)), np.zeros((2, 2))):
        assert not solve_positive(matrix, np.ones(2), 0.0, np.ones(2), step, factor)
    assert solve_positive(np.diag([1.0, -0.5]), np.ones(2), 1.0, np.ones(2), step, factor)
    np.testing.assert_allclose(step, [0.5, 2.0])


def minimised(quartic, starts, density):
    """Labels (start, K), value, converged and iterations of one star."""
    arrays = tuple(np.array(part)[None] for part in quartic)
    shape = (1, len(starts))
    out = (np.empty((*shape, starts.shape[1])), np.empty(shape), np.empty(shape, bool), np.empty(shape, np.int64))
    minimise_all(arrays, term_pairs(starts.shape[1]), density.arrays, starts[None].copy(), out)
    return [part[0] for part in out]


@pytest.mark.parametrize("seed", range(4))
def test_minima_inside_a_box_are_those_of_a_bounded_optimiser(seed):
    quartic = random_quartic(3, seed=seed)
    starts = np.random.default_rng(seed).normal(size=(5, 3))
    free, free_value, *_ = minimised(quartic, starts, LabelDensity.flat(3))
    best = free[free_value.argmin()]
    # the best without walls is behind one of them
    lower, upper = np.array([-np.inf, best[1] - 1, best[2] - 1]), np.array([best[0] - 0.1, np.inf, best[2] + 1])
    labels, value, converged, _ = minimised(quartic, starts, LabelDensity.box(lower, upper))
    assert converged.all()
    assert ((labels >= lower) & (labels <= upper)).all()
    bounds = list(zip(lower, upper, strict=True))
    for start in range(5):
        inside = np.clip(starts[start], lower, upper)
        peer = minimize(lambda x: slow_chi2(quartic, x), inside, method="L-BFGS-B", bounds=bounds)
        assert value[start] <= peer.fun + 1e-6
        assert value[start] == pytest.approx(slow_chi2(quartic, labels[start]), rel=1e-10)
    assert free_value.min() < value.min() - 1e-3
    assert labels[value.argmin(), 0] == upper[0]


def test_a_start_on_a_saddle_or_a_ridge_ends_in_a_minimum():
    """One pixel sees the square of the label: minima at +-2, and no slope at 0."""
    a = np.diag([0.0, 0.01, 1.0])
    quartic = (a, np.array([0.0, 0.02, 4.0]), 16.0)
    labels, value, converged, _ = minimised(quartic, np.array([[0.0], [-0.1], [0.1], [9.0]]), LabelDensity.flat(1))
    assert converged.all()
    np.testing.assert_allclose(labels[:, 0], [2.0, -2.0, 2.0, 2.0], atol=0.01)
    assert value[1] > value[2]


def test_values_with_a_prior_are_chi2_less_twice_its_log():
    quartics = [random_quartic(2, seed=seed) for seed in (1, 2, 3)]
    arrays = tuple(np.array([one[k] for one in quartics]) for k in range(3))
    density = LabelDensity.components(
        np.log([0.3, 0.7]), np.array([[0.5, 0.0], [-0.5, 0.2]]), np.stack([4 * np.eye(2), np.eye(2)])
    )
    x = np.random.default_rng(5).normal(size=(3, 2))
    value, derivatives = np.empty(3), (np.empty((3, 2)), np.empty((3, 2, 2)), np.empty((3, 2, 2)))

    def at(points):
        evaluate_all(arrays, term_pairs(2), density.arrays, points, value, derivatives)
        return value.copy()

    expected = [slow_chi2(one, x[n]) for n, one in enumerate(quartics)] - 2 * density.log_density(x)
    np.testing.assert_allclose(at(x), expected, rtol=1e-12)
    gradient = derivatives[0].copy()
    for k in range(2):
        step = 1e-5 * np.eye(2)[k]
        np.testing.assert_allclose(2 * gradient[:, k], (at(x + step) - at(x - step)) / 2e-5, rtol=1e-5, atol=1e-5)
