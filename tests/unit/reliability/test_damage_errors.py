"""Errors of stars that lost pixels: their formula, that complete stars have none, and stars of no information."""

from dataclasses import replace

import numpy as np
import pytest
from known_errors import draw_copies, known_calibration, known_damage
from same import assert_same

from bayescannon.reliability.damage_errors import DamageErrors, InformationLeft
from bayescannon.reliability.error_distribution import ErrorCalibration


@pytest.fixture(scope="module")
def calibration():
    return replace(known_calibration(), damage=known_damage())


def test_scale_and_tails_are_their_formulas(calibration):
    copies = draw_copies(6, seed=3)[1].stars
    predicted = calibration.predict(copies.scaled, copies.formal, copies.snr, copies.left)
    damage = calibration.damage
    gaps = np.clip((copies.left.gaps - damage.usual_gaps) / (1 - damage.usual_gaps), 0, 1)
    for n in range(6):
        level = (np.log(copies.snr[n]) - calibration.snr_centre) / calibration.snr_width
        for k in range(2):
            typical, formal = copies.left.typical[n, k], copies.formal[n, k]
            usual = np.exp(damage.complete[k] @ [1, level, level**2 - 1])
            d = max(np.log(typical / usual), 0)
            psi = [1, d, *gaps[n], level, np.clip(np.log(formal / typical), -0.5, 0.5)]
            share = 1 - np.exp(-2 * d) * (1 - gaps[n, 0]) * (1 - gaps[n, 1]) ** 2
            excess = typical**2 * share * np.exp(2 * damage.scale[k] @ psi)
            whole = calibration.of_complete(
                copies.scaled[n : n + 1], copies.formal[n : n + 1] * np.exp(-d), copies.snr[n : n + 1]
            )
            square = whole.scale[0, k] ** 2 + excess
            assert predicted.scale[n, k] == pytest.approx(np.sqrt(square), rel=1e-10)
            log_dof = np.log([whole.dof[0, k], damage.dof[k]]) @ [1 - excess / square, excess / square]
            assert predicted.dof[n, k] == pytest.approx(np.exp(log_dof), rel=1e-10)
            assert predicted.location[n, k] == pytest.approx(whole.location[0, k], rel=1e-12)


def test_complete_stars_keep_their_errors_and_lost_pixels_only_add(calibration):
    stars, copies, _ = draw_copies(200, seed=4)
    few = InformationLeft(np.full(stars.scaled.shape, 1e-3), np.zeros((200, 2)), np.ones(200))
    alone = calibration.predict(stars.scaled, stars.formal, stars.snr).interval()
    same = calibration.predict(stars.scaled, stars.formal, stars.snr, few).interval()
    np.testing.assert_allclose(same, alone, rtol=1e-12)
    errors = []
    for lost in (1.0, 2.0, 4.0, 30.0):
        left = replace(copies.stars.left, typical=lost * copies.stars.left.typical)
        formal = lost * copies.stars.formal
        errors.append(calibration.predict(copies.stars.scaled, formal, stars.snr, left).interval())
        assert (errors[-1] >= formal).all()
    assert (np.diff(errors, axis=0) > 0).mean() > 0.99


def test_no_error_is_below_the_formal_one():
    calibration = known_calibration()
    scaled, snr = np.zeros((3, 2)), np.full(3, 50.0)
    formal = np.array([[0.01, 0.01], [50.0, 80.0], [np.nan, np.nan]])
    tight = replace(calibration, formal=np.full((2, 5), -3.0))
    for probability, factor in ((0.6826894921370859, 1.0), (0.95, 1.959964)):
        error = tight.predict(scaled, formal, snr).interval(probability)
        np.testing.assert_allclose(error[1], factor * formal[1], rtol=1e-6)
        assert (error[0] > 2 * formal[0]).all()
        assert np.isnan(error[2]).all()


def test_errors_are_finite_where_the_pixels_tell_nothing_elsewhere(calibration):
    left = InformationLeft(np.full((1, 2), np.inf), np.ones((1, 2)), np.full(1, 0.1))
    error = calibration.predict(np.zeros((1, 2)), np.full((1, 2), 0.5), np.array([50.0]), left).interval()
    assert np.isfinite(error).all()
    assert (error > 0.5).all()


def test_stars_beyond_the_fitted_ones_tell_too_little(calibration):
    typical = np.array([[1.9, 1.9], [0.1, 2.1], [np.inf, 0.1], [np.nan, 0.1], [0.1, 0.1]])
    left = InformationLeft(typical, np.zeros((5, 2)), np.array([0.02, 0.5, 0.5, 0.5, 0.009]))
    assert calibration.damage.too_little(left).tolist() == [False, True, True, True, True]
    assert calibration.damage.too_little(left.select(slice(1))).tolist() == [False]


def test_a_file_keeps_every_number(calibration):
    arrays = calibration.arrays()
    assert_same(ErrorCalibration.from_arrays(arrays).arrays(), arrays)
    assert calibration.hash != known_calibration().hash
    damage = DamageErrors.from_arrays(calibration.damage.arrays())
    assert isinstance(damage.n_copies, int)
    for name, values in calibration.damage.arrays().items():
        changed = ErrorCalibration.from_arrays({**arrays, f"damage_{name}": values + 1})
        assert changed.hash != calibration.hash, name
