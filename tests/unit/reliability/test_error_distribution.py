"""Predicted errors of stars beyond the reference set, and of failed ones."""

import numpy as np
import pytest
from known_errors import known_calibration
from same import assert_same

from bayescannon.reliability.error_distribution import DOF_RANGE, ErrorCalibration


def test_stars_outside_the_reference_are_clamped_and_failed_ones_have_no_error():
    calibration = known_calibration()
    far, edge = np.array([[50.0, -50.0]]), np.array([[2.5, -2.5]])
    formal = np.full((1, 2), 0.1)
    for snr, snr_edge in ((1e9, 400.0), (1e-3, 8.0), (0.0, 8.0), (np.nan, 45.0)):
        there = calibration.predict(far, formal, np.array([snr])).interval()
        np.testing.assert_allclose(there, calibration.predict(edge, formal, np.array([snr_edge])).interval())
    for scaled, error in ((np.array([[np.nan, np.nan]]), formal), (edge, np.full((1, 2), np.nan))):
        assert np.isnan(calibration.predict(scaled, error, np.array([50.0])).interval()).all()


def test_scale_location_and_tails_are_their_formulas():
    calibration = known_calibration()
    rng = np.random.default_rng(1)
    scaled, snr = rng.normal(size=(6, 2)).clip(-2.4, 2.4), rng.uniform(10, 300, 6)
    formal = rng.uniform(0.05, 0.2, (6, 2))
    predicted = calibration.predict(scaled, formal, snr)
    for n in range(6):
        level = (np.log(snr[n]) - calibration.snr_centre) / calibration.snr_width
        place = calibration.axes.T @ (scaled[n] - calibration.centre)
        phi = np.concatenate([[1, level, level**2 - 1], place])
        for k in range(2):
            alpha, beta = calibration.formal[k] @ phi, calibration.floor[k] @ phi
            scale = np.hypot(formal[n, k] * np.exp(alpha), np.exp(beta))
            assert predicted.scale[n, k] == pytest.approx(scale, rel=1e-12)
            where = calibration.location[k] @ np.concatenate([[1, level], place])
            assert predicted.location[n, k] == pytest.approx(where, rel=1e-12)
            dof = calibration.dof[k] * np.exp(level * calibration.dof_slope[k])
            assert predicted.dof[n, k] == pytest.approx(np.clip(dof, *DOF_RANGE), rel=1e-12)


def test_a_calibration_is_its_arrays_and_every_number_counts_in_its_hash():
    calibration = known_calibration()
    arrays = calibration.arrays()
    assert_same(ErrorCalibration.from_arrays(arrays).arrays(), arrays)
    assert ErrorCalibration.from_arrays(arrays).hash == calibration.hash
    assert calibration.describe() == f"calibrated on 0 reference stars out of fold ({calibration.hash})"
    for name, values in arrays.items():
        changed = ErrorCalibration.from_arrays({**arrays, name: values + 1})
        assert changed.hash != calibration.hash, name
