"""Widened draws against sums over a grid of the likelihood to a power."""

import numpy as np
import pytest
from star_quartics import quartics, starts

from bayescannon.stars.optimum import find_labels
from bayescannon.stars.quartic import chi2_derivatives
from bayescannon.stars.widened import draw_widened


@pytest.mark.parametrize("power", [1.0, 0.2, 0.04])
def test_moments_and_shares_are_those_of_a_grid(power):
    quartic, _ = quartics(2, 3, sigma=0.05)
    found = find_labels(quartic, starts(2))
    draws = draw_widened(quartic, found.scaled, found.covariance, np.full(3, power))
    np.testing.assert_allclose(draws.weight.sum(axis=1), 1.0)
    assert (draws.ess > 60).all()
    for n in range(3):
        width = 8 * found.formal[n] / np.sqrt(power)
        axes = [np.linspace(c - w, c + w, 601) for c, w in zip(found.scaled[n], width, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        chi2 = chi2_derivatives(quartic.select(np.full(len(points), n)), points).chi2
        p = np.exp(-0.5 * power * (chi2 - chi2.min()))
        p /= p.sum()
        mean = p @ points
        deviation = np.sqrt(p @ (points - mean) ** 2)
        got = draws.weight[n] @ draws.scaled[n]
        assert (np.abs(got - mean) < 0.05 * deviation).all()
        spread = np.sqrt(draws.weight[n] @ (draws.scaled[n] - got) ** 2)
        np.testing.assert_allclose(spread, deviation, rtol=0.08)
        above = p[points[:, 0] > mean[0] + 0.3 * deviation[0]].sum()
        share = draws.weight[n][draws.scaled[n, :, 0] > mean[0] + 0.3 * deviation[0]].sum()
        assert share == pytest.approx(above, abs=0.03)


def test_a_star_has_the_same_draws_in_any_company_and_one_without_an_optimum_has_none():
    quartic, _ = quartics(3, 200, sigma=0.1)
    found = find_labels(quartic, starts(3))
    scaled = found.scaled.copy()
    scaled[5] = np.nan
    power = np.linspace(0.1, 1.0, 200)
    every = draw_widened(quartic, scaled, found.covariance, power, workers=2)
    one = draw_widened(quartic.select([150]), scaled[[150]], found.covariance[[150]], power[[150]])
    np.testing.assert_allclose(every.scaled[150], one.scaled[0], rtol=1e-12)
    np.testing.assert_allclose(every.weight[150], one.weight[0], rtol=1e-9)
    assert np.isnan(every.scaled[5]).all()
    assert np.isnan(every.weight[5]).all()
