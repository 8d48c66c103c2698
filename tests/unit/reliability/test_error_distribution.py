"""Predicted errors of stars beyond the reference set, and of failed ones."""

from dataclasses import replace

import numpy as np
import pytest
from known_errors import known_calibration
from same import assert_same

from bayescannon.reliability.error_distribution import DOF_RANGE, ErrorCalibration
from bayescannon.reliability.error_frame import SmoothPlace


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
            alpha, beta = calibration.formal[k, 0], calibration.floor[k] @ phi
            scale = np.hypot(formal[n, k] * np.exp(alpha), np.exp(beta))
            assert predicted.scale[n, k] == pytest.approx(scale, rel=1e-12)
            where = calibration.location[k] @ np.concatenate([[1, level], place])
            assert predicted.location[n, k] == pytest.approx(where, rel=1e-12)
            dof = calibration.dof[k] * np.exp(level * calibration.dof_slope[k])
            assert predicted.dof[n, k] == pytest.approx(np.clip(dof, *DOF_RANGE), rel=1e-12)


def with_nodes(calibration):
    """The same with smooth functions of the place."""
    nodes = np.array([[-1.5, 0.0], [0.0, 1.0], [1.5, -0.5]])
    extra = np.array([[0.3, -0.2, 0.1], [-0.1, 0.2, 0.4]])
    changing = np.array([[0.02, 0.0, -0.01, 0.03], [0.0, 0.01, 0.02, 0.0]])
    return replace(
        calibration,
        nodes=nodes,
        location=np.hstack([calibration.location, extra, changing]),
        floor=np.hstack([calibration.floor, extra]),
    )


def test_smooth_functions_of_the_place_add_to_the_linear_ones():
    plain = known_calibration()
    calibration = with_nodes(plain)
    rng = np.random.default_rng(2)
    scaled, snr = rng.normal(size=(5, 2)).clip(-2.4, 2.4), rng.uniform(10, 300, 5)
    formal = rng.uniform(0.05, 0.2, (5, 2))
    place = (scaled - plain.centre) @ plain.axes
    level = plain.frame.level(snr)[:, None]
    extra = SmoothPlace(calibration.nodes).columns(place) @ calibration.floor[:, -3:].T
    changing = np.hstack([level * place, (level**2 - 1) * place]) @ calibration.location[:, -4:].T
    found, before = calibration.predict(scaled, formal, snr), plain.predict(scaled, formal, snr)
    np.testing.assert_allclose(found.location, before.location + extra + changing, rtol=1e-12)
    part = formal * np.exp(plain.formal[:, 0])
    floor = np.sqrt(before.scale**2 - part**2) * np.exp(extra)
    np.testing.assert_allclose(found.scale, np.hypot(part, floor), rtol=1e-9)


def test_the_factor_of_older_files_depends_on_signal_to_noise_and_place():
    plain = known_calibration()
    alpha = np.array([[0.5, 0.1, 0.0, 0.2, 0.0], [0.2, 0.0, -0.1, 0.0, -0.2]])
    scaled, snr, formal = np.array([[0.5, -1.0]]), np.array([70.0]), np.array([[0.1, 0.2]])
    _, features = plain.frame.features(scaled, snr)
    found = replace(plain, formal=alpha).predict(scaled, formal, snr).scale
    floor = np.exp(features @ plain.floor.T)
    np.testing.assert_allclose(found, np.hypot(formal * np.exp(features @ alpha.T), floor), rtol=1e-12)


def test_labels_less_their_location_have_errors_around_zero():
    calibration = known_calibration()
    rng = np.random.default_rng(3)
    scaled, snr = rng.normal(size=(50, 2)), rng.uniform(10, 300, 50)
    predicted = calibration.predict(scaled, np.full((50, 2), 1e-3), snr)
    corrected = predicted.corrected()
    half = corrected.interval(0.9)
    error = predicted.location + half
    np.testing.assert_allclose(predicted.pit(error) - predicted.pit(predicted.location - half), 0.9, atol=1e-9)
    # an interval around the label as inferred is wider by what the location costs
    assert (half < predicted.interval(0.9)).all()
    assert np.isnan(replace(predicted, location=np.full((50, 2), np.nan)).corrected().interval()).all()


def test_a_calibration_is_its_arrays_and_every_number_counts_in_its_hash():
    calibration = known_calibration()
    arrays = calibration.arrays()
    assert_same(ErrorCalibration.from_arrays(arrays).arrays(), arrays)
    assert ErrorCalibration.from_arrays(arrays).hash == calibration.hash
    assert calibration.describe() == f"calibrated on 0 reference stars out of fold ({calibration.hash})"
    assert "nodes" not in arrays  # as in files of earlier versions
    calibration = with_nodes(calibration)
    arrays = calibration.arrays()
    assert_same(ErrorCalibration.from_arrays(arrays).arrays(), arrays)
    for name, values in arrays.items():
        changed = ErrorCalibration.from_arrays({**arrays, name: values + 1})
        assert changed.hash != calibration.hash, name
