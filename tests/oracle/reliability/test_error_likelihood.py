"""The density behind calibrated errors against brute force, and against the PyMC model that it integrates."""

import numpy as np
import pytest
from known_errors import draw_stars, known_calibration
from scipy import stats
from scipy.special import digamma

from bayescannon.models.error_calibration import error_model
from bayescannon.numerics.student_t import convolved_t, convolved_t_below
from bayescannon.reliability.error_distribution import PredictiveErrors
from bayescannon.reliability.error_likelihood import ErrorLikelihood

CASES = [(x, e, nu) for x in (0.0, -0.4, 2.5, -30.0) for e in (0.1, 1.0, 5.0) for nu in (1.2, 3.0, 8.0, 150.0)]


def kernel(x, scale, nu, e):
    """All four values of the density's kernel for one star."""
    columns = [np.array([value], dtype=float) for value in (x, scale, nu, e, digamma(nu / 2))]
    return [float(value[0]) for value in convolved_t(*columns)]


@pytest.mark.parametrize(("x", "e", "nu"), CASES)
def test_density_and_probability_are_the_brute_force_convolution(x, e, nu):
    scale = 0.7
    # fine enough for the narrower of the two, wide enough for both
    t = np.arange(-abs(x) - 12 * e, abs(x) + 12 * e, min(e, scale) / 60)
    gauss = stats.norm.pdf(t, 0, e)
    density = np.trapezoid(stats.t.pdf(x - t, nu, 0, scale) * gauss, t)
    below = np.trapezoid(stats.t.cdf(x - t, nu, 0, scale) * gauss, t)
    columns = [np.array([value], dtype=float) for value in (x, scale, nu, e)]
    assert kernel(x, scale, nu, e)[0] == pytest.approx(np.log(density), abs=1e-6)
    assert convolved_t_below(*columns)[0] == pytest.approx(below, abs=1e-7)


@pytest.mark.parametrize("nu", [1.2, 4.0, 50.0, 200.0])
@pytest.mark.parametrize("x", [0.0, 1.0, -8.0, 200.0])
def test_without_noise_it_is_student_t(x, nu):
    assert kernel(x, 0.5, nu, 0.0)[0] == pytest.approx(stats.t.logpdf(x, nu, 0, 0.5), abs=1e-6)


@pytest.mark.parametrize(("x", "e", "nu"), CASES[::3])
def test_slopes_are_those_of_the_density(x, e, nu):
    h = 1e-4
    _, by_off, by_scale, by_dof = kernel(x, 0.7, nu, e)
    pairs = [
        (by_off, (x + h, 0.7, nu, e), (x - h, 0.7, nu, e)),
        (by_scale, (x, 0.7 * np.exp(h), nu, e), (x, 0.7 * np.exp(-h), nu, e)),
        (by_dof, (x, 0.7, nu * np.exp(h), e), (x, 0.7, nu * np.exp(-h), e)),
    ]
    for slope, above, beneath in pairs:
        assert slope == pytest.approx((kernel(*above)[0] - kernel(*beneath)[0]) / (2 * h), abs=2e-4)


def test_interval_holds_the_probability_around_the_label():
    shape = (5, 3)
    rng = np.random.default_rng(5)
    errors = PredictiveErrors(rng.normal(0, 2, shape), np.exp(rng.normal(0, 1, shape)), rng.uniform(1.2, 60, shape))
    for probability in (0.1, 0.6827, 0.95, 0.999):
        half = errors.interval(probability)
        inside = errors.pit(half) - errors.pit(-half)
        np.testing.assert_allclose(inside, probability, atol=1e-8)
    central = PredictiveErrors(np.zeros(shape), errors.scale, errors.dof)
    np.testing.assert_allclose(central.interval(0.95), errors.scale * stats.t.ppf(0.975, errors.dof), rtol=1e-7)
    with pytest.raises(ValueError, match="between 0 and 1"):
        errors.interval(1.0)


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
