"""Copies with fewer pixels: what is taken from them, and that their continuum is that of spectra damaged before."""

from dataclasses import replace

import numpy as np
import pytest

import bayescannon as bc
from bayescannon.cannon.damage import damaged_copies, gap_reach, renormalise
from bayescannon.data.noise_check import NoiseFinding


@pytest.fixture(scope="module")
def raws():
    return list(bc.simulate_survey(60, 0, seed=4).spectra())


@pytest.fixture(scope="module")
def spectra(raws):
    return bc.prepare_spectra(raws)


def test_copies_are_of_the_same_stars_and_have_no_pixel_that_was_dead(spectra):
    copies = damaged_copies(spectra, seed=1)
    np.testing.assert_array_equal(copies.id, spectra.id)
    live, left = spectra.ivar > 0, copies.ivar > 0
    assert not (left & ~live).any()
    assert (left.sum(axis=1) < live.sum(axis=1)).all()
    assert (copies.flux[~left] == 1).all()
    again = damaged_copies(spectra, seed=1)
    np.testing.assert_array_equal(again.ivar, copies.ivar)
    assert (damaged_copies(spectra, seed=2).ivar != copies.ivar).any()


def test_they_reach_from_few_pixels_to_nearly_all_in_windows_and_in_single_pixels(spectra):
    share = np.concatenate([(damaged_copies(spectra, seed=k).ivar > 0).mean(axis=1) for k in range(4)])
    assert np.quantile(share, 0.05) < 0.04
    assert np.quantile(share, 0.95) > 0.5
    left = damaged_copies(spectra, seed=0).ivar > 0
    starts = (left[:, 1:] & ~left[:, :-1]).sum(axis=1)
    assert (starts <= 4).mean() > 0.3
    assert (starts > 50).mean() > 0.15


def test_a_copy_with_all_pixels_is_the_spectrum(spectra):
    whole = renormalise(spectra, np.ones(spectra.flux.shape, dtype=bool))
    live = spectra.ivar > 0
    np.testing.assert_allclose(whole.flux[live], spectra.flux[live], rtol=1e-6)
    np.testing.assert_allclose(whole.ivar, spectra.ivar, rtol=1e-6)


def test_the_continuum_is_nearly_that_of_spectra_damaged_before_their_preparation(raws, spectra):
    rng = np.random.default_rng(3)
    damaged = []
    for raw in raws:
        phase = rng.uniform(0, 200)
        damaged.append(replace(raw, ivar=np.where((raw.wavelength + phase) // 100 % 2 == 0, raw.ivar, 0.0)))
    real = bc.prepare_spectra(damaged)
    copies = renormalise(spectra, real.ivar > 0)
    live = real.ivar > 0
    moved, copied = ((one.flux - spectra.flux)[live] for one in (real, copies))
    assert np.std(moved) > 0.02
    assert np.std(copied) / np.std(moved) == pytest.approx(1, abs=0.25)
    assert np.std(moved - copied) < 0.65 * np.std(moved)
    np.testing.assert_allclose(np.median(copies.ivar[live] / real.ivar[live]), 1, atol=0.02)


def test_damage_makes_no_inverse_variance_doubtful(spectra):
    # what a user does who normalises spectra before pixels are lost, and one who does it after
    left = np.random.default_rng(1).random((5, len(spectra.wavelength))) < 0.3
    left[0], left[1] = spectra.wavelength < 4200, spectra.wavelength > 8800
    left[2] = abs(spectra.wavelength - 5175) < 50
    some = spectra.select(slice(0, 5))
    for damaged in (replace(some, ivar=np.where(left, some.ivar, 0)), renormalise(some, left)):
        found = NoiseFinding.of(damaged.flux, damaged.ivar)
        assert found.sentences() == []
        assert found.lost_pixels() == ""


def test_spectra_of_an_unknown_preparation_keep_their_continuum(spectra):
    own = replace(spectra, attrs={})
    left = np.random.default_rng(0).random(own.flux.shape) < 0.2
    copies = renormalise(own, left)
    kept = left & (own.ivar > 0)
    np.testing.assert_array_equal(copies.flux[kept], own.flux[kept])
    np.testing.assert_array_equal(copies.ivar, np.where(left, own.ivar, 0))
    assert gap_reach(own) == gap_reach(spectra) == 50


@pytest.mark.parametrize("n_pixel", [5, 40])
def test_short_grids_are_damaged_too(n_pixel):
    flux, ivar = np.ones((30, n_pixel)), np.full((30, n_pixel), 100.0)
    ivar[0] = 0
    names = np.array([f"star {n}" for n in range(30)])
    spectra = bc.Spectra(np.linspace(5000, 5100, n_pixel), flux, ivar, names, {}, {"preset": "paper"})
    copies = damaged_copies(spectra, seed=0)
    assert np.isfinite(copies.flux).all()
    assert np.isfinite(copies.ivar).all()
    assert (copies.ivar > 0).sum() < (ivar > 0).sum()
