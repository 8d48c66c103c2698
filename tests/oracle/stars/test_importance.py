"""Posteriors by importance sampling against grids, against NUTS, and their weights against ArviZ's."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayescannon.data.flags import PosteriorStatus
from bayescannon.data.labels import LabelScaler
from bayescannon.models.label_priors import BoxLabels, FlatLabels, MixtureLabels
from bayescannon.models.label_vector import label_vector
from bayescannon.models.star_labels import label_chunk_model
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.numerics.pareto import smooth_weights, weighted_quantiles
from bayescannon.stars.importance import PROBABILITIES, sample_labels, star_seeds
from bayescannon.stars.nuts import sample_nuts
from bayescannon.stars.quartic import Quartic, chi2_derivatives, compress, pseudo_observations

NAMES = ("teff", "logg", "fe_h")
IDENTITY = LabelScaler(NAMES, np.zeros(3), np.ones(3))


def quartics(n_label, n_star=8, *, sigma, n_pixel=60, seed=0):
    """Quartics of simulated stars, and the labels they were simulated with."""
    model = np.random.default_rng(11)
    n_term = 1 + n_label + n_label * (n_label + 1) // 2
    theta = 0.1 * model.normal(size=(n_pixel, n_term))
    theta[:, 1 + n_label :] *= 0.4
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n_star, n_label))
    flux = label_vector(labels) @ theta.T + sigma * rng.normal(size=(n_star, n_pixel))
    return compress(theta, np.zeros(n_pixel), flux, np.full(flux.shape, sigma**-2)), labels


def seeds(n_star):
    return star_seeds([f"star {n}" for n in range(n_star)], 0)


def starts(n_label):
    return np.random.default_rng(5).normal(size=(7, n_label))


def on_a_grid(quartic, density, low, high, size):
    """Mean, covariance and quantiles of one star of two labels, by brute force."""
    axis = np.linspace(low, high, size)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    chi2 = chi2_derivatives(quartic.select(np.zeros(len(points), dtype=int)), points).chi2
    log_p = -0.5 * chi2 + density.log_density(points)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    mean = p @ points
    covariance = (points - mean).T @ (p[:, None] * (points - mean))
    sums = [p.reshape(size, size).sum(axis=1 - k).cumsum() for k in range(2)]
    quantiles = [[axis[np.searchsorted(total, q)] for total in sums] for q in PROBABILITIES]
    return mean, covariance, np.array(quantiles)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_smoothed_weights_are_those_of_arviz(scale):
    log_ratio = scale * np.random.default_rng(0).standard_t(5, size=(12, 1000))
    expected, k_hat = array_stats.psislw(-log_ratio, axis=-1)
    for n in range(12):
        weight = np.empty(1000)
        assert smooth_weights(log_ratio[n], weight) == pytest.approx(k_hat[n], abs=1e-10)
        share = np.exp(expected[n] - expected[n].max())
        np.testing.assert_allclose(weight, share / share.sum(), rtol=1e-9)


def test_weights_of_a_perfect_and_of_a_hopeless_proposal():
    weight = np.empty(400)
    assert smooth_weights(np.zeros(400), weight) == 0
    np.testing.assert_allclose(weight, 1 / 400)
    nearly_none = np.full(400, -np.inf)
    nearly_none[3] = 0.0
    assert smooth_weights(nearly_none, weight) == np.inf
    assert smooth_weights(np.full(400, -np.inf), weight) == np.inf
    assert (weight == 0).all()


def test_weighted_quantiles_are_those_of_sorting():
    rng = np.random.default_rng(3)
    values, weight = rng.standard_t(2, size=1000), rng.exponential(size=1000)
    weight /= weight.sum()
    probabilities = np.array([0.01, 0.3, 0.5, 0.99])
    result = np.empty(4)
    weighted_quantiles(values, weight, probabilities, result)
    order = np.argsort(values)
    expected = values[order][np.searchsorted(weight[order].cumsum(), probabilities)]
    np.testing.assert_array_equal(result, expected)


DENSITIES = {
    "flat": LabelDensity.flat(2),
    "box": LabelDensity.box(np.array([-0.5, -np.inf]), np.array([0.8, 1.0])),
    "mixture": LabelDensity.components(
        np.log([0.5, 0.5]), np.array([[-1.0, 0.0], [1.0, 1.0]]), np.stack([4 * np.eye(2), np.eye(2)])
    ),
}


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.parametrize("sigma", [0.05, 0.4])
def test_posterior_is_that_of_a_grid(name, sigma):
    quartic, _ = quartics(2, 3, sigma=sigma)
    density = DENSITIES[name]
    found = sample_labels(quartic, starts(2), seeds(3), density=density, n_draws=20_000)
    assert (found.k_hat < 0.7).all()
    for n in range(3):
        centre, width = found.mean[n], 8 * np.sqrt(np.diag(found.covariance[n]).max())
        mean, covariance, quantiles = on_a_grid(
            quartic.select([n]), density, (centre - width).min(), (centre + width).max(), 901
        )
        deviation = np.sqrt(np.diag(covariance))
        assert (np.abs(found.mean[n] - mean) < 0.05 * deviation).all()
        np.testing.assert_allclose(np.sqrt(np.diag(found.covariance[n])), deviation, rtol=0.05)
        assert (np.abs(found.quantiles[n] - quantiles) < 0.12 * deviation).all()


def double_well(separation):
    """A star of one label whose only pixel sees the label's square: two modes at +-separation."""
    a = np.zeros((1, 3, 3))
    a[0, 2, 2] = 1.0
    b = np.array([[0.0, 0.15, separation**2]])
    return Quartic(a, b, np.array([separation**4]), np.array([50]))


