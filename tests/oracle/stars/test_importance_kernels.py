"""The kernels of importance sampling against SciPy's densities, ArviZ's weights and plain sums."""

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats
from scipy.stats import multivariate_t
from star_quartics import quartics, starts

from bayescannon.models.label_vector import term_pairs
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.importance import star_seeds
from bayescannon.stars.importance_kernels import (
    collect_modes,
    draw_proposal,
    draw_random,
    fill_monomials,
    log_target,
    sample_all,
)
from bayescannon.stars.quartic import chi2_derivatives, minimise
from bayescannon.stars.symmetric import symmetric_places

DOF = 7.0
PROBABILITIES = np.array([0.025, 0.5, 0.975])
MIXTURE = LabelDensity.components(
    np.log([0.4, 0.6]), np.array([[-1.0, 0.0], [1.0, 0.5]]), np.stack([2 * np.eye(2), np.eye(2)])
)
BOX = LabelDensity.box(np.array([-0.5, -np.inf]), np.array([0.8, 1.0]))


@pytest.mark.parametrize("density", [LabelDensity.flat(2), MIXTURE, BOX], ids=["flat", "mixture", "box"])
def test_the_target_is_likelihood_times_prior(density):
    quartic, _ = quartics(2, 1, sigma=0.3)
    points = np.random.default_rng(1).normal(size=(50, 2))
    places = symmetric_places(2)
    found, work, numbers = np.empty(50), (np.empty((3, 16)), np.empty(16)), np.empty(len(places[4]))
    fill_monomials(tuple(part[0] for part in quartic.arrays), term_pairs(2), places, numbers)
    log_target(numbers, places, density.arrays, np.ascontiguousarray(points.T), found, work)
    chi2 = chi2_derivatives(quartic.select(np.zeros(50, dtype=int)), points).chi2
    np.testing.assert_allclose(found, -0.5 * chi2 + density.log_density(points), rtol=1e-10)
    assert np.isinf(found).any() == (density is BOX)


def components():
    rng = np.random.default_rng(2)
    root = np.tril(rng.normal(size=(3, 2, 2)))
    root[:, [0, 1], [0, 1]] = rng.uniform(0.5, 2, size=(3, 2))
    return rng.normal(size=(3, 2)), root, np.array([0.5, 0.3, 0.2])


def test_the_proposal_is_a_mixture_of_student_t():
    mode, root, share = components()
    rng = np.random.default_rng(3)
    noise, stretch = rng.normal(size=(2, 400)), np.sqrt(DOF / rng.chisquare(DOF, 400))
    x, log_proposal = np.empty((2, 400)), np.empty(400)
    draw_proposal((mode, root, share), DOF, (noise, stretch), x, log_proposal, tuple(np.empty((3, 400))))
    # every component has exactly its share of the draws, moved and stretched
    member = np.repeat([0, 1, 2], [200, 120, 80])
    expected = mode[member] + np.einsum("sij,js,s->si", root[member], noise, stretch)
    np.testing.assert_allclose(x.T, expected, rtol=1e-12)
    parts = [multivariate_t(m, r @ r.T, df=DOF).pdf(x.T) for m, r in zip(mode, root, strict=True)]
    density = np.log(share @ np.array(parts))
    np.testing.assert_allclose(log_proposal - log_proposal[0], density - density[0], atol=1e-10)


def collected(quartic, labels, chi2, converged, density):
    n_star, _, k = labels.shape
    proposal = (np.zeros((n_star, 4, k)), np.zeros((n_star, 4, k, k)), np.zeros((n_star, 4)), np.zeros(n_star, int))
    collect_modes(quartic.arrays, term_pairs(k), density.arrays, (labels, chi2, converged), proposal)
    return proposal


def test_modes_are_collected_once_with_their_curvature():
    quartic, _ = quartics(2, 5, sigma=0.2)
    optima = minimise(quartic, starts(2), density=MIXTURE)
    mode, root, share, n_mode = collected(quartic, optima.labels, optima.chi2, optima.converged, MIXTURE)
    assert (n_mode == 1).all()
    best = optima.labels[np.arange(5), optima.chi2.argmin(axis=1)]
    np.testing.assert_allclose(mode[:, 0], best, atol=1e-5)
    assert (share[:, 0] == 1).all()
    hessian = chi2_derivatives(quartic, mode[:, 0], density=MIXTURE).hessian / 2
    np.testing.assert_allclose(root[:, 0] @ root[:, 0].transpose(0, 2, 1), np.linalg.inv(hessian), rtol=1e-8)
    assert (np.triu(root[:, 0], 1) == 0).all()


