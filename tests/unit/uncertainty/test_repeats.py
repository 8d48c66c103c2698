import numpy as np
import pytest
import toy
from expect import expect_scatter

from bayescannon.data.spectra import Spectra
from bayescannon.uncertainty.repeats import repeat_errors, repeat_groups


def at(ra, dec, **columns):
    n = len(ra)
    ids = np.array([f"s{k}" for k in range(n)])
    return Spectra(np.array([5000.0]), np.ones((n, 1)), np.ones((n, 1)), ids, {"ra": ra, "dec": dec, **columns})


def test_stars_are_found_by_position():
    arcsec = 1 / 3600
    # two near 0 h across the border, a chain of three, a single one, two without position
    ra = np.array([0.0, 360 - arcsec, 50.0, 50.0, 50.0, 80.0, np.nan, np.nan])
    dec = np.array([0.0, 0.0, 60.0, 60.0 + 2 * arcsec, 60.0 + 4 * arcsec, -89.99, 1.0, 1.0])
    group = repeat_groups(at(ra, dec).columns, radius=3.0)
    assert group[0] == group[1]
    assert group[2] == group[3] == group[4]
    assert len(set(group)) == 5
    assert len(set(repeat_groups(at(ra, dec).columns, radius=0.5))) == 8
    assert len(repeat_groups(at(ra[:1], dec[:1]).columns)) == 1


def test_stars_are_found_by_name():
    names = np.array(["a", "", "b", "a", ""])
    group = repeat_groups(at(np.zeros(5), np.zeros(5), designation=names).columns, column="designation")
    assert group[0] == group[3]
    assert len(set(group)) == 4


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


def test_wrong_calls_are_refused():
    spectra = at(np.zeros(2), np.zeros(2))
    with pytest.raises(ValueError, match="radius of repeats must be positive; got 0"):
        repeat_groups(spectra.columns, radius=0)
    with pytest.raises(ValueError, match="columns designation; the spectra have ra, dec"):
        repeat_groups(spectra.columns, column="designation")