@pytest.mark.parametrize("separation", [1.2, 3.0, 6.0])
def test_both_modes_get_their_shares(separation):
    quartic = double_well(separation)
    found = sample_labels(quartic, np.linspace(-8, 8, 7)[:, None], seeds(1), n_draws=20_000)
    axis = np.linspace(-12, 12, 200_001)
    p = np.exp(-0.5 * (chi2_derivatives(quartic.select(np.zeros(len(axis), dtype=int)), axis[:, None]).chi2))
    p /= p.sum()
    mean = p @ axis
    deviation = np.sqrt(p @ (axis - mean) ** 2)
    assert found.n_modes[0] == 2
    assert found.k_hat[0] < 0.7
    assert found.mean[0, 0] == pytest.approx(mean, abs=0.05 * deviation)
    assert np.sqrt(found.covariance[0, 0, 0]) == pytest.approx(deviation, rel=0.05)


def test_draws_are_kept_in_proportion_and_belong_to_the_star():
    quartic, _ = quartics(3, 20, sigma=0.2)
    found = sample_labels(quartic, starts(3), seeds(20), n_draws=4000, n_keep=2000)
    deviation = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
    assert (np.abs(found.draws.mean(axis=1) - found.mean) < 0.06 * deviation).all()
    np.testing.assert_allclose(found.draws.std(axis=1), deviation, rtol=0.06)
    # in random order: halves agree
    halves = found.draws[:, :1000].mean(axis=1) - found.draws[:, 1000:].mean(axis=1)
    assert (np.abs(halves) < 0.25 * deviation).all()
    alone = sample_labels(quartic.select([7]), starts(3), seeds(20)[7:8], n_draws=4000, n_keep=2000, workers=1)
    np.testing.assert_array_equal(alone.draws[0], found.draws[7])
    np.testing.assert_array_equal(alone.quantiles[0], found.quantiles[7])


def test_a_poor_proposal_is_refitted():
    quartic, _ = quartics(3, 300, sigma=2.0)
    density = LabelDensity.components(np.zeros(1), np.zeros((1, 3)), np.eye(3)[None] / 9)
    found = sample_labels(quartic, starts(3), seeds(300), density=density, n_draws=1000)
    counts = np.bincount(found.status, minlength=4)
    assert counts[PosteriorStatus.ADAPTED] > 0
    assert counts[PosteriorStatus.UNRELIABLE] < counts[PosteriorStatus.ADAPTED]
    assert (found.k_hat[found.status == PosteriorStatus.ADAPTED] < 0.7).all()
    adapted = np.flatnonzero(found.status == PosteriorStatus.ADAPTED)
    fine = sample_labels(quartic.select(adapted), starts(3), seeds(300)[adapted], density=density, n_draws=30_000)
    deviation = np.sqrt(np.diagonal(fine.covariance, axis1=1, axis2=2))
    assert np.sqrt((((found.mean[adapted] - fine.mean) / deviation) ** 2).mean()) < 0.12


def test_what_has_no_posterior_says_so():
    quartic, _ = quartics(3, 4, sigma=0.2)
    quartic.a[1], quartic.b[1], quartic.n_live[1] = 0.0, 0.0, 0
    found = sample_labels(quartic, starts(3), seeds(4), n_draws=1000)
    assert found.status.tolist() == [0, PosteriorStatus.NO_POSTERIOR, 0, 0]
    assert np.isnan(found.mean[1]).all()
    assert np.isnan(found.quantiles[1]).all()
    proper = LabelDensity.components(np.zeros(1), np.full((1, 3), 0.5), 4 * np.eye(3)[None])
    under = sample_labels(quartic, starts(3), seeds(4), density=proper, n_draws=20_000)
    assert under.status[1] == PosteriorStatus.SAMPLED
    np.testing.assert_allclose(under.mean[1], 0.5, atol=0.02)
    np.testing.assert_allclose(under.covariance[1], np.eye(3) / 4, atol=0.02)


def test_wrong_numbers_of_draws_are_refused():
    quartic, _ = quartics(3, 1, sigma=0.2)
    with pytest.raises(ValueError, match="n_draws must be at least 100"):
        sample_labels(quartic, starts(3), seeds(1), n_draws=50)
    with pytest.raises(ValueError, match="n_keep from 0 to n_draws"):
        sample_labels(quartic, starts(3), seeds(1), n_draws=1000, n_keep=2000)


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
