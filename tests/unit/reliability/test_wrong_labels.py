"""Wrong labels told from right ones: the mixture, and how the errors of a star's labels go together."""

import numpy as np
import pytest
from scipy import stats

from bayescannon.reliability.wrong_labels import log_dependence, log_population, right_probability


def test_the_fraction_of_a_known_mixture_is_found():
    rng = np.random.default_rng(1)
    wrong = rng.random(20_000) < 0.05
    x = np.where(wrong, rng.normal(0, 10, len(wrong)), rng.normal(0, 1, len(wrong)))
    right = right_probability(stats.norm.logpdf(x), stats.norm.logpdf(x, 0, 10))
    assert (1 - right).mean() == pytest.approx(0.05, abs=0.005)
    # by Bayes' theorem with the true fraction
    truth = 0.95 * stats.norm.pdf(x) / (0.95 * stats.norm.pdf(x) + 0.05 * stats.norm.pdf(x, 0, 10))
    np.testing.assert_allclose(right, truth, atol=0.03)


def test_impossible_densities_decide_without_a_warning():
    right = right_probability(np.array([0.0, -1e6, -np.inf]), np.array([-1e6, 0.0, 0.0]))
    np.testing.assert_allclose(right, [1, 0, 0], atol=1e-12)


def test_population_is_the_gaussian_with_the_labels_moments():
    labels = np.random.default_rng(2).normal(size=(50, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0.2, 2.0]])
    expected = stats.multivariate_normal(labels.mean(axis=0), np.cov(labels.T, bias=True)).logpdf(labels)
    np.testing.assert_allclose(log_population(labels), expected, rtol=1e-10)


def correlated(n_star, seed):
    """Probabilities of the t copula of 10 degrees of freedom with a correlation of 0.8."""
    joint = stats.multivariate_t(shape=[[1.0, 0.8], [0.8, 1.0]], df=10, seed=np.random.default_rng(seed))
    return stats.t.cdf(joint.rvs(n_star), 10)


def test_dependence_is_a_density_on_the_unit_square():
    """Its integral is one, with the correlation of other stars; the grid itself has no weight."""
    grid = (np.arange(300) + 0.5) / 300
    square = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    known = correlated(4000, seed=3)
    weight = np.concatenate([np.ones(len(known)), np.zeros(len(square))])
    density = np.exp(log_dependence(np.concatenate([known, square]), weight))[len(known) :]
    # midpoints miss a little of the peaks in the corners
    assert density.mean() == pytest.approx(1, abs=0.01)


def test_dependence_is_that_of_the_joint_distribution():
    below = correlated(20_000, seed=4)
    quantile = stats.t.ppf(below, 10)
    joint = stats.multivariate_t(shape=[[1.0, 0.8], [0.8, 1.0]], df=10).logpdf(quantile)
    expected = joint - stats.t.logpdf(quantile, 10).sum(axis=1)
    found = log_dependence(below, np.ones(len(below)))
    assert np.abs(found - expected).mean() < 0.05
    assert found.mean() == pytest.approx(expected.mean(), abs=0.05)


def test_probabilities_of_nought_and_one_are_finite_and_one_label_has_no_dependence():
    below = np.random.default_rng(5).random((100, 2))
    below[:4] = [[0, 0], [1, 1], [0, 1], [1e-300, 0.5]]
    assert np.isfinite(log_dependence(below, np.ones(100))).all()
    np.testing.assert_allclose(log_dependence(below[:, :1], np.ones(100)), 0, atol=1e-9)


def test_the_labels_of_a_star_are_right_or_wrong_for_all_of_its_spectra():
    """One bad spectrum of three leaves the labels right; labels that all spectra deny are wrong, and count once."""
    own, other, star = np.array([0.0, 0, -50, -50, -50, -50, 0]), np.full(7, -5.0), np.array([0, 0, 0, 1, 1, 1, 2])
    right = right_probability(own, other, star)
    assert (right[:3] > 0.99).all()
    assert (right[3:6] < 0.01).all()
    np.testing.assert_allclose(right[[0, 3, 6]], right_probability(np.array([0.0, -50, 0]), np.full(3, -5.0)))
