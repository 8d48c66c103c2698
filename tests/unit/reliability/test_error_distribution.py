"""Predicted errors of stars beyond the reference set, and of failed ones."""

import numpy as np
from known_errors import known_calibration


def test_stars_outside_the_reference_are_clamped_and_failed_ones_have_no_error():
    calibration = known_calibration()
    far, edge = np.array([[50.0, -50.0]]), np.array([[2.5, -2.5]])
    formal = np.full((1, 2), 0.1)
    for snr, snr_edge in ((1e9, 400.0), (1e-3, 8.0), (0.0, 8.0), (np.nan, 45.0)):
        there = calibration.predict(far, formal, np.array([snr])).interval()
        np.testing.assert_allclose(there, calibration.predict(edge, formal, np.array([snr_edge])).interval())
    for scaled, error in ((np.array([[np.nan, np.nan]]), formal), (edge, np.full((1, 2), np.nan))):
        assert np.isnan(calibration.predict(scaled, error, np.array([50.0])).interval()).all()
