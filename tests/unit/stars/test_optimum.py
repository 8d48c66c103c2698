"""The best of several optima, star by star."""

import numpy as np
import pytest

from bayescannon.data.flags import FitStatus
from bayescannon.models.label_vector import label_vector, n_terms
from bayescannon.numerics.label_density import LabelDensity
from bayescannon.stars.modes import find_modes
from bayescannon.stars.optimum import LabelOptimum, best_optimum, find_labels, prior_dominates
from bayescannon.stars.quartic import compress, minimise

N_STAR, N_PIXEL = 12, 60


@pytest.fixture(scope="module")
def quartic():
    rng = np.random.default_rng(1)
    theta = 0.1 * rng.normal(size=(N_PIXEL, n_terms(2)))
    flux = label_vector(rng.normal(size=(N_STAR, 2))) @ theta.T + 0.01 * rng.normal(size=(N_STAR, N_PIXEL))
    ivar = np.full(flux.shape, 1e4)
    ivar[3, 2:] = 0  # as many live pixels as labels
    return compress(theta, np.zeros(N_PIXEL), flux, ivar)


STARTS = np.random.default_rng(2).normal(size=(5, 2))


def test_the_best_start_counts_and_the_others_are_compared_with_it(quartic):
    optima = minimise(quartic, STARTS)
    found = best_optimum(quartic, optima)
    good = found.converged
    assert good.sum() == N_STAR - 1
    assert found.status[3] == FitStatus.FEW_PIXELS
    stars = np.arange(N_STAR)
    best = optima.labels[stars, optima.chi2.argmin(axis=1)]
    np.testing.assert_array_equal(found.scaled[good], best[good])
    np.testing.assert_allclose(found.chi2[good], optima.chi2.min(axis=1)[good], rtol=1e-9)
    near = np.abs(optima.labels - best[:, None]).max(axis=2) < 1e-5
    np.testing.assert_array_equal(found.agreeing_starts[good], near.sum(axis=1)[good])
    np.testing.assert_allclose(
        found.formal[good] ** 2, np.diagonal(found.covariance, axis1=1, axis2=2)[good], rtol=1e-12
    )
    for lost in (found.scaled, found.covariance, found.chi2, found.formal):
        assert np.isnan(lost[3]).all()
    searched, again = best_optimum(quartic, find_modes(quartic, STARTS)), find_labels(quartic, STARTS)
    np.testing.assert_allclose(searched.scaled[good], best[good], atol=1e-6)
    for name in ("scaled", "covariance", "chi2", "status", "rivals", "live_pixels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(searched, name))


@pytest.mark.parametrize("index", [slice(2, 6), np.array([3, 0]), np.arange(N_STAR) > 8], ids=["slice", "rows", "mask"])
def test_stars_are_selected(quartic, index):
    found = find_labels(quartic, STARTS)
    some = found.select(index)
    assert isinstance(some, LabelOptimum)
    assert len(some) == len(np.arange(N_STAR)[index])
    alone = find_labels(quartic.select(index), STARTS)
    for name in ("scaled", "covariance", "chi2", "agreeing_starts", "status"):
        np.testing.assert_array_equal(getattr(some, name), getattr(alone, name))


def test_a_narrow_prior_dominates_and_a_wide_one_does_not(quartic):
    alone = find_labels(quartic, STARTS)

    def under(width):
        density = LabelDensity.components(np.zeros(1), np.zeros((1, 2)), np.eye(2)[None] / width**2)
        return prior_dominates(find_labels(quartic, STARTS, density=density), alone)

    live = np.arange(N_STAR) != 3
    assert under(1e-3)[live].all()
    assert not under(1e3)[live].any()
    assert not prior_dominates(alone, alone).any()
