"""Odd spectra of every class are found among single stars of a survey whose model is true."""

import json
from dataclasses import replace

import numpy as np
import pytest
from odd_survey import dwarf_reference, odd_stars
from star_pairs import SCALER
from toy import toy_labels, toy_reference, toy_spectra

from bayescannon.cannon.labelling import error_power, label_spectra
from bayescannon.cannon.odd_fit import fit_odd_reference
from bayescannon.cannon.odd_spectra import odd_spectra
from bayescannon.cannon.training import train
from bayescannon.numerics.errors import InputError
from bayescannon.reliability.odd_reference import ODD_CLASSES, OddReference
from bayescannon.reliability.score_reference import ScoreReference

pytestmark = pytest.mark.filterwarnings("ignore:the median reduced chi2")


@pytest.fixture(scope="module")
def trained():
    reference = dwarf_reference()
    model = train(reference)
    return model, fit_odd_reference(model, reference, folds=3)


def assess(trained, kind, **options):
    model, odd = trained
    spectra, scaled = odd_stars(kind)
    return odd_spectra(model, spectra, label_spectra(model, spectra), odd, **options), scaled


@pytest.mark.parametrize("kind", [name for name in ODD_CLASSES if name != "double_lined"])
def test_each_class_has_small_p_values_in_its_own_score(trained, kind):
    found, _ = assess(trained, kind)
    assert (found["p_odd"].sel(odd_class=kind) < 0.02).mean() >= 0.75


def test_single_stars_are_rarely_odd(trained):
    found, _ = assess(trained, "none")
    for name in ODD_CLASSES:
        if name != "double_lined":
            assert (found["p_odd"].sel(odd_class=name) < 0.02).sum() <= 3, name
    assert np.isnan(found["p_odd"].sel(odd_class="double_lined")).all()
    assert (found["p_binary"] < 0.5).mean() > 0.9


def test_what_is_said_of_an_unresolved_pair(trained):
    found, scaled = assess(trained, "binary")
    model = trained[0]
    assert (found["p_binary"] > 0.7).mean() > 0.7
    off = (found["mass_ratio"] - 0.7) / found["mass_ratio_error"]
    assert np.abs(np.median(off)) < 1.0
    truth = np.median(np.abs(found["primary_labels"].sel(stellar_label="teff") - _teff(scaled)))
    assert truth < 0.5 * np.median(np.abs(label_offsets(model, scaled)))
    assert (
        found["companion_labels"].sel(stellar_label="teff") < found["primary_labels"].sel(stellar_label="teff")
    ).all()


def _teff(scaled):
    return SCALER.from_scaled(scaled)[:, 0]


def label_offsets(model, scaled):
    """Teff of pairs as single stars less the first star's."""
    spectra, _ = odd_stars("binary")
    return label_spectra(model, spectra)["labels"].sel(stellar_label="teff").to_numpy() - _teff(scaled)


def test_double_lined_pairs_are_fitted_where_they_are_asked_for(trained):
    model, odd = trained
    spectra, _ = odd_stars("double_lined", 6)
    wanted, estimates = np.arange(6) < 4, label_spectra(model, spectra)
    with pytest.raises(InputError, match="double_lined=True"):
        odd_spectra(model, spectra, estimates, odd, double_lined=wanted)
    log_snr = np.linspace(2, 6, 150)
    scores = {**odd.scores, "double_lined": ScoreReference.fit(np.random.default_rng(0).normal(size=150), log_snr)}
    found = odd_spectra(model, spectra, estimates, replace(odd, scores=scores), double_lined=wanted)
    assert (found["log_evidence_double_lined"][:4] > 20).all()
    assert np.isnan(found["log_evidence_double_lined"][4:]).all()
    # which of two similar stars is the first one is not sure
    np.testing.assert_allclose(np.abs(found["velocity_difference"][:4]), 230.0, atol=15.0)
    assert (found["p_binary"][:4] > 0.9).all()
    assert np.isfinite(found["p_binary"]).all()


def test_a_star_is_the_same_in_every_selection(trained):
    model, odd = trained
    spectra, _ = odd_stars("emission")
    estimates = label_spectra(model, spectra)
    whole = odd_spectra(model, spectra, estimates, odd)
    part = odd_spectra(model, spectra.select(slice(3, 6)), estimates.isel(star=slice(3, 6)), odd, workers=1)
    np.testing.assert_allclose(part["odd_score"], whole["odd_score"][3:6], rtol=1e-5, equal_nan=True)


def test_the_reference_survives_json(trained):
    model, odd = trained
    again = OddReference.from_dict(json.loads(json.dumps(odd.to_dict())))
    spectra, _ = odd_stars("none")
    estimates = label_spectra(model, spectra)
    np.testing.assert_array_equal(
        odd_spectra(model, spectra, estimates, again)["p_odd"], odd_spectra(model, spectra, estimates, odd)["p_odd"]
    )


def test_giants_have_no_pairs_but_other_scores():
    reference = toy_reference(120)
    model = train(reference)
    spectra = toy_spectra(toy_labels(10, seed=3), seed=3)
    found = odd_spectra(model, spectra, label_spectra(model, spectra))
    assert np.isnan(found["p_binary"]).all()
    assert "dwarfs" in found.attrs["pairs"]
    assert np.isfinite(found["odd_score"].sel(odd_class="redshift")).all()
    assert np.isnan(found["p_odd"]).all()


def test_wrong_calls_are_refused(trained):
    model, odd = trained
    spectra, _ = odd_stars("none")
    estimates = label_spectra(model, spectra)
    with pytest.raises(InputError, match="same stars"):
        odd_spectra(model, spectra.select(slice(0, 5)), estimates)
    with pytest.raises(InputError, match="fit it again"):
        odd_spectra(model, spectra, estimates, OddReference("other", 1.0, odd.scores))
    with pytest.raises(InputError, match="binary_share"):
        odd_spectra(model, spectra, estimates, binary_share=1.0)
    with pytest.raises(InputError, match="must have the labels"):
        odd_spectra(model, spectra, estimates.isel(stellar_label=slice(0, 2)))


def test_a_star_without_a_fit_is_a_row_without_scores(trained):
    model, odd = trained
    spectra, _ = odd_stars("none")
    ivar = spectra.ivar.copy()
    ivar[0] = 0.0
    spectra = replace(spectra, ivar=ivar)
    found = odd_spectra(model, spectra, label_spectra(model, spectra), odd)
    assert np.isnan(found["odd_score"][0]).all()
    assert np.isnan(found["p_binary"][0])
    assert np.isfinite(found["p_binary"][1:]).all()


def test_the_power_of_errors(trained):
    spectra, _ = odd_stars("none")
    estimates = label_spectra(trained[0], spectra)
    np.testing.assert_array_equal(error_power(estimates), np.ones(20))
    formal = np.sqrt(np.diagonal(estimates["formal_covariance"].to_numpy(), axis1=1, axis2=2))
    calibrated = estimates.assign(calibrated_error=(("star", "stellar_label"), 2 * formal))
    np.testing.assert_allclose(error_power(calibrated), 0.25)
