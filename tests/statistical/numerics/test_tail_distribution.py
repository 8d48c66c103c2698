"""False alarms of smooth p-values, and how often the intervals of limits hold the true limit."""

import numpy as np
import pytest
from expect import expect_between
from scipy import stats

from bayescannon.numerics.tail_distribution import TailDistribution

POPULATIONS = {"normal": stats.norm(), "log-normal": stats.lognorm(1.0), "Student's t5": stats.t(5)}
RATES = np.array([0.01, 0.03, 0.1])


def simulate(population, n_reference, n_fits):
    """False alarms of limits, and whether the intervals hold the true limits: two arrays of shape (fit, rate)."""
    rng = np.random.default_rng(n_reference)
    alarms, held = np.empty((2, n_fits, len(RATES)))
    for n in range(n_fits):
        found = TailDistribution.fit(population.rvs(n_reference, random_state=rng))
        for k, rate in enumerate(RATES):
            limit = found.limit(rate)
            alarms[n, k] = population.sf(limit.value)
            held[n, k] = limit.low <= population.isf(rate) <= limit.high
    return alarms, held


def require(name, n_reference, n_fits, low, high):
    """At 1 % the rate is between `low` and `high` times the wanted one, give or take the error; 3 and 10 % err less."""
    alarms, held = simulate(POPULATIONS[name], n_reference, n_fits)
    mean, error = alarms.mean(axis=0) / RATES, alarms.std(axis=0) / RATES / np.sqrt(n_fits)
    for k, rate in enumerate(RATES):
        within = (low, high) if k == 0 else (min(1 - (1 - low) / 1.5, 0.92), max(1 + (high - 1) / 1.5, 1.1))
        expect_between(
            mean[k], within[0] - 3 * error[k], within[1] + 3 * error[k],
            what=f"{name}, M = {n_reference}: false alarms at {rate} over the wanted",
        )  # fmt: skip
        expect_between(held[:, k].mean(), 0.683 - 0.22, 0.683 + 0.22, what=f"{name}, M = {n_reference}: intervals hold")


@pytest.mark.parametrize("name", POPULATIONS)
def test_false_alarms_of_169_reference_stars(name):
    require(name, 169, 60, 0.6, 1.3)


@pytest.mark.long
@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize(
    ("n_reference", "n_fits", "low", "high"),
    # few scores err: light tails get too few alarms, heavy tails too many
    [
        (60, 400, 0.33, 1.6),
        (135, 400, 0.6, 1.35),
        (169, 400, 0.65, 1.3),
        (500, 300, 0.85, 1.15),
        (3000, 80, 0.95, 1.08),
    ],
)
def test_false_alarms(name, n_reference, n_fits, low, high):
    require(name, n_reference, n_fits, low, high)
