import numpy as np
import toy
from expect import expect_scatter

from bayescannon.uncertainty.repeats import repeat_errors


def test_errors_are_the_spread_within_stars():
    labels = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 1.0], [np.nan, np.nan], [0.0, 0.0], [2.0, 2.0], [4.0, 1.0]])
    group = np.array([0, 0, 1, 1, 2, 2, 2])
    found = repeat_errors(labels, group)
    assert found.n_spectra.tolist() == [2, 2, 1, 0, 3, 3, 3]
    np.testing.assert_allclose(found.error[0], [np.sqrt(2), 0])
    assert np.isnan(found.error[2:4]).all()
    np.testing.assert_allclose(found.error[5], labels[4:].std(axis=0, ddof=1))
    np.testing.assert_allclose(found.mean[4], [2, 1])
    np.testing.assert_allclose(found.mean[2], [5, 1])
    np.testing.assert_allclose(found.pooled, np.sqrt([(2 + 8) / 3, 2 / 3]))
    assert np.isnan(repeat_errors(labels[:1], group[:1]).pooled).all()
    assert repeat_errors(labels[:0], group[:0]).error.shape == (0, 2)


def test_the_pooled_error_is_that_of_the_draws():
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(400), rng.integers(1, 5, size=400))
    truth = toy.toy_labels(400)[group]
    labels = truth + rng.normal(size=truth.shape) * [50.0, 0.1, 0.05]
    found = repeat_errors(labels, group)
    np.testing.assert_allclose(found.pooled, [50.0, 0.1, 0.05], rtol=0.08)
    pairs = np.flatnonzero(found.n_spectra == 2)[::2]
    # of two draws the signed error is normal
    signs = np.where(rng.random(len(pairs)) < 0.5, 1, -1)
    expect_scatter(signs * found.error[pairs, 0], 50.0, rtol=0.25, what="errors of stars observed twice")
