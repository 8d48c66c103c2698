"""The mixture of a normal and a Cauchy distribution against SciPy, and its fit against known truth."""

import numpy as np
import pytest
from expect import expect_between
from scipy import integrate, stats

from bayescannon.numerics.outlier_mixture import (
    LEAST_SCALE,
    LEAST_SHARE,
    N_BINS,
    OutlierShare,
    bin_centres,
    fit_outliers,
    residual_bin,
)

Z = np.array([0.0, 0.3, -1.0, 2.5, 4.0, -5.0, 8.0, 37.0, 1e3, 1e6])
SOME = OutlierShare(share=0.003, scale=12.0)


def density(z, outliers):
    return (1 - outliers.share) * stats.norm.pdf(z) + outliers.share * stats.cauchy.pdf(z, scale=outliers.scale)


def test_density_is_that_of_the_mixture():
    expected = -np.log(density(Z, SOME)) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(SOME.minus_log_density(Z), expected, rtol=1e-12, atol=1e-12)


def test_weights_are_the_slope_of_the_log_density():
    z, h = Z[(Z != 0) & (np.abs(Z) < 1e3)], 1e-6
    slope = (SOME.minus_log_density(z + h) - SOME.minus_log_density(z - h)) / (2 * h)
    np.testing.assert_allclose(SOME.weights(z) * z, slope, rtol=1e-5, atol=1e-8)


def test_a_point_far_off_has_no_influence():
    far = np.array([1e2, 1e3, 1e5])
    np.testing.assert_allclose(SOME.weights(far) * far, 2 / far, rtol=0.02)


def test_suspect_points_are_those_whose_weight_changes():
    edge = SOME.suspect
    assert 2 < edge < 4
    first = SOME.weights(np.zeros(1))[0]
    assert (SOME.weights(np.linspace(0, edge - 0.01, 50)) > first - 0.01).all()
    assert SOME.weights(np.array([edge]))[0] < first - 0.01 + 1e-9


def test_information_is_the_expected_square_of_the_score():
    for outliers in (SOME, OutlierShare(0.05, 5.0)):

        def square(z, given=outliers):
            return density(z, given) * (given.weights(np.array([z]))[0] * z) ** 2

        def weight(z, given=outliers):
            return density(z, given) * given.weights(np.array([z]))[0]

        score, mean = (
            2 * (integrate.quad(f, 0, 8, limit=200)[0] + integrate.quad(f, 8, np.inf, limit=200)[0])
            for f in (square, weight)
        )
        assert outliers.information == pytest.approx(score / mean, rel=1e-4)
        assert outliers.information < 1


def test_bins_hold_the_residuals_of_their_centres():
    assert [residual_bin(z) for z in bin_centres()] == list(range(N_BINS))
    assert residual_bin(1e9) == N_BINS - 1


def binned(z):
    return np.bincount([residual_bin(x) for x in np.abs(z)], minlength=N_BINS).astype(float)


@pytest.mark.parametrize("truth", [OutlierShare(0.003, 20.0), OutlierShare(0.05, 8.0)])
def test_fit_finds_share_and_scale(truth):
    z = truth.draw((200_000,), np.random.default_rng(1))
    found = fit_outliers(binned(z), OutlierShare(), learn_share=True, learn_scale=True)
    n_outlier = truth.share * len(z)
    expect_between(found.share / truth.share, 1 - 4 / np.sqrt(n_outlier), 1 + 4 / np.sqrt(n_outlier), what="share")
    expect_between(found.scale / truth.scale, 1 - 6 / np.sqrt(n_outlier), 1 + 6 / np.sqrt(n_outlier), what="scale")


def test_fit_is_the_maximum_of_the_likelihood():
    z = SOME.draw((50_000,), np.random.default_rng(2))
    counts = binned(z)
    found = fit_outliers(counts, OutlierShare(), learn_share=True, learn_scale=True)

    def objective(share, scale):
        return OutlierShare(share, scale).minus_log_density(z).sum()

    best = objective(found.share, found.scale)
    for factor in (0.9, 1.1):
        assert objective(found.share * factor, found.scale) > best
        assert objective(found.share, found.scale * factor) > best


def test_without_outliers_the_share_is_the_least():
    z = np.random.default_rng(3).normal(size=20_000)
    found = fit_outliers(binned(z), OutlierShare(), learn_share=True, learn_scale=True)
    assert found.share < 10 * LEAST_SHARE
    assert found.scale >= LEAST_SCALE * (1 - 1e-9)


def test_what_is_not_learned_stays():
    z = SOME.draw((5_000,), np.random.default_rng(4))
    first = OutlierShare(0.01, 30.0)
    assert fit_outliers(binned(z), first, learn_share=False, learn_scale=False) == first
    assert fit_outliers(np.zeros(N_BINS), first, learn_share=True, learn_scale=True) == first
    only = fit_outliers(binned(z), first, learn_share=True, learn_scale=False)
    assert only.scale == pytest.approx(30.0)
    assert only.share != pytest.approx(0.01)
