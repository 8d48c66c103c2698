"""The profile after a small change of s^2 against a new fit there."""

import numpy as np
import pytest

from bayescannon.models.label_vector import label_vector
from bayescannon.pixels.block import LabelMoments, PixelBlock
from bayescannon.pixels.prior import PixelPrior


@pytest.fixture(scope="module")
def block():
    rng = np.random.default_rng(4)
    vectors = label_vector(rng.normal(size=(300, 2)))
    sigma = 0.01 * np.exp(rng.normal(0, 0.5, size=(300, 5)))
    flux = 1 + 0.02 * vectors[:, [1]] + np.hypot(sigma, 0.015) * rng.normal(size=sigma.shape)
    return PixelBlock(LabelMoments.known(vectors), flux, sigma**-2.0, PixelPrior.flat(5, 6), marginal=False)


def test_a_moved_profile_is_that_of_a_fit_there(block):
    s2, change = np.full(5, 2e-4), np.full(5, 2e-6)
    here, there = (block.fit(x, objective=True) for x in (s2, s2 + change))
    bend = (there.slope - here.slope) / change
    moved = here.moved(change, bend)
    np.testing.assert_allclose(moved.objective, there.objective, rtol=0, atol=1e-6)
    np.testing.assert_allclose(moved.gradient, there.gradient, atol=3e-4 * np.abs(here.slope * change).max())
    np.testing.assert_allclose(moved.chi2, there.chi2, rtol=2e-4)
    np.testing.assert_allclose(moved.theta, there.theta, atol=1e-7)
    # without the bend the gradient is off by its second order
    assert np.abs(here.moved(change).gradient - there.gradient).min() > 10 * np.abs(
        moved.gradient - there.gradient
    ).max()  # fmt: skip


def test_profiles_are_put_together_from_those_of_some_pixels(block):
    whole = block.fit(np.full(5, 1e-4), objective=True)
    other = block.select(np.array([1, 3])).fit(np.full(2, 3e-4), objective=True)
    whole.put(np.array([1, 3]), other)
    np.testing.assert_array_equal(whole.select(np.array([1, 3])).theta, other.theta)
    assert whole.objective[1] == other.objective[0]
