"""Errors of lost pixels that were drawn from a known distribution are found."""

from dataclasses import replace

import numpy as np
import pytest
from expect import expect_between, expect_fraction
from known_errors import N_LABEL, draw_copies, known_calibration, known_damage

from bayescannon.reliability.damage_fit import fit_damage
from bayescannon.reliability.error_fit import fit_calibration


@pytest.fixture(scope="module")
def fitted():
    stars, copies, _ = draw_copies(2000, seed=1)
    return fit_damage(copies, stars, known_calibration(), np.ones(2000))


def test_intervals_cover_fresh_stars_that_lost_pixels(fitted):
    calibration = replace(known_calibration(), damage=fitted)
    _, copies, true = draw_copies(20_000, seed=50)
    fresh = copies.stars
    use = ~fitted.too_little(fresh.left)
    off = np.abs(fresh.scaled - true)
    predicted = calibration.predict(fresh.scaled, fresh.formal, fresh.snr, fresh.left)
    unaware = calibration.predict(fresh.scaled, fresh.formal, fresh.snr)
    lost = np.log(fresh.left.typical[:, 0]) + 3.0
    for low, high in ((-5, 0), (0, 1), (1, 5)):
        some = use & (lost > low) & (lost < high)
        for k in range(N_LABEL):
            what = f"label {k}, ln t from {low - 3} to {high - 3}"
            expect_fraction((off < predicted.interval())[some, k], some.sum(), 0.65, 0.72, what=what)
            inside = (off < predicted.interval(0.95))[some, k]
            expect_fraction(inside, some.sum(), 0.93, 0.965, what=f"95 %, {what}")
    # the thresholds can fail: without the loss the intervals of stars that lost most are too narrow
    some = use & (lost > 1)
    expect_fraction((off < unaware.interval())[some], 2 * some.sum(), 0, 0.6, what="covered without the loss")


def test_what_is_found_is_what_was_drawn(fitted):
    known = known_damage()
    for k in range(N_LABEL):
        expect_between(np.abs(fitted.scale[k, 1:] - known.scale[k, 1:]).max(), 0, 0.35, what=f"gamma of label {k}")
        expect_between(fitted.dof[k] / known.dof[k], 0.6, 1.8, what=f"degrees of freedom of label {k}")
    expect_between(np.abs(fitted.complete[:, 1] + 0.75).max(), 0, 0.02, what="slope of ln t_0 with ln S/N")
    assert fitted.n_copies > 1500
    assert fitted.reach == 50


def test_few_copies_and_wrong_stars_leave_no_errors_of_lost_pixels():
    stars, copies, _ = draw_copies(120, seed=2)
    assert fit_calibration(stars, copies).damage.n_copies > 60
    assert fit_calibration(stars).damage is None
    assert (
        fit_calibration(stars, replace(copies, stars=copies.stars.select(slice(40)), row=np.arange(40))).damage is None
    )
    assert fit_calibration(replace(stars, left=None), copies).damage is None
    assert fit_damage(copies, stars, known_calibration(), np.zeros(120)) is None
