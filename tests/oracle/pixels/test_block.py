"""One pass over a block of pixels: equations against loops, slopes of the profile against its differences."""

from dataclasses import replace

import numpy as np
import pytest
from prior_survey import survey

from bayescannon.models.label_vector import label_vector
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.packing import pack_products
from bayescannon.pixels.block import LabelMoments, PixelBlock, solve_coefficients
from bayescannon.pixels.prior import PixelPrior, ScatterDensity

N_PIXEL, N_TERM = 6, 10


def gaussian_prior():
    """Gaussian in the quadratic terms, half-normal in the scatter, one censored term."""
    precision = np.zeros((N_PIXEL, N_TERM))
    precision[:, 4:] = 1 / 0.01**2
    precision[3, 5] = np.inf
    return PixelPrior(np.full(precision.shape, 0.002), precision, ScatterDensity.HALF_NORMAL, (0.02, 0.0))


def block(*, prior=None, marginal=False, multiplicity=None, same_noise=False, uncertain=False):
    vectors, flux, ivar, *_ = survey(n_pixel=N_PIXEL)
    if same_noise:
        ivar = np.full(ivar.shape, 2500.0)
    moments = LabelMoments.known(vectors, multiplicity=multiplicity)
    if uncertain:
        moments = uncertain_moments(vectors)[0]
    return PixelBlock(moments, flux, ivar, prior or PixelPrior.flat(N_PIXEL, N_TERM), marginal=marginal)


def uncertain_moments(vectors):
    noise = 0.1 * np.random.default_rng(5).normal(size=(30, *vectors[:, 1:4].shape))
    draws = label_vector(vectors[:, 1:4] + noise)
    return LabelMoments.uncertain(draws.mean(axis=0), np.mean([pack_products(one) for one in draws], axis=0)), draws


def test_normal_equations_are_sums_over_the_stars():
    count = np.random.default_rng(2).integers(0, 3, 90).astype(float)
    given = gaussian_prior()
    data = block(prior=given, multiplicity=count)
    s2 = np.linspace(0, 1e-3, N_PIXEL)
    weight, normal, of_data, right = data.normal_equations(s2)
    v = data.moments.mean
    for p in range(N_PIXEL):
        w = data.ivar[:, p] / (1 + s2[p] * data.ivar[:, p])
        np.testing.assert_allclose(weight[:, p], w, rtol=1e-12)
        expected, h = np.zeros((N_TERM, N_TERM)), np.zeros(N_TERM)
        for n in range(len(v)):
            expected += count[n] * w[n] * np.outer(v[n], v[n])
            h += count[n] * w[n] * data.flux[n, p] * v[n]
        np.testing.assert_allclose(of_data[p], expected, rtol=1e-10, atol=1e-8)
        free = ~given.censored[p]
        precision = np.where(free, given.precision[p], 0.0)
        np.testing.assert_allclose(right[p], np.where(free, h + precision * 0.002, 0.0), rtol=1e-10)
        whole = (expected + np.diag(precision)) * np.outer(free, free) + np.diag(~free)
        np.testing.assert_allclose(normal[p], whole, rtol=1e-10, atol=1e-8)


# how far the slope may be off where it is an approximation, which shapes Newton's steps and nothing else
CLOSE = {
    "marginal": 0.15,
    "marginal, gaussian, stars of one noise": 0.5,
    "uncertain labels": 0.02,
}
CASES = {
    "flat": {},
    "gaussian, censored": {"prior": gaussian_prior()},
    "marginal, stars of one noise": {"marginal": True, "same_noise": True},
    "marginal, gaussian, stars of one noise": {"marginal": True, "same_noise": True, "prior": gaussian_prior()},
    "uncertain labels": {"uncertain": True},
    "marginal": {"marginal": True},
    "multiplicity": {"multiplicity": np.random.default_rng(2).integers(0, 3, 90).astype(float)},
}


@pytest.mark.parametrize("name", CASES)
def test_slopes_are_those_of_the_profile(name):
    data = block(**CASES[name])
    s2 = np.geomspace(2e-5, 2e-3, N_PIXEL)
    at, h = data.fit(s2, objective=True), 1e-3 * s2
    above, below = (data.fit(s2 + sign * h, objective=True) for sign in (1, -1))
    scale = np.abs(at.gradient) + at.chi2 / at.variance
    np.testing.assert_allclose((above.objective - below.objective) / h / scale, at.gradient / scale, atol=5e-5)
    slope = (above.gradient - below.gradient) / (2 * h)
    np.testing.assert_allclose(at.slope / slope, 1, atol=CLOSE.get(name, 1e-3))


def test_terms_that_the_data_determine_are_fewer_under_a_prior():
    flat, held = (block(prior=prior, marginal=True).fit(np.full(N_PIXEL, 1e-4)) for prior in (None, gaussian_prior()))
    np.testing.assert_allclose(flat.freedom, N_TERM)
    assert ((held.freedom > 4) & (held.freedom < N_TERM)).all()
    assert (held.theta[3, 5] == 0) & held.held[3, 5]
    assert np.isnan(flat.objective).all(), "the objective is worked out on request only"


def test_pixels_of_a_block_do_not_depend_on_each_other():
    data = block(prior=gaussian_prior())
    s2 = np.linspace(1e-5, 1e-3, N_PIXEL)
    whole, index = data.fit(s2), np.array([4, 1])
    part = data.select(index).fit(s2[index])
    np.testing.assert_allclose(part.theta, whole.select(index).theta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(part.gradient, whole.gradient[index], rtol=1e-9)
    assert data.select(np.arange(N_PIXEL)) is data
    assert data.n_pixel == N_PIXEL


def test_uncertain_labels_spread_the_prediction():
    """E[(theta . v)^2] - (theta . E[v])^2 of draws is what the packed covariance gives."""
    vectors, *_ = survey(n_pixel=N_PIXEL)
    moments, draws = uncertain_moments(vectors)
    theta = np.random.default_rng(6).normal(size=(N_PIXEL, N_TERM))
    spread = moments.covariance @ pack_products(theta).T
    np.testing.assert_allclose(spread, (draws @ theta.T).var(axis=0), rtol=1e-8, atol=1e-12)
    some = np.arange(len(vectors)) % 3 == 0
    part = replace(moments, multiplicity=np.arange(len(vectors), dtype=float)).select(some)
    np.testing.assert_array_equal(part.covariance, moments.covariance[some])
    np.testing.assert_array_equal(part.counts, np.flatnonzero(some))
    np.testing.assert_array_equal(part.counted_mean, part.mean * part.counts[:, None])
    np.testing.assert_array_equal(part.counted_products, part.products * part.counts[:, None])


def test_a_prior_of_another_kind_brings_its_own_solver():
    class Other(PixelPrior):
        pass

    @solve_coefficients.register
    def _(_prior: Other, normal, right):
        return np.zeros_like(right), normal, np.ones(right.shape, dtype=bool)

    flat = PixelPrior.flat(N_PIXEL, N_TERM)
    found = block(prior=Other(flat.mean, flat.precision)).fit(np.full(N_PIXEL, 1e-4))
    assert (found.theta == 0).all()
    assert (block(prior=flat).fit(np.full(N_PIXEL, 1e-4)).theta != 0).all()


@pytest.mark.parametrize("wrong", [[1.0, 2.0], [1.0, -1.0, 1.0], [1.0, np.nan, 1.0]])
def test_wrong_multiplicities_are_refused(wrong):
    with pytest.raises(InputError, match="one finite number >= 0 for each of the 3 stars"):
        LabelMoments.known(np.ones((3, 1)), multiplicity=np.array(wrong))
