"""Fits of error distributions at their borders: few stars, one label, no S/N."""

from dataclasses import replace

import numpy as np
import pytest
from known_errors import draw_stars

from bayescannon.reliability.error_fit import CalibrationError, OutOfFold, _steady_axes, fit_calibration


@pytest.mark.parametrize("snr", [np.nan, 0.0])
def test_no_signal_to_noise_at_all(snr):
    stars, _, _ = draw_stars(200, seed=1)
    calibration = fit_calibration(replace(stars, snr=np.full(200, snr)))
    error = calibration.predict(stars.scaled, stars.formal, np.full(200, snr)).interval()
    assert np.isfinite(error).all()


def test_one_label_and_few_stars_shrink_to_constants():
    stars, _, _ = draw_stars(60, seed=3)
    one = replace(
        stars,
        **{name: getattr(stars, name)[:, :1] for name in ("scaled", "formal", "reference", "noise")},
    )
    calibration = fit_calibration(one)
    assert calibration.axes.shape == (1, 1)
    assert calibration.nodes.shape == (6, 1)
    assert calibration.location.shape == (1, 3 + 6 + 2)
    error = calibration.predict(one.scaled, one.formal, one.snr).interval()
    assert np.isfinite(error).all()
    assert error.max() / error.min() < 30
    with pytest.raises(CalibrationError, match=r"at least 50 reference stars .* got 49"):
        fit_calibration(stars.select(np.arange(60) < 49))


def test_axes_are_those_of_stars_spread_wider_than_their_errors():
    """Of three axes two are wide enough, whatever the labels' units are; of labels lost in their errors none is."""
    rng = np.random.default_rng(4)
    n_star = 4000
    along, across = rng.normal(size=(n_star, 1)), rng.normal(size=(n_star, 2))
    # errors of 0.15 in three labels that follow one number, but for a width of 0.05 and a free one of 0.3
    labels = along * [1.0, -0.8, 0.0] + across @ np.array([[0.04, 0.05, 0.0], [0.0, 0.0, 0.3]])
    off = 0.15 * rng.normal(size=labels.shape)
    noise = np.full(off.shape, 0.1)
    observed = off + noise * rng.normal(size=off.shape)
    for unit in (np.ones(3), np.array([1.0, 2.5, 0.4])):
        axes = _steady_axes((labels + off) * unit, observed * unit, noise * unit)
        assert axes.shape == (3, 2)
        place = ((labels + off) * unit) @ axes[:, 0]
        assert place.std() == pytest.approx(1)
        assert abs(np.corrcoef(place, along[:, 0])[0, 1]) > 0.98
        assert axes[np.abs(axes[:, 0]).argmax(), 0] > 0
    assert _steady_axes(labels + off, 20 * observed, noise).shape == (3, 0)


def test_uncounted_are_stars_without_labels():
    stars, _, _ = draw_stars(80, seed=3)
    stars.scaled[0], stars.formal[1], stars.noise[2, 0] = np.nan, 0.0, np.nan
    assert fit_calibration(stars).n_stars == 77


def test_the_same_errors_twice_are_known_no_better():
    """Every star with two equal spectra: the calibration of the stars with one, not that of twice as many stars."""
    stars, _, _ = draw_stars(300, seed=6, wrong=0.03)
    rows = np.tile(np.arange(300), 2)
    twice = replace(stars.select(rows), star=rows)
    one, two, apart = (fit_calibration(given) for given in (stars, twice, replace(twice, star=np.arange(600))))
    assert (one.n_stars, two.n_stars, apart.n_stars) == (300, 300, 600)
    for name in ("location", "formal", "floor", "dof", "scale_error", "bias", "wrong_fraction"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=0.03, atol=0.01, err_msg=name)
    np.testing.assert_allclose(apart.scale_error / one.scale_error, np.sqrt(0.5), rtol=0.15)


def test_parts_that_are_joined_have_no_star_in_common():
    stars, _, _ = draw_stars(40, seed=3)
    pairs = replace(stars, star=np.repeat(np.arange(20), 2))
    joined = OutOfFold.join([pairs, stars, pairs])
    assert (len(joined), joined.n_stars) == (120, 80)
    with pytest.raises(CalibrationError, match=r"at least 50 reference stars .* got 20"):
        fit_calibration(pairs)
