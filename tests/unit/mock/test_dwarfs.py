"""Dwarfs and hot stars of the field sample: inside the emulators, on the main sequence, as in LAMOST's DR10."""

import numpy as np
import pytest

from bayescannon.mock.dwarfs import LEAST_DWARF_LOGG, draw_dwarfs, draw_hot_stars, sequence_logg
from bayescannon.mock.emulator import EMULATOR_LABELS, Emulator

N_STAR = 3000


@pytest.fixture(scope="module")
def dwarfs():
    return draw_dwarfs(N_STAR, np.random.default_rng(1))


@pytest.fixture(scope="module")
def hot_stars():
    return draw_hot_stars(N_STAR, np.random.default_rng(2))


@pytest.mark.parametrize("population", ["dwarf", "hot"])
def test_every_star_is_inside_its_emulators_range(population, dwarfs, hot_stars):
    stars = {"dwarf": dwarfs, "hot": hot_stars}[population]
    labels = np.stack([stars[name] for name in EMULATOR_LABELS], axis=1)
    assert labels.shape == (N_STAR, 6)
    assert Emulator.load(population).inside(labels).all()


def test_populations_have_the_stated_limits(dwarfs, hot_stars):
    assert dwarfs["logg"].min() >= LEAST_DWARF_LOGG
    assert dwarfs["teff"].min() >= 4000
    assert dwarfs["teff"].max() < 7000 <= hot_stars["teff"].min()
    assert hot_stars["teff"].max() < 11000


# 16, 50 and 84 % quantiles of 459 dwarfs of LAMOST DR10 (5000 to 7000 K, log g above 3.8), with LASP's labels, whose
# Teff is too high by about 100 K and whose log g is drawn to the main sequence
@pytest.mark.parametrize(
    ("label", "quantiles", "tolerance"),
    [("teff", (5398, 5873, 6376), 90), ("logg", (4.03, 4.25, 4.55), 0.08), ("m_h", (-0.79, -0.34, 0.0), 0.22)],
)
def test_dwarfs_are_like_real_ones(dwarfs, label, quantiles, tolerance):
    part = dwarfs["teff"] > 5000
    drawn = np.quantile(dwarfs[label][part], [0.159, 0.5, 0.841])
    assert (np.abs(drawn - quantiles) < tolerance).all(), drawn


def test_cooler_dwarfs_have_higher_gravities(dwarfs):
    assert (np.diff(sequence_logg(np.array([4200.0, 5200.0, 5700.0, 6500.0]))) < 0).all()
    cool, warm = dwarfs["teff"] < 5000, dwarfs["teff"] > 6300
    assert np.median(dwarfs["logg"][cool]) > np.median(dwarfs["logg"][warm]) + 0.3


def test_metal_poor_dwarfs_have_more_alpha_elements(dwarfs):
    poor, rich = dwarfs["m_h"] < -0.7, dwarfs["m_h"] > 0
    assert dwarfs["alpha_m"][poor].mean() > dwarfs["alpha_m"][rich].mean() + 0.1


def test_hot_stars_rotate_and_cool_ones_do_not(dwarfs, hot_stars):
    assert (dwarfs["v_sin_i"][dwarfs["teff"] < 6200] == 0).all()
    assert 100 < hot_stars["v_sin_i"].mean() < 160


def test_the_same_seed_gives_the_same_stars(dwarfs):
    again = draw_dwarfs(N_STAR, np.random.default_rng(1))
    for name, values in dwarfs.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)


@pytest.mark.parametrize("draw", [draw_dwarfs, draw_hot_stars])
def test_no_stars_have_all_columns(draw):
    stars = draw(0, np.random.default_rng(1))
    assert {len(values) for values in stars.values()} == {0}
    assert {"teff", "snr", "velocity", "v_sin_i"} <= set(stars)
