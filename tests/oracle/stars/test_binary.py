"""The evidence of pairs against integrals by many draws; what is integrated is tested with the kernels."""

import numpy as np
import pytest
from scipy.special import logsumexp
from star_pairs import DENSITY, SCALER, SEQUENCE, Stars, pair_vectors

from bayescannon.models.label_vector import label_vector
from bayescannon.models.main_sequence import LEAST_RATIO
from bayescannon.stars.binary import pair_evidence


def evidence(stars, **options):
    return pair_evidence(stars.quartic, stars.start, SEQUENCE, SCALER, density=DENSITY, **options)


def on_a_grid(stars, n, found):
    """ln of the integrals of a star as a pair and as a single one, by draws of a wide Gaussian around the posterior."""
    rng = np.random.default_rng(n)
    a, b, c = (x[n] for x in stars.quartic.arrays)
    n_draw = 200_000
    centre, width = found.first[n], 2.0 * np.maximum(found.first_error[n], 0.02)
    noise = rng.normal(size=(n_draw, 3))
    first = centre + width * noise
    log_draw = -0.5 * (noise**2).sum(axis=1) - np.log(width).sum() - 1.5 * np.log(2 * np.pi)
    prior = DENSITY.log_density(first)
    q, rho = rng.uniform(LEAST_RATIO, 1, n_draw), rng.normal(size=n_draw)
    result = []
    for vectors in (pair_vectors(first, q, rho)[0], label_vector(first)):
        u = vectors.copy()
        u[:, 0] = 0.0
        chi2 = c - 2 * u @ b + np.einsum("sm,mn,sn->s", u, a, u)
        log_weight = -0.5 * chi2 + prior - log_draw
        weight = np.exp(log_weight - log_weight.max())
        error = weight.std() / weight.mean() / np.sqrt(n_draw)
        result.append((logsumexp(log_weight) - np.log(n_draw), error))
    return result


def test_evidences_are_the_integrals():
    stars = Stars(5, pairs=0.5, sigma=0.05, seed=2)
    found = evidence(stars)
    for n in range(5):
        (pair, pair_error), (single, single_error) = on_a_grid(stars, n, found)
        expected, error = pair - single, np.hypot(pair_error, single_error)
        assert error < 0.05
        # the constant of both is the same: ln Z of the kernel lacks the factors of rho's density
        assert found.log_ratio[n] == pytest.approx(expected, abs=4 * error + 0.06)


def test_equal_stars_cannot_be_told_from_one():
    stars = Stars(30, pairs=0.5, sigma=0.02, seed=3)
    found = evidence(stars, least_ratio=1 - 1e-9)
    np.testing.assert_allclose(found.log_ratio, 0.0, atol=0.1)
    np.testing.assert_allclose(found.probability(0.3), 0.3, atol=0.02)


def test_a_power_of_zero_leaves_the_prior_share():
    found = evidence(Stars(5, pairs=1.0), power=0.0)
    np.testing.assert_allclose(found.probability(0.25), 0.25, atol=0.02)


def test_a_star_is_the_same_in_every_selection_and_nan_stays_nan():
    stars = Stars(6, seed=4)
    stars.start[2] = np.nan
    found = evidence(stars)
    alone = pair_evidence(stars.quartic.select([4]), stars.start[[4]], SEQUENCE, SCALER, density=DENSITY, workers=1)
    assert alone.log_ratio[0] == found.log_ratio[4]
    assert np.isnan(found.log_ratio[2])
    assert np.isnan(found.first[2]).all()
    assert np.isfinite(np.delete(found.log_ratio, 2)).all()
