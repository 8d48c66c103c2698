"""The main sequence of a reference set, and the second star of a pair."""

import numpy as np
import pytensor.tensor as pt
import pytest

from bayescannon.models.main_sequence import MainSequence, PopulationError, is_dwarf

NAMES = ("teff", "logg", "fe_h", "alpha_m")
SEQUENCE = MainSequence(NAMES, np.array([4.3, -2.2, 4.0, 0.02, -1.0, -0.05]), 4400.0, 5500.0)


def dwarfs(n_star=200, seed=0):
    """Labels of dwarfs that scatter by 0.05 around a sequence."""
    rng = np.random.default_rng(seed)
    teff, metals = rng.uniform(4500, 6800, n_star), rng.uniform(-1, 0.3, n_star)
    logg = SEQUENCE.logg(teff, metals) + 0.05 * rng.normal(size=n_star)
    return np.column_stack([teff, logg, metals, rng.normal(0.1, 0.05, n_star)])


def test_the_sequence_is_found_among_giants_and_wrong_labels():
    labels = dwarfs()
    labels[:10, 1] = 5.5
    giants = labels + np.array([-800.0, -2.0, 0.0, 0.0])
    found = MainSequence.fit(np.concatenate([labels, giants]), NAMES, 5500.0)
    grid = dwarfs(50, seed=1)
    np.testing.assert_allclose(found.logg(grid[:, 0], grid[:, 2]), SEQUENCE.logg(grid[:, 0], grid[:, 2]), atol=0.05)
    assert found.coolest == pytest.approx(4520, abs=40)


def test_without_metallicity_the_sequence_is_a_curve():
    found = MainSequence.fit(dwarfs()[:, :2], ("teff", "logg"), 5500.0)
    assert (found.coefficients[3:] == 0).all()
    assert found.companion(np.array([5800.0, 4.4]), 0.8).labels.shape == (2,)


def test_a_companion_of_the_same_mass_is_the_same_star():
    labels = dwarfs(20)
    second = SEQUENCE.companion(labels, np.ones(20))
    np.testing.assert_allclose(second.labels, labels, rtol=1e-12)
    np.testing.assert_allclose(second.log_light, 0.0, atol=1e-9)


def test_less_mass_is_cooler_denser_and_fainter():
    q = np.linspace(1.0, 0.3, 15)
    second = SEQUENCE.companion(np.tile([5777.0, 4.3, 0.0, 0.1], (15, 1)), q)
    assert (np.diff(second.labels[:, 0]) <= 0).all()
    assert (np.diff(second.labels[:, 1]) >= 0).all()
    assert (np.diff(second.log_light) < 0).all()
    assert (second.labels[:, 0] >= 4400.0).all()
    np.testing.assert_array_equal(second.labels[:, 2:], np.tile([0.0, 0.1], (15, 1)))
    # the law of Planck and the surfaces: a star of 0.5 solar masses gives about 4 % of the Sun's light at 5500 A
    faint = SEQUENCE.companion(np.array([5777.0, 4.44, 0.0, 0.1]), 0.55)
    assert 0.01 < np.exp(faint.log_light) < 0.1


def test_an_evolved_star_has_a_companion_on_the_main_sequence():
    second = SEQUENCE.companion(np.array([6100.0, 3.9, 0.0, 0.1]), 0.6)
    assert second.labels[1] == pytest.approx(SEQUENCE.logg(second.labels[0], 0.0), abs=0.01)


def test_symbols_give_the_same_numbers():
    labels, q = dwarfs(5), np.linspace(0.3, 0.95, 5)
    symbolic = SEQUENCE.companion(pt.as_tensor(labels), pt.as_tensor(q), pt)
    expected = SEQUENCE.companion(labels, q)
    np.testing.assert_allclose(symbolic.labels.eval(mode="FAST_COMPILE"), expected.labels, rtol=1e-12)
    np.testing.assert_allclose(symbolic.log_light.eval(mode="FAST_COMPILE"), expected.log_light, rtol=1e-9)


def test_a_set_without_dwarfs_or_log_g_says_so():
    giants = dwarfs() + np.array([-800.0, -2.0, 0.0, 0.0])
    with pytest.raises(PopulationError, match="0 of the 200 reference stars are dwarfs"):
        MainSequence.fit(giants, NAMES, 5500.0)
    with pytest.raises(PopulationError, match="needs the label logg"):
        MainSequence.fit(giants[:, [0, 2]], ("teff", "fe_h"), 5500.0)


def test_nan_is_no_dwarf():
    assert is_dwarf(np.array([[5800.0, 4.4], [np.nan, 4.4], [4800.0, 2.5]]), ("teff", "logg")).tolist() == [
        True, False, False,
    ]  # fmt: skip
