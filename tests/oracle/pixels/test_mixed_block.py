"""The profile with products in single precision against that in double precision."""

from dataclasses import replace

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector
from bayescannon.pixels.block import LabelMoments, PixelBlock
from bayescannon.pixels.mixed_block import MixedBlock
from bayescannon.pixels.prior import PixelPrior

N_STAR, N_PIXEL = 1100, 9

CENSORED = (np.arange(6 * N_PIXEL).reshape(N_PIXEL, 6) % 5 == 2) & (np.arange(6) > 0)


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(N_STAR, 2)).clip(-2.5, 2.5)
    x[:, 1] = 0.99 * x[:, 0] + 0.14 * x[:, 1]
    vectors = label_vector(x)
    theta = np.eye(1, 6) + 0.03 * rng.normal(size=(N_PIXEL, 6))
    sigma = 0.01 * np.exp(rng.normal(0, 0.7, size=(N_STAR, N_PIXEL)))
    flux = vectors @ theta.T + np.hypot(0.01, sigma) * rng.normal(size=sigma.shape)
    ivar = np.where(rng.random(sigma.shape) < 0.05, 0.0, sigma**-2.0)
    return vectors, flux.astype(np.float32), ivar.astype(np.float32)


def both(survey, *, prior=None, counts=None, marginal=False, factors=None, kappa=1.3):
    """The same pixels as a block in single and one in double precision."""
    vectors, flux, ivar = survey
    moments = LabelMoments.known(vectors, multiplicity=counts)
    prior = PixelPrior.flat(N_PIXEL, 6) if prior is None else prior
    single = MixedBlock(
        moments.orthogonal, flux, ivar, np.full(N_PIXEL, kappa**-2, dtype=np.float32), prior, marginal,
        np.zeros(N_PIXEL), factors,
    )  # fmt: skip
    _, logs, sound = single.look()
    assert sound
    single = replace(single, logs=logs)
    double = PixelBlock(moments, flux, ivar.astype(float) / kappa**2, prior, marginal=marginal, factors=factors)
    return single, double


CASES = {
    "flat": {},
    "multiplicities": {"counts": np.random.default_rng(1).poisson(1.0, N_STAR).astype(float)},
    "integrated out": {"marginal": True},
    "outliers": {"factors": np.random.default_rng(2).uniform(0.1, 1, (N_STAR, N_PIXEL)).astype(np.float32)},
    "prior": {"prior": PixelPrior(np.full((N_PIXEL, 6), 0.01), np.tile([0, 1e3, 1e3, 1e3, 1e3, 1e3], (N_PIXEL, 1)))},
    "censored": {"prior": PixelPrior(np.zeros((N_PIXEL, 6)), np.where(CENSORED, np.inf, 0.0))},
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("s2", [0.0, 1e-4])
def test_the_profile_is_that_in_double_precision(survey, name, s2):
    single, double = both(survey, **CASES[name])
    s2 = np.full(N_PIXEL, s2)
    got, want = single.fit(s2, objective=True), double.fit(s2, objective=True)
    error = np.sqrt(np.diagonal(np.linalg.inv(want.normal), axis1=1, axis2=2))
    assert np.abs((got.theta - want.theta) / error).max() < 1e-4
    np.testing.assert_array_equal(got.held, want.held)
    # the standard error of g, as a sum over the stars
    scale = np.sqrt(2 * N_STAR) / want.variance + 0.01 * np.abs(want.gradient)
    assert np.abs((got.gradient - want.gradient) / scale).max() < 1e-4
    np.testing.assert_allclose(got.slope, want.slope, rtol=1e-4, atol=1e-4 * np.abs(want.slope).max())
    np.testing.assert_allclose(got.objective, want.objective, rtol=1e-7, atol=2e-3)
    np.testing.assert_allclose(got.chi2, want.chi2, rtol=1e-6)
    np.testing.assert_allclose(got.freedom, want.freedom, atol=1e-4)
    np.testing.assert_allclose(got.normal, want.normal, rtol=1e-4, atol=1e-5 * np.abs(want.normal).max())
    assert np.abs((got.along - want.along) / error).max() < 2e-3 / s2.max(initial=1e-4)


def test_the_same_in_any_order_of_memory_and_of_selected_columns(survey):
    single, _ = both(survey)
    turned, _ = both((survey[0], np.asfortranarray(survey[1]), np.asfortranarray(survey[2])))
    s2 = np.full(N_PIXEL, 1e-4)
    np.testing.assert_array_equal(turned.fit(s2).theta, single.fit(s2).theta)
    some = np.array([1, 4, 5])
    lazy = MixedBlock(
        single.labels, single.flux, single.ivar, single.scale[some], single.prior.select(some), False,
        single.logs[some], None, some,
    )  # fmt: skip
    np.testing.assert_array_equal(lazy.fit(s2[:3]).theta, single.select(some).fit(s2[:3]).theta)
    np.testing.assert_array_equal(lazy.select(np.array([2])).fit(s2[:1]).chi2, single.select(some[2:]).fit(s2[:1]).chi2)


def test_trial_gradients_and_residuals(survey):
    single, double = both(survey, kappa=1.0)
    theta, trial = double.fit(np.full(N_PIXEL, 1e-4)).theta, np.full((2, N_PIXEL), [[1e-5], [1e-3]])
    gradient, error = single.trial_errors(theta, trial)
    np.testing.assert_allclose(gradient, double.trial_gradient(theta, trial), atol=1e-4 * error.max())
    np.testing.assert_allclose(single.residual_variance(theta), double.residual_variance(theta), rtol=1e-5)


def test_pixels_whose_stars_do_not_determine_the_terms_are_not_regular(survey):
    vectors, flux, ivar = survey
    ivar = ivar.copy()
    ivar[:, 3] = 0
    ivar[10:, 4] = 0
    ivar[np.abs(vectors[:, 1]) > 1e-2, 5] = 0
    single, _ = both((vectors, flux, ivar))
    assert single.surely_regular().tolist() == [True] * 3 + [False] * 3 + [True] * 3


@pytest.mark.parametrize(("value", "where"), [(np.nan, 0), (np.inf, 0), (-1.0, 1), (np.nan, 1), (1e20, 1)])
def test_bad_values_are_seen(survey, value, where):
    vectors, *data = (x.copy() for x in survey)
    data[where][7, 2] = value
    moments = LabelMoments.known(vectors)
    block = MixedBlock(
        moments.orthogonal, *data, np.ones(N_PIXEL, dtype=np.float32), PixelPrior.flat(N_PIXEL, 6), False,
        np.zeros(N_PIXEL),
    )  # fmt: skip
    assert not block.look()[2]
