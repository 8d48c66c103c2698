"""Posteriors by importance sampling against grids, against NUTS, and their weights against ArviZ's."""

import numpy as np
import pytest
from star_quartics import folded_quartics, quartics, seeds, starts

from bayescannon.data.flags import PosteriorStatus
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.importance import PROBABILITIES, sample_labels
from bayescannon.stars.quartic import Quartic, chi2_derivatives, minimise


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


@pytest.mark.parametrize("name", ["box", *(pytest.param(name, marks=pytest.mark.long) for name in ("flat", "mixture"))])
def test_evidence_is_the_integral_over_a_grid(name):
    quartic, _ = quartics(2, 3, sigma=0.4)
    density = DENSITIES[name]
    found = sample_labels(quartic, starts(2), seeds(3), density=density, n_draws=20_000)
    size = 1201
    for n in range(3):
        width = 10 * np.sqrt(np.diag(found.covariance[n]))
        axes = [np.linspace(found.mean[n, k] - width[k], found.mean[n, k] + width[k], size) for k in range(2)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        chi2 = chi2_derivatives(quartic.select(np.full(len(points), n)), points).chi2
        log_p = -0.5 * chi2 + density.log_density(points)
        cell = np.prod([axis[1] - axis[0] for axis in axes])
        expected = log_p.max() + np.log(np.exp(log_p - log_p.max()).sum() * cell)
        assert found.log_evidence[n] == pytest.approx(expected, abs=0.05)


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


def test_a_mode_that_no_start_leads_to_gets_its_share():
    """All starts of these stars lead to the best of two modes, of which the other is less than 2 above it in chi2."""
    many = np.random.default_rng(7).normal(size=(60, 2))
    quartic = folded_quartics(2, 300, sigma=0.3)
    optima = minimise(quartic, many)
    rise = optima.chi2 - optima.chi2.min(axis=1, keepdims=True)
    minima = [np.unique(optima.labels[n].round(2), axis=0) for n in range(300)]
    second = np.where(rise > 0.01, rise, np.inf).min(axis=1)
    stars = [n for n in range(300) if len(minima[n]) == 2 and second[n] < 2][:8]
    assert len(stars) == 8
    for n in stars:
        star, best = quartic.select([n]), optima.labels[n, rise[n].argmin()]
        near = best + 0.01 * many[:7]
        assert (np.abs(minimise(star, near).labels - best) < 0.001).all()
        found = sample_labels(star, near, seeds(1), n_draws=20_000)
        mean, covariance, _ = on_a_grid(star, LabelDensity.flat(2), -5, 5, 301)
        deviation = np.sqrt(np.diag(covariance))
        assert found.n_modes[0] == 2
        assert (np.abs(found.mean[0] - mean) < 0.05 * deviation).all()
        np.testing.assert_allclose(np.sqrt(np.diag(found.covariance[0])), deviation, rtol=0.05)


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
