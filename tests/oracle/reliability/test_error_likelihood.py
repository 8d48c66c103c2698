"""The density behind calibrated errors: its gradient against differences."""

import numpy as np
from known_errors import draw_stars, known_calibration

from bayescannon.reliability.error_likelihood import ErrorLikelihood


def test_the_gradient_of_a_label_is_that_of_its_density():
    stars, _, _ = draw_stars(40, seed=7)
    vector, features = known_calibration().frame.features(stars.scaled, stars.snr)
    off = stars.scaled - stars.reference
    problem = ErrorLikelihood(off[:, 1].copy(), np.log(stars.formal[:, 1]), stars.noise[:, 1].copy(), vector, features)
    at = problem.start() + 0.1 * np.random.default_rng(8).normal(size=len(problem.start()))
    _, gradient = problem.log_density(at)
    for k in range(len(at)):
        step = np.zeros(len(at))
        step[k] = 1e-5
        numeric = (problem.log_density(at + step)[0] - problem.log_density(at - step)[0]) / 2e-5
        np.testing.assert_allclose(gradient[:, k], numeric, atol=1e-4)
