"""The density behind the errors of lost pixels: its gradient against differences, and its tails."""

import numpy as np
from known_errors import lost_pixels

from bayescannon.reliability.damage_errors import mix_dof


def test_the_gradient_is_that_of_the_density():
    problem = lost_pixels(50, seed=7)
    at = problem.prior()[0] + 0.1 * np.random.default_rng(8).normal(size=len(problem.prior()[0]))
    _, gradient = problem.log_density(at)
    for k in range(len(at)):
        step = np.zeros(len(at))
        step[k] = 1e-5
        numeric = (problem.log_density(at + step)[0] - problem.log_density(at - step)[0]) / 2e-5
        np.testing.assert_allclose(gradient[:, k], numeric, atol=1e-4)


def test_tails_go_from_those_of_complete_stars_to_those_of_lost_pixels():
    assert mix_dof(np.array([2.0]), np.array([1.0]), np.array([0.0]))[0] == 2
    assert mix_dof(np.array([2.0]), np.array([1.0]), np.array([1.0]))[0] == 1
