"""Odd spectra of every class are found among single stars of a survey whose model is true."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from odd_survey import dwarf_reference, odd_stars
from star_pairs import SCALER
from toy import toy_labels, toy_reference, toy_spectra

from bayescannon.cannon.labelling import error_power, label_spectra
from bayescannon.cannon.odd_fit import fit_odd_reference
from bayescannon.cannon.odd_scores import OddScorer
from bayescannon.cannon.odd_spectra import SCREENED_SHARE, odd_spectra, with_odd
from bayescannon.cannon.training import train
from bayescannon.data.flags import ResultFlag
from bayescannon.numerics.errors import InputError
from bayescannon.reliability.odd_reference import ODD_CLASSES, OddReference
from bayescannon.reliability.score_reference import ScoreReference

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore:the median reduced chi2")]


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


def test_the_models_own_reference_counts_unless_another_is_given(trained):
    model, odd = trained
    spectra, _ = odd_stars("none")
    estimates = label_spectra(model, spectra)
    given = odd_spectra(model, spectra, estimates, odd)
    kept = odd_spectra(replace(model, odd=odd), spectra, estimates)
    np.testing.assert_array_equal(kept["p_odd"], given["p_odd"])
    assert kept.attrs["measured_against"] == odd.describe()
    assert "nothing" in odd_spectra(model, spectra, estimates).attrs["measured_against"]


def test_pairs_with_two_velocities_are_fitted_to_stars_with_wide_lines(trained, monkeypatch):
    model, odd = trained
    log_snr = np.linspace(2, 6, 150)
    scores = {**odd.scores, "double_lined": ScoreReference.fit(np.random.default_rng(0).normal(size=150), log_snr)}
    odd = replace(odd, scores=scores)
    asked = []
    scorer = OddScorer.with_double_lined

    def counted(self, found, likelihood, scaled, wanted, **options):
        asked.append(wanted)
        return scorer(self, found, likelihood, scaled, wanted, **options)

    monkeypatch.setattr(OddScorer, "with_double_lined", counted)
    for kind in ("double_lined", "none"):
        spectra, _ = odd_stars(kind, 8)
        found = odd_spectra(model, spectra, label_spectra(model, spectra), odd)
        wide = found["p_odd"].sel(odd_class="broad_lines").to_numpy() < SCREENED_SHARE
        np.testing.assert_array_equal(asked[-1], wide)
        np.testing.assert_array_equal(np.isfinite(found["log_evidence_double_lined"]), wide)
    assert asked[0].all()
    assert asked[1].sum() <= 2


def test_the_flag_is_of_the_smallest_p_value_of_all_classes():
    p_odd = np.full((4, len(ODD_CLASSES)), np.nan)
    p_odd[0, :5], p_odd[1, :5], p_odd[2, :1] = [0.5, 0.0021, 0.9, 0.9, 0.9], [0.5, 0.0019, 0.9, 0.9, 0.9], 0.009
    found = xr.Dataset({"p_odd": (("star", "odd_class"), p_odd)},
                       attrs={"measured_against": "nothing", "binary_share": 0.3})  # fmt: skip
    estimates = xr.Dataset({"flags": ("star", np.array([0, 32, 0, 32], dtype=np.int32))})
    flags = with_odd(estimates, found)["flags"].to_numpy()
    odd = int(ResultFlag.ODD_SPECTRUM)
    assert flags.tolist() == [0, 32 | odd, odd, 32]
    assert flags.dtype == np.int32
    assert with_odd(estimates, found, false_alarms=0.011)["flags"].to_numpy().tolist() == [odd, 32 | odd, odd, 32]


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
