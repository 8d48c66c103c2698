from dataclasses import replace

import numpy as np
import pytest
import slow_cannon
import toy

from bayescannon.cannon.labelling import draw_starts, formal_errors, label_spectra
from bayescannon.cannon.training import train
from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.data.spectra import GridError, Spectra
from bayescannon.io.catalogue import build_catalogue
from bayescannon.numerics.errors import BayesCannonWarning
from bayescannon.pixels.fit import PixelFit


@pytest.fixture(scope="module")
def model():
    return train(toy.toy_reference(300))


@pytest.fixture(scope="module")
def stars():
    labels = toy.toy_labels(60, seed=5)
    return labels, toy.toy_spectra(labels, seed=5)


def with_changes(spectra, **changes):
    values = {name: getattr(spectra, name) for name in ("wavelength", "flux", "ivar", "id", "columns", "attrs")}
    return Spectra(**{**values, **changes})


def test_labels_and_errors_are_those_of_curve_fit_in_the_labels_units(model, stars):
    _, spectra = stars
    estimates = label_spectra(model, spectra, seed=3)
    starts = draw_starts(model, 7, seed=3)
    errors = formal_errors(estimates)
    for n in range(0, 60, 6):
        scaled, chi2, covariance = slow_cannon.label_star(
            model.theta, model.scatter, spectra.flux[n], spectra.ivar[n], starts
        )
        error = np.sqrt(np.diag(covariance)) * model.scaler.scale
        expected = model.scaler.from_scaled(scaled)
        np.testing.assert_allclose((estimates["labels"][n] - expected) / error, 0, atol=1e-4)
        np.testing.assert_allclose(errors[n], error, rtol=1e-3)
        assert float(estimates["chi2"][n]) <= chi2 * (1 + 1e-5)
    assert (estimates["status"] == FitStatus.CONVERGED).all()
    assert (estimates["agreeing_starts"] == 7).all()


def test_truth_is_recovered_within_the_formal_errors(model, stars):
    labels, spectra = stars
    estimates = label_spectra(model, spectra)
    pulls = (estimates["labels"].to_numpy() - labels) / formal_errors(estimates)
    assert np.abs(pulls).max() < 5
    assert 0.8 < pulls.std() < 1.3
    assert float(estimates["reduced_chi2"].median()) == pytest.approx(1, abs=0.1)


def test_the_same_seed_gives_the_same_labels_whatever_the_workers(model, stars):
    _, spectra = stars
    one, two = label_spectra(model, spectra, workers=1), label_spectra(model, spectra, workers=2)
    np.testing.assert_array_equal(one["labels"], two["labels"])
    assert (draw_starts(model, 9, seed=1)[:7] == draw_starts(model, 7, seed=1)).all()
    assert (draw_starts(model, 7, seed=1) != draw_starts(model, 7, seed=2)).any()


def test_bad_stars_are_rows_with_a_status(model, stars):
    _, spectra = stars
    flux, ivar = spectra.flux.copy(), spectra.ivar.copy()
    ivar[0] = 0
    ivar[1, 3:] = 0
    ivar[2, 40:] = 0
    flux[3] += 0.5
    snr = spectra.columns["snr"].copy()
    snr[4] = 8.0
    spoilt = with_changes(spectra, flux=flux, ivar=ivar, columns={**spectra.columns, "snr": snr})
    estimates = label_spectra(model, spoilt)
    status, flags = estimates["status"].to_numpy(), estimates["flags"].to_numpy()
    assert (status[:2] == FitStatus.FEW_PIXELS).all()
    assert np.isnan(estimates["labels"][:2]).all()
    assert np.isnan(estimates["chi2"][:2]).all()
    assert status[2] == FitStatus.CONVERGED
    assert flags[2] & ResultFlag.FEW_PIXELS
    assert flags[3] & ResultFlag.HIGH_CHI2
    assert flags[4] & ResultFlag.LOW_SNR
    assert flags[0] & ResultFlag.NOT_CONVERGED
    good = np.arange(5, 60)
    clean = label_spectra(model, spectra)
    # sums over another block of stars round differently
    np.testing.assert_allclose(estimates["labels"][good], clean["labels"][good], rtol=1e-9)
    assert not (flags[good] & ~ResultFlag.OUTSIDE_COVERAGE).any()


