"""The densities behind calibrated errors are the PyMC models with the precisions integrated out."""

import numpy as np
import pytest
from known_errors import draw_stars, known_calibration, lost_pixels
from scipy import stats

from bayescannon.models.error_calibration import error_model, lost_pixels_model
from bayescannon.reliability.error_likelihood import ErrorLikelihood


def test_errors_of_complete_stars():
    stars, _, _ = draw_stars(3, seed=4)
    vector, features = known_calibration().frame.features(stars.scaled, stars.snr)
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


def test_errors_of_lost_pixels():
    problem = lost_pixels(3, seed=4)
    mean, weight = problem.prior()
    rng = np.random.default_rng(6)
    u = np.arange(-16.0, 4.0, 0.05)
    for star in range(3):
        one = slice(star, star + 1)
        model = lost_pixels_model(
            problem.off[one],
            problem.scale[one],
            problem.log_dof[one],
            problem.noise[one],
            problem.log_excess[one],
            problem.features[one],
            mean=mean,
            width=weight**-0.5,
        )
        logp = model.compile_logp(mode="FAST_COMPILE")
        at = mean + 0.2 * rng.normal(size=len(mean))
        # the free variable is log lambda, its Jacobian included
        joint = [logp({"parameters": at, "precision_log__": np.array([value])}) for value in u]
        total = np.log(np.trapezoid(np.exp(joint), u))
        prior = stats.norm.logpdf(at, mean, weight**-0.5).sum()
        assert problem.log_density(at)[0][star] + prior == pytest.approx(total, abs=1e-6)
