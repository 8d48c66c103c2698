"""The density behind calibrated errors against brute force, and against the PyMC model that it integrates."""

import numpy as np
import pytest
from known_errors import draw_stars, known_calibration
from scipy import stats

from bayescannon.models.error_calibration import error_model
from bayescannon.reliability.error_likelihood import ErrorLikelihood


def test_it_is_the_pymc_model_with_the_precisions_integrated_out():
    stars, _, _ = draw_stars(3, seed=4)
    vector, features = known_calibration().features(stars.scaled, stars.snr)
    off = stars.scaled - stars.reference
    problem = ErrorLikelihood(off[:, 0], np.log(stars.formal[:, 0]), stars.noise[:, 0], vector, features)
    mean, weight = problem.prior()
    rng = np.random.default_rng(6)
    u = np.arange(-16.0, 4.0, 0.05)
    for star in range(3):
        one = slice(star, star + 1)
        model = error_model(
            off[one, 0],
            np.log(stars.formal[one, 0]),
            stars.noise[one, 0],
            vector[one],
            features[one],
            mean=mean,
            width=weight**-0.5,
        )
        logp = model.compile_logp(mode="FAST_COMPILE")
        at = mean + 0.3 * rng.normal(size=len(mean))
        # the free variable is log lambda, its Jacobian included
        joint = [logp({"parameters": at, "precision_log__": np.array([value])}) for value in u]
        total = np.log(np.trapezoid(np.exp(joint), u))
        prior = stats.norm.logpdf(at, mean, weight**-0.5).sum()
        assert problem.log_density(at)[0][star] + prior == pytest.approx(total, abs=1e-6)


def test_the_gradient_of_a_label_is_that_of_its_density():
    stars, _, _ = draw_stars(40, seed=7)
    vector, features = known_calibration().features(stars.scaled, stars.snr)
    off = stars.scaled - stars.reference
    problem = ErrorLikelihood(off[:, 1].copy(), np.log(stars.formal[:, 1]), stars.noise[:, 1].copy(), vector, features)
    at = problem.start() + 0.1 * np.random.default_rng(8).normal(size=len(problem.start()))
    _, gradient = problem.log_density(at)
    for k in range(len(at)):
        step = np.zeros(len(at))
        step[k] = 1e-5
        numeric = (problem.log_density(at + step)[0] - problem.log_density(at - step)[0]) / 2e-5
        np.testing.assert_allclose(gradient[:, k], numeric, atol=1e-4)
