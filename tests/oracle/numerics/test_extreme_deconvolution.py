"""Mixtures behind measured labels: against dense formulas and known truth."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from bayescannon.numerics.extreme_deconvolution import Mixture, choose_mixture, fit_mixture

TRUTH = Mixture(
    np.array([0.3, 0.7]),
    np.array([[-1.5, 0.5], [1.0, 0.0]]),
    np.array([[[0.2, 0.1], [0.1, 0.3]], [[0.5, -0.2], [-0.2, 0.2]]]),
)


def draw(n_star, deviation, seed=0, weight=TRUTH.weight):
    rng = np.random.default_rng(seed)
    member = rng.random(n_star) < weight[0]
    root = np.linalg.cholesky(TRUTH.covariance)
    x = np.where(member[:, None], TRUTH.mean[0], TRUTH.mean[1])
    x = x + np.einsum("nij,nj->ni", root[np.where(member, 0, 1)], rng.normal(size=(n_star, 2)))
    errors = deviation * np.exp(0.3 * rng.normal(size=(n_star, 2)))
    return x + errors * rng.normal(size=(n_star, 2)), errors**2


def test_log_likelihood_is_the_dense_formula():
    values, variance = draw(20, 0.5)
    expected = [
        np.log(
            sum(
                w * multivariate_normal(m, c + np.diag(v)).pdf(x)
                for w, m, c in zip(TRUTH.weight, TRUTH.mean, TRUTH.covariance, strict=True)
            )
        )
        for x, v in zip(values, variance, strict=True)
    ]
    np.testing.assert_allclose(TRUTH.log_likelihood(values, variance), expected, rtol=1e-10)


def test_one_component_without_errors_is_the_sample_mean_and_covariance():
    values, _ = draw(300, 0.0)
    found = fit_mixture(values, np.zeros_like(values), 1)
    np.testing.assert_allclose(found.mean[0], values.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found.covariance[0], np.cov(values.T, bias=True), rtol=1e-3)


@pytest.mark.parametrize("deviation", [0.1, 0.6])
def test_the_truth_behind_the_errors_is_found(deviation):
    values, variance = draw(6000, deviation)
    found = fit_mixture(values, variance, 2)
    order = np.argsort(found.mean[:, 0])
    np.testing.assert_allclose(found.weight[order], TRUTH.weight, atol=0.04)
    np.testing.assert_allclose(found.mean[order], TRUTH.mean, atol=0.1)
    np.testing.assert_allclose(found.covariance[order], TRUTH.covariance, atol=0.08)
    # every round raises the likelihood, and no point near by is better
    best = found.log_likelihood(values, variance).sum()
    assert best >= TRUTH.log_likelihood(values, variance).sum() - 1


def test_held_out_likelihood_chooses_the_number_of_components():
    values, variance = draw(1500, 0.2)
    assert len(choose_mixture(values, variance, (1, 2, 3, 4)).weight) in (2, 3)
    rng = np.random.default_rng(1)
    assert len(choose_mixture(rng.normal(size=(400, 2)), np.zeros((400, 2)), (1, 2, 4)).weight) == 1


def test_few_duplicated_and_collinear_labels_give_a_proper_mixture():
    values, variance = draw(30, 0.1)
    copies = np.repeat(values[:10], 3, axis=0)
    collinear = np.column_stack([values[:, 0], 2 * values[:, 0]])
    for one in (values, copies, collinear):
        found = choose_mixture(one, variance * 0, (1, 2, 3))
        assert (np.linalg.eigvalsh(found.covariance) > 0).all()
        assert found.weight.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "n_components", "message"),
    [
        (np.full((30, 2), np.nan), 1, "must be finite"),
        (np.random.default_rng(0).normal(size=(10, 2)), 3, "need at least 18 stars; got 10"),
        (np.ones((30, 2)), 1, "is the same for all"),
    ],
)
def test_what_cannot_be_fitted_is_refused(values, n_components, message):
    with pytest.raises(ValueError, match=message):
        fit_mixture(values, np.zeros_like(values), n_components)
