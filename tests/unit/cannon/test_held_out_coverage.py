"""Shares of held-out stars in the intervals of the calibrated errors."""

from dataclasses import replace

import numpy as np
import pytest
import toy

import bayescannon as bc
from bayescannon.cannon.held_out_coverage import held_out_coverage


@pytest.fixture(scope="module")
def model():
    reference = toy.toy_reference(300, n_pixel=40)
    return bc.qualify(bc.train(reference), reference, folds=2)


def test_calibrated_intervals_hold_what_they_promise(model):
    found = held_out_coverage(model)
    assert found.n_spectra == 300
    assert found.share.shape == (2, 3)
    # three standard errors of 300 stars
    for level, shares in zip(found.level, found.share, strict=True):
        np.testing.assert_allclose(shares, level, atol=3 * np.sqrt(level * (1 - level) / 300))


def test_errors_that_are_too_small_hold_less(model):
    narrow = replace(model.calibration, floor=model.calibration.floor - 3, formal=model.calibration.formal)
    found = held_out_coverage(replace(model, calibration=narrow), (0.5,))
    assert np.all(found.share < held_out_coverage(model, (0.5,)).share)


def test_stars_without_a_fit_do_not_count(model):
    estimates = model.held_out.estimates.copy(deep=True)
    estimates["status"][:10] = 1
    held_out = replace(model.held_out, estimates=estimates)
    assert held_out_coverage(replace(model, held_out=held_out)).n_spectra == 290


def test_there_is_none_without_calibration(model):
    assert held_out_coverage(replace(model, calibration=None)) is None
    assert held_out_coverage(replace(model, held_out=None)) is None
