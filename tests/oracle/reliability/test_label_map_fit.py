"""The fit of a label map against the PyMC model, and against the closed form of errors in both variables."""

import numpy as np
import pytest

from bayescannon.models.label_map import label_map_model
from bayescannon.reliability.label_map_fit import CommonStars, fit_label_map


def common_stars(fitted, n_star=7, n_label=3, seed=0):
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(n_star, n_label))
    root = 0.2 * rng.normal(size=(n_star, n_label, n_label))
    trusted = centre + 0.3 * rng.normal(size=centre.shape)
    trusted[0] += 4
    return CommonStars(trusted, rng.uniform(0.01, 0.05, centre.shape), centre, root @ root.transpose(0, 2, 1), fitted)


LONG = [pytest.param(form, marks=pytest.mark.long) for form in ("diagonal", "constant")]


@pytest.mark.parametrize("form", ["linear", *LONG])
def test_log_posterior_and_gradient_are_those_of_pymc(form):
    fitted = {"linear": np.ones((3, 3), bool), "diagonal": np.eye(3, dtype=bool), "constant": np.zeros((3, 3), bool)}
    stars = common_stars(fitted[form])
    model = label_map_model(stars.trusted, stars.variance, stars.centre, stars.covariance, stars.fitted)
    logp, gradient = model.compile_logp(mode="FAST_COMPILE"), model.compile_dlogp(mode="FAST_COMPILE")
    n_slope = int(stars.fitted.sum())
    rng = np.random.default_rng(3)
    for _ in range(3):
        at = stars.start + 0.3 * rng.normal(size=len(stars.start))
        point = {
            "offset": at[:3], "scatter_log__": at[3 + n_slope : -1], "wrong_logodds__": np.array(at[-1]),
        }  # fmt: skip
        if n_slope:
            point["slope"] = at[3 : 3 + n_slope]
        log, slope, wrong = stars.log_posterior(at)
        assert log == pytest.approx(float(logp(point)), abs=1e-6)
        # PyMC's order is that of the free variables, which is ours
        np.testing.assert_allclose(slope, gradient(point), rtol=1e-7, atol=1e-7)
        assert wrong[0] > 0.99, "the star that is far off"
        assert ((wrong >= 0) & (wrong <= 1)).all()


def test_the_maximum_has_no_gradient_and_its_covariance_is_the_inverse_curvature():
    stars = common_stars(np.ones((3, 3), bool), n_star=60)
    best, covariance = stars.maximise()
    assert np.abs(stars.log_posterior(best)[1]).max() < 1e-3
    rng = np.random.default_rng(4)
    for _ in range(5):
        step = 1e-3 * rng.normal(size=len(best))
        change = stars.log_posterior(best + step)[1] - stars.log_posterior(best - step)[1]
        np.testing.assert_allclose(covariance @ change, -2 * step, rtol=2e-2, atol=2e-5)


def deming(x, y, ratio):
    """Slope of the line with errors in both variables, whose variances have this ratio (y to x): the closed form."""
    (xx, xy), (_, yy) = np.cov(x, y)
    off = yy - ratio * xx
    return (off + np.sqrt(off**2 + 4 * ratio * xy**2)) / (2 * xy)


def test_one_label_agrees_with_the_closed_form_of_errors_in_both_variables():
    """Gaussian labels with known errors on both sides, and no scatter beside them."""
    rng = np.random.default_rng(1)
    truth = rng.normal(4800, 300, 2000)
    error_a, error_b = 40.0, 120.0
    trusted = -50 + 1.1 * (truth - 4800) + 4800 + error_a * rng.standard_normal(2000)
    other = truth + error_b * rng.standard_normal(2000)
    found = fit_label_map(
        trusted[:, None], np.full((2000, 1), error_a), other[:, None], np.full((2000, 1), error_b), ["teff"]
    )
    expected = deming(other, trusted, (error_a / error_b) ** 2)
    error = np.sqrt(found.covariance[1, 1])
    # no scatter is left, and both are within their errors of each other and of the truth
    assert found.scatter[0] < 30
    assert found.slopes[0, 0] == pytest.approx(expected, abs=0.5 * error)
    at_mean = found.apply(np.array([[other.mean()]]))[0, 0]
    assert at_mean == pytest.approx(trusted.mean(), abs=found.offset_error[0])
    assert found.slopes[0, 0] == pytest.approx(1.1, abs=4 * error)
    # a regression that takes the other labels as exact is far off
    plain = np.polyfit(other - found.pivot[0], trusted, 1)[0]
    assert plain < 1.1 - 8 * error
    # the error of the slope is the spread of the closed form over bootstraps
    rows = rng.integers(0, 2000, (200, 2000))
    slopes = [deming(other[row], trusted[row], (error_a / error_b) ** 2) for row in rows]
    assert error == pytest.approx(np.std(slopes), rel=0.25)