def test_a_spectrum_that_does_not_determine_a_label_is_singular(model, stars):
    _, spectra = stars
    ivar = spectra.ivar.copy()
    # all pixels the same: one direction of the labels is seen, the others are not
    ivar[0] = 0
    ivar[0, :4] = 1e4
    theta = model.fit.theta.copy()
    theta[1:4] = theta[0]
    fit = type(model.fit)(**{**model.fit.__dict__, "theta": theta})
    blind = type(model)(model.wavelength, model.scaler, fit, model.reference_id, model.reference_labels)
    estimates = label_spectra(blind, with_changes(spectra, ivar=ivar).select(np.arange(3)))
    assert estimates["status"].to_numpy()[0] == FitStatus.SINGULAR
    assert np.isnan(estimates["formal_covariance"][0]).all()
    assert np.isfinite(estimates["labels"][1:]).all()


def test_wrong_calls_are_refused(model, stars):
    _, spectra = stars
    with pytest.raises(GridError, match=r"the model is on the grid of 120 pixels.*the spectra on the grid"):
        label_spectra(model, with_changes(spectra, wavelength=spectra.wavelength + 1))
    for n_starts in (0, 301):
        with pytest.raises(ValueError, match=r"must be (at least 1|from 1 to the 300 reference stars)"):
            label_spectra(model, spectra, n_starts=n_starts)


@pytest.mark.parametrize("names", [("teff",), ("teff", "logg", "fe_h", "alpha_m", "a_k")])
def test_any_number_of_labels(names):
    model = train(toy.toy_reference(150, names))
    labels = toy.toy_labels(20, names, seed=8)
    estimates = label_spectra(model, toy.toy_spectra(labels, names, seed=8))
    pulls = (estimates["labels"].to_numpy() - labels) / formal_errors(estimates)
    assert np.abs(pulls).max() < 6
    assert estimates["stellar_label"].to_numpy().tolist() == list(names)


def test_estimates_keep_the_names_of_the_star_and_both_releases(model, stars):
    _, spectra = stars
    names = np.array([f"G{n}" for n in range(len(spectra))])
    named = with_changes(spectra, columns={**spectra.columns, "gaia_id": names}, attrs={"data_release": "LAMOST DR7"})
    trained = replace(model, provenance=replace(model.provenance, data_release="LAMOST DR2"))
    with pytest.warns(BayesCannonWarning, match=r"the spectra are of LAMOST DR7, .* on spectra of LAMOST DR2"):
        estimates = label_spectra(trained, named)
    assert estimates["gaia_id"].to_numpy().tolist() == names.tolist()
    assert "twomass_id" not in estimates
    meta = build_catalogue(estimates).meta
    assert (meta["data_release"], meta["model_release"]) == ("LAMOST DR7", "LAMOST DR2")


def test_two_optima_of_nearly_the_same_chi2_are_flagged_although_most_starts_agree():
    model = train(toy.toy_reference(60, ("teff",)))
    # flux depends on the square of the label almost alone: +x and -x fit nearly as well
    theta = np.zeros_like(model.theta)
    theta[:, 0], theta[:, 2] = 0.9, 0.05
    theta[:3, 1] = 0.002
    fit = PixelFit(**{**model.fit.__dict__, "theta": theta})
    mirror = type(model)(model.wavelength, model.scaler, fit, model.reference_id, model.reference_labels)
    flux = np.stack([mirror.predict([[toy.CENTRE["teff"] + shift]])[0] for shift in (250.0, 250.0)])
    ivar = np.full(flux.shape, 1e4)
    ivar[1, :3] = 1e10  # here the linear term tells the two apart
    spectra = Spectra(mirror.wavelength, flux, ivar, np.array(["twofold", "single"]))
    seen = 0
    for seed in range(12):
        with pytest.warns(BayesCannonWarning, match="3 pixels of 1 spectra"):
            estimates = label_spectra(mirror, spectra, n_starts=7, seed=seed)
        multimodal = (estimates["flags"].to_numpy() & ResultFlag.MULTIMODAL) != 0
        agree = estimates["agreeing_starts"].to_numpy()
        assert multimodal[0] or agree[0] == 7  # unless no start found the other one
        assert multimodal[1] == (agree[1] < 3.5)
        seen += 3.5 < agree[0] < 7
    assert seen >= 3
