"""Measures of gaps against loops, and which running mean a preparation says."""

from dataclasses import replace

import numpy as np
import pytest

from bayescannon.data.lost_pixels import continuum_width, gap_measures, sums_near
from bayescannon.data.preset import MASKED, NONE, PAPER, provenance

WAVELENGTH = np.exp(np.linspace(np.log(4000.0), np.log(4600.0), 300))


def brute(ivar, reach):
    """Both measures of one star, pixel by pixel."""
    live = ivar > 0
    dead, aside = [], []
    for p in np.flatnonzero(live):
        near = np.abs(WAVELENGTH - WAVELENGTH[p]) <= reach
        dead.append(1 - (near & live).sum() / near.sum())
        aside.append(abs(WAVELENGTH[near & live].mean() - WAVELENGTH[p]) / (reach / 2))
    return [np.mean(dead), np.mean(aside)]


@pytest.mark.parametrize("reach", [20.0, 50.0])
def test_measures_are_those_of_loops(reach):
    rng = np.random.default_rng(0)
    ivar = np.where(rng.random((6, 300)) < [[1], [0.9], [0.5], [0.1], [0.02], [0.3]], 4.0, 0.0)
    ivar[5, :200] = 0
    expected = [brute(star, reach) for star in ivar]
    np.testing.assert_allclose(gap_measures(ivar, WAVELENGTH, reach), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        gap_measures(ivar.astype(np.float32), WAVELENGTH, reach), expected, rtol=1e-9, atol=1e-12
    )


def test_a_single_pixel_is_alone_and_no_pixel_is_the_worst():
    ivar = np.zeros((2, 300))
    ivar[0, 150] = 1.0
    alone, nothing = gap_measures(ivar, WAVELENGTH)
    assert alone[0] > 0.9
    assert alone[1] == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(nothing, [1, 1])


def test_sums_are_of_the_pixels_within_reach():
    values = np.random.default_rng(1).random((2, 300))
    found = sums_near(values, WAVELENGTH, 30.0)
    for p in (0, 100, 299):
        near = np.abs(WAVELENGTH - WAVELENGTH[p]) <= 30
        np.testing.assert_allclose(found[:, p], values[:, near].sum(axis=1))


def test_the_width_is_that_of_the_preparation():
    assert continuum_width(provenance(MASKED)) == MASKED.width
    assert continuum_width(provenance(replace(PAPER, width=80.0))) == 80
    assert continuum_width({"preset": "paper"}) == PAPER.width
    assert continuum_width({"preset_settings": '{"name": "own"}'}) is None
    assert continuum_width({}) is None
    assert continuum_width(provenance(NONE)) is None
