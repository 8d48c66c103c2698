"""The population of true labels and the affine maps of labels."""

import numpy as np
import pytest
from latent_survey import survey
from scipy import stats

from bayescannon.pixels.label_population import (
    AffineMap,
    LabelPopulation,
    ReferenceErrorError,
    regress_reported,
)


def test_regression_of_reported_labels_undoes_a_map():
    truth, observed, variance, *_ = survey(n_star=4000)
    wrong = AffineMap(np.array([[2.0, 0.3], [-0.4, 0.7]]), np.array([0.5, -1.0]))
    moved, _ = wrong.apply(truth, np.zeros((4000, 2, 2)))
    back = regress_reported(moved, np.zeros((4000, 2, 2)), observed, variance)
    again, _ = back.apply(moved, np.zeros((4000, 2, 2)))
    np.testing.assert_allclose(again, truth, atol=0.05)


def test_population_of_reported_labels_has_their_errors_taken_out():
    truth, observed, variance, *_ = survey(n_star=20_000, error=0.5)
    found = LabelPopulation.of_reported(observed, variance)
    np.testing.assert_allclose(found.mean, truth.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(found.covariance, np.cov(truth.T), atol=0.05)
    assert (np.diag(np.cov(observed.T)) > np.diag(found.covariance) + 0.2).all()


def test_population_of_latent_labels_adds_their_covariances():
    rng = np.random.default_rng(1)
    mean, root = rng.normal(size=(30, 2)), rng.normal(size=(30, 2, 2))
    covariance = root @ root.transpose(0, 2, 1)
    found = LabelPopulation.of_latent(mean, covariance)
    np.testing.assert_allclose(found.mean, mean.mean(axis=0))
    np.testing.assert_allclose(found.covariance, np.cov(mean.T, bias=True) + covariance.mean(axis=0), rtol=1e-5)


def test_true_labels_given_reported_ones_are_those_of_the_joint_gaussian():
    population = LabelPopulation(np.array([0.1, -0.3]), np.array([[1.0, 0.5], [0.5, 0.8]]))
    rng = np.random.default_rng(2)
    observed, variance = rng.normal(size=(5, 2)), rng.uniform(0.05, 0.5, size=(5, 2))
    mean, precision, log_density = population.given_reported(observed, variance)
    for n in range(5):
        total = population.covariance + np.diag(variance[n])
        gain = population.covariance @ np.linalg.inv(total)
        np.testing.assert_allclose(mean[n], population.mean + gain @ (observed[n] - population.mean))
        np.testing.assert_allclose(np.linalg.inv(precision[n]), population.covariance - gain @ population.covariance)
        expected = stats.multivariate_normal(population.mean, total).logpdf(observed[n])
        assert log_density[n] == pytest.approx(expected, rel=1e-12)


def test_uncertain_labels_shrink_the_regression_as_they_should():
    """The map maximises the expected likelihood: no map near it does better."""
    rng = np.random.default_rng(3)
    mean, covariance = rng.normal(size=(200, 2)), np.tile([[0.2, 0.05], [0.05, 0.1]], (200, 1, 1))
    observed, variance = mean @ np.array([[1.2, 0.1], [-0.2, 0.8]]) + 0.3, rng.uniform(0.1, 0.3, size=(200, 2))

    def expected(affine):
        moved, spread = affine.apply(mean, covariance)
        return -0.5 * (((observed - moved) ** 2 + np.diagonal(spread, axis1=1, axis2=2)) / variance).sum()

    best = regress_reported(mean, covariance, observed, variance)
    for _ in range(20):
        step = AffineMap(best.matrix + 0.01 * rng.normal(size=(2, 2)), best.offset + 0.01 * rng.normal(size=2))
        assert expected(step) < expected(best)


def test_errors_as_large_as_the_spread_are_refused():
    _, observed, variance, *_ = survey()
    variance[:, 1] = 9.0
    with pytest.raises(ReferenceErrorError, match=r"the error of label number 1 is \d\.\d\d of its spread"):
        LabelPopulation.of_reported(observed, variance)


def test_errors_that_are_to_be_fitted_leave_the_labels_a_spread():
    rng = np.random.default_rng(3)
    # two labels that go together: errors of 0.4 of each one's spread are larger than the spread across
    observed = rng.normal(size=(400, 1)) + 0.2 * rng.normal(size=(400, 2))
    variance = np.full_like(observed, 0.16)
    with pytest.raises(ReferenceErrorError, match=r"is 0\.\d\d of its spread, and labels that go together have less"):
        LabelPopulation.of_reported(observed, variance)
    covariance = np.cov(observed.T, bias=True)
    found = LabelPopulation.of_reported(observed, variance, to_fit=True).covariance
    across, along = np.array([1, -1]) / np.sqrt(2), np.array([1, 1]) / np.sqrt(2)
    assert across @ found @ across == pytest.approx(0.2 * across @ covariance @ across, rel=0.02)
    assert along @ found @ along == pytest.approx(along @ covariance @ along - 0.16, rel=0.02)
    small = np.full_like(observed, 0.01)
    usual, same = (
        LabelPopulation.of_reported(observed, small),
        LabelPopulation.of_reported(observed, small, to_fit=True),
    )
    np.testing.assert_array_equal(same.covariance, usual.covariance)
