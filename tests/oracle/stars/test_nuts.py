"""NUTS samples the posterior that importance sampling samples."""

import numpy as np
import pytest
from star_quartics import quartics, seeds, starts

from bayescannon.data.flags import PosteriorStatus
from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import BoxLabels, FlatLabels, MixtureLabels
from bayescannon.models.star_labels import label_chunk_model
from bayescannon.stars.importance import PROBABILITIES, sample_labels
from bayescannon.stars.nuts import _factors, _summarise, sample_nuts
from bayescannon.stars.quartic import chi2_derivatives, pseudo_observations

NAMES = ("teff", "logg", "fe_h")


IDENTITY = LabelScaler(NAMES, np.zeros(3), np.ones(3))


PRIORS = {
    "flat": FlatLabels(),
    "mixture": MixtureLabels(
        NAMES, np.array([0.4, 0.6]), np.array([[-1.0, 0, 0], [1, 0.5, 0]]), np.stack([np.eye(3)] * 2)
    ),
    "box": BoxLabels(NAMES[:2], np.array([-1.0, -1.0]), np.array([1.5, 1.5])),
}


@pytest.mark.parametrize("name", PRIORS)
def test_what_nuts_samples_is_this_posterior(name):
    prior = PRIORS[name]
    quartic, _ = quartics(3, 3, sigma=0.2)
    rng = np.random.default_rng(6)
    root, y = pseudo_observations(quartic)
    centre, spread = 0.1 * rng.normal(size=(3, 3)), 0.2 * rng.normal(size=(3, 3, 3))
    model = label_chunk_model(root, y, centre, spread, prior=prior, scaler=IDENTITY)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    (value,) = model.value_vars
    statement, fast = [], []
    for _ in range(4):
        z = 0.3 * rng.normal(size=(3, 3))
        labels = z if name == "box" else centre + np.einsum("nij,nj->ni", spread, z)
        if name == "box":
            lower, upper = np.array([-1.0, -1.0, -1e4]), np.array([1.5, 1.5, 1e4])
            z = np.log((labels - lower) / (upper - labels))
        statement.append(logp({value.name: z}))
        fast.append(-0.5 * chi2_derivatives(quartic, labels, density=prior.density(IDENTITY)).chi2.sum())
    np.testing.assert_allclose(np.diff(statement), np.diff(fast), rtol=1e-6)


@pytest.mark.long
def test_nuts_finds_the_same_posterior():
    prior = PRIORS["mixture"]
    quartic, _ = quartics(3, 12, sigma=0.2)
    found = sample_labels(quartic, starts(3), seeds(12), density=prior.density(IDENTITY), n_draws=20_000)
    nuts = sample_nuts(
        quartic, found, prior=prior, scaler=IDENTITY, n_draws=2000, n_keep=500, seed=1
    )  # fmt: skip
    assert (nuts.status == PosteriorStatus.NUTS).all()
    deviation = np.sqrt(np.diagonal(nuts.covariance, axis1=1, axis2=2))
    # the effective draws know a mean to 1 / sqrt(ess); four times that is allowed to the worst of 36
    assert (np.abs((found.mean - nuts.mean) / deviation) < 4 / np.sqrt(nuts.ess)[:, None]).all()
    np.testing.assert_allclose(np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2)), deviation, rtol=0.1)
    assert nuts.draws.shape == (12, 500, 3)


def test_chains_are_summarised_as_arrays_and_judged_by_r_hat():
    """Draws of the first star are of one distribution; of the second, one chain is elsewhere."""
    rng = np.random.default_rng(3)
    draws = rng.normal(size=(2, 4, 500, 3)) @ np.array([[1.0, 0.5, 0.0], [0.0, 0.8, 0.3], [0.0, 0.0, 0.2]])
    draws[1, 2] += 5.0
    found = _summarise(draws, 100, np.random.default_rng(0))
    assert found.status.tolist() == [PosteriorStatus.NUTS, PosteriorStatus.UNRELIABLE]
    joined = draws.reshape(2, 2000, 3)
    np.testing.assert_allclose(found.mean, joined.mean(axis=1))
    for n in range(2):
        np.testing.assert_allclose(found.covariance[n], np.cov(joined[n].T), rtol=1e-10)
        np.testing.assert_allclose(found.quantiles[n], np.quantile(joined[n], PROBABILITIES, axis=0))
        assert {tuple(row) for row in found.draws[n]} <= {tuple(row) for row in joined[n]}
    assert found.draws.shape == (2, 100, 3)
    assert np.isnan(found.k_hat).all()
    # independent draws are effective, those of chains apart are not
    assert found.ess[0] > 1500 > 100 > found.ess[1]


def test_factors_of_covariances_are_never_singular():
    covariance = np.stack([np.diag([4.0, 1.0, 0.25]), np.ones((3, 3)), np.zeros((3, 3))])
    factors = _factors(covariance)
    np.testing.assert_allclose(factors[0] @ factors[0].T, covariance[0], rtol=1e-12)
    np.testing.assert_allclose(factors[1] @ factors[1].T, covariance[1], atol=1e-5)
    assert (np.linalg.svd(factors, compute_uv=False) > 0).all()