def test_only_good_modes_count_each_by_its_weight():
    """Of one star's optima: the best twice, one that did not converge, one 3 and one 50 units of chi2 above it."""
    a = np.diag([0.0, 0.0, 1.0])[None]
    quartic, _ = quartics(1, 1, sigma=0.2)
    quartic = type(quartic)(a, np.array([[0.0, 0.0, 9.0]]), np.array([81.0]), np.array([50]))
    labels = np.array([[[3.0], [3.0 + 1e-6], [-3.0], [2.5], [-2.0]]])
    chi2 = np.array([[0.0, 0.0, 3.0, 1.0, 50.0]])
    converged = np.array([[True, True, True, False, True]])
    mode, _, share, n_mode = collected(quartic, labels, chi2, converged, LabelDensity.flat(1))
    assert n_mode[0] == 2
    np.testing.assert_allclose(mode[0, :2, 0], [3.0, -3.0], atol=1e-5)
    # the same curvature, so the heights decide
    np.testing.assert_allclose(share[0, :2], np.array([1.0, np.exp(-1.5)]) / (1 + np.exp(-1.5)), rtol=1e-6)
    chi2[0, 2] = 20.0
    least = collected(quartic, labels, chi2, converged, LabelDensity.flat(1))[2]
    np.testing.assert_allclose(least[0, :2], np.array([1.0, 0.1]) / 1.1, rtol=1e-4)


def test_a_star_without_curvature_has_no_mode():
    quartic, _ = quartics(2, 2, sigma=0.2)
    quartic.a[1] = 0.0
    labels, chi2 = np.zeros((2, 3, 2)), np.zeros((2, 3))
    labels[0] = minimise(quartic.select([0]), starts(2)[:3]).labels[0]
    assert collected(quartic, labels, chi2, np.ones((2, 3), bool), LabelDensity.flat(2))[3].tolist() == [1, 0]


def test_moments_quantiles_and_kept_draws_are_those_of_plain_sums():
    quartic, _ = quartics(2, 3, sigma=0.4)
    optima = minimise(quartic, starts(2), density=MIXTURE)
    proposal = collected(quartic, optima.labels, optima.chi2, optima.converged, MIXTURE)
    n_draw, n_keep = 2000, 500
    seeds = star_seeds(["a", "b", "c"], 4)
    noise, stretch, order = np.empty((3, 2, n_draw)), np.empty((3, n_draw)), np.empty((3, n_keep), dtype=np.int64)
    for n in range(3):
        draw_random(seeds[n], DOF, noise[n], stretch[n], order[n])
    out = (
        np.empty((3, 2)),
        np.empty((3, 2, 2)),
        np.empty((3, 3, 2)),
        np.empty(3),
        np.empty(3),
        np.empty((3, n_keep, 2)),
        np.empty(3),
    )
    sample_all(
        quartic.arrays, (term_pairs(2), symmetric_places(2)), MIXTURE.arrays, proposal, DOF, (seeds, n_draw),
        PROBABILITIES, out,
    )  # fmt: skip
    mean, covariance, quantiles, k_hat, ess, kept, _ = out
    for n in range(3):
        one = [part[n, : proposal[3][n]] for part in proposal[:3]]
        x, log_q = np.empty((2, n_draw)), np.empty(n_draw)
        draw_proposal(tuple(one), DOF, (noise[n], stretch[n]), x, log_q, tuple(np.empty((3, n_draw))))
        chi2 = chi2_derivatives(quartic.select(np.full(n_draw, n)), x.T).chi2
        log_ratio = -0.5 * chi2 + MIXTURE.log_density(x.T) - log_q
        smooth, expected_k = array_stats.psislw(-log_ratio, axis=-1)
        weight = np.exp(smooth - smooth.max())
        weight /= weight.sum()
        assert k_hat[n] == pytest.approx(float(expected_k), abs=1e-8)
        assert ess[n] == pytest.approx(1 / (weight**2).sum(), rel=1e-6)
        np.testing.assert_allclose(mean[n], x @ weight, rtol=1e-6, atol=1e-9)
        away = x - (x @ weight)[:, None]
        np.testing.assert_allclose(covariance[n], away * weight @ away.T, rtol=1e-6, atol=1e-12)
        for k in range(2):
            rank = np.argsort(x[k])
            at = np.searchsorted(weight[rank].cumsum(), PROBABILITIES)
            np.testing.assert_allclose(quantiles[n, :, k], x[k, rank][at], atol=1e-9)
        # as many of the first draws are kept as their summed weights say, to one, however many these are
        number = np.array([np.isclose(kept[n, :, 0], value, rtol=0, atol=1e-12).sum() for value in x[0]])
        assert number.sum() == n_keep
        assert np.abs(number.cumsum() - n_keep * weight.cumsum()).max() <= 1 + 1e-6


def test_random_numbers_have_their_distributions_and_are_of_the_seed():
    noise, stretch, order = np.empty((5, 200_000)), np.empty(200_000), np.empty(300, dtype=np.int64)
    seed = star_seeds(["a"], 1)[0]
    point = draw_random(seed, DOF, noise, stretch, order)
    for row in noise:
        assert stats.kstest(row, "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(noise) - np.eye(5)).max() < 0.01
    chi2 = DOF / stretch**2
    assert stats.kstest(chi2, stats.chi2(DOF).cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(np.vstack([noise**2, chi2]))[-1, :5]).max() < 0.01
    assert sorted(order.tolist()) == list(range(300))
    assert abs(np.corrcoef(order, np.arange(300))[0, 1]) < 0.2
    assert 0 < point < 1
    again, other = (np.empty((5, 200_000)) for _ in range(2))
    assert draw_random(seed, DOF, again, stretch, order) == point
    assert np.array_equal(again, noise)
    draw_random(seed + np.uint64(1), DOF, other, stretch, order)
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.01
