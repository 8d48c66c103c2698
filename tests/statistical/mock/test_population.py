"""The mock population is the one that was fitted to real stars."""

import numpy as np
import pytest

from bayescannon.cannon.validation import robust_scatter
from bayescannon.mock.catalogues import APOGEE_ERRORS
from bayescannon.mock.emulator import EMULATOR_LABELS, Emulator
from bayescannon.mock.population import (
    MASS_LOG_WIDTH,
    MASS_MEDIAN,
    PECULIAR_SHARE,
    draw_population,
    mixture,
)
from bayescannon.mock.releases import DR2

# a statistic may be off by this many of its standard errors; seeds are fixed
LIMIT = 4.0


@pytest.fixture(scope="module")
def population():
    return draw_population(20_000, np.random.default_rng(1))


def test_mixture_is_proper():
    weights, _, covariances = mixture()
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-12)
    assert (np.linalg.eigvalsh(covariances / np.linalg.norm(covariances, axis=(1, 2), keepdims=True)) > 0).all()


# 10, 50 and 90 % quantiles of the 10,733 real stars that the mixture was fitted to (LAMOST DR2 and APOGEE DR12)
@pytest.mark.parametrize(
    ("label", "quantiles", "tolerance"),
    [
        ("teff", (4422.7, 4823.2, 5048.4), (15, 10, 10)),
        ("logg", (1.913, 2.666, 3.285), (0.05, 0.03, 0.05)),
        ("m_h", (-0.643, -0.187, 0.212), (0.03, 0.02, 0.03)),
        ("alpha_m", (0.027, 0.073, 0.238), (0.006, 0.006, 0.008)),
    ],
)
def test_population_is_the_fitted_one(population, label, quantiles, tolerance):
    noise = np.random.default_rng(7).standard_normal(len(population[label]))
    drawn = np.quantile(population[label] + APOGEE_ERRORS[label] * noise, [0.1, 0.5, 0.9])
    assert (np.abs(drawn - quantiles) < tolerance).all(), drawn


def test_every_star_is_inside_the_emulators_range(population):
    labels = np.stack([population[name] for name in EMULATOR_LABELS], axis=1)
    assert Emulator.load().inside(labels).all()


def test_snr_and_extinction_have_the_stated_middle(population):
    error = robust_scatter(np.log(population["snr"])) * 1.25 / np.sqrt(20_000)
    assert abs(np.log(np.median(population["snr"]) / DR2.snr_median)) < LIMIT * error + 0.02
    assert 0.11 < population["a_k"].mean() < 0.14
    assert population["snr"].min() >= 8
    assert population["snr"].max() <= 400


def test_dredge_up_lowers_carbon_and_raises_nitrogen(population):
    up, down = population["logg"] < 2.8, population["logg"] > 3.6
    assert population["c_m"][up].mean() < population["c_m"][down].mean() - 0.08
    assert population["n_m"][up].mean() > population["n_m"][down].mean() + 0.10
    assert np.corrcoef(population["c_m"][up], population["n_m"][up])[0, 1] < -0.3


def test_massive_giants_have_less_carbon_and_more_nitrogen(population):
    # on one part of the branch, where the dredge-up is over
    part = (population["logg"] > 2.3) & (population["logg"] < 2.8)
    mass = np.log(population["mass"][part])
    assert abs(robust_scatter(mass) - MASS_LOG_WIDTH) < 0.02
    assert abs(np.median(population["mass"]) - MASS_MEDIAN) < 0.02
    assert np.polyfit(mass / MASS_LOG_WIDTH, population["c_m"][part], 1)[0] < -0.04
    assert np.polyfit(mass / MASS_LOG_WIDTH, population["n_m"][part], 1)[0] > 0.07


def test_a_few_giants_are_peculiar_in_carbon(population):
    part = (population["logg"] > 2.4) & (population["logg"] < 2.9)
    own = population["c_m"][part] - np.polyval(
        np.polyfit(np.log(population["mass"][part]), population["c_m"][part], 1), np.log(population["mass"][part])
    )
    far = (np.abs(own - np.median(own)) > 4 * robust_scatter(own)).mean()
    # of PECULIAR_SHARE of them, 4 of the others' standard deviations are 1 of their own
    assert 0.2 * PECULIAR_SHARE < far < 0.5 * PECULIAR_SHARE
