"""Labels of stars whose velocity and line spread are wrong, and what is said of these."""

from dataclasses import replace

import astropy.units as u
import numpy as np
import pytest
from nuisance_stars import NuisanceStars, to_units

import bayescannon as bc
from bayescannon.cannon.labelling import estimate_labels, formal_errors, search_optima
from bayescannon.cannon.likelihood import StarLikelihood, star_quartic
from bayescannon.cannon.star_nuisances import with_nuisances
from bayescannon.cannon.star_residuals import star_residuals
from bayescannon.data.flags import FitStatus, ResultFlag
from bayescannon.numerics.errors import BayesCannonWarning, InputTypeError

BOTH = bc.Nuisances(velocity="20km/s", line_spread=40 * u.km / u.s)


@pytest.fixture(scope="module")
def model():
    """A model of lines without errors of velocity and line spread, which labels without nuisances."""
    return bc.train(NuisanceStars(0.0, n_star=300, seed=3, n_pixel=200).reference())


@pytest.fixture(scope="module")
def moved():
    """Stars that are redshifted by 10 km/s against their preparation, with lines that are too broad."""
    return NuisanceStars(10.0, 1000.0, n_star=60, seed=4, n_pixel=200)


@pytest.fixture(scope="module")
def estimates(model, moved):
    return bc.label_spectra(model, moved.spectra(), nuisances=BOTH)


def pulls(estimates, truth):
    return (estimates["labels"].to_numpy() - truth) / formal_errors(estimates)


def test_labels_are_right_and_their_errors_too(model, moved, estimates):
    truth = to_units(moved.labels)
    assert (estimates["status"] == FitStatus.CONVERGED).all()
    assert np.abs(np.median(pulls(estimates, truth), axis=0)).max() < 0.5
    assert pulls(estimates, truth).std() < 1.35
    plain = bc.label_spectra(model, moved.spectra())
    assert pulls(plain, truth).std() > 1.7
    assert (estimates["reduced_chi2"] < plain["reduced_chi2"]).all()
    assert "rv_residual" not in plain


def test_a_redshifted_star_has_a_positive_residual(estimates):
    for name, truth in (("rv_residual", 10.0), ("line_spread", 1000.0)):
        values, errors = estimates[name].to_numpy(), estimates[f"{name}_error"].to_numpy()
        assert np.mean(values) == pytest.approx(truth, rel=0.1)
        assert np.std((values - truth) / errors) < 2
    assert estimates.attrs["nuisances"] == "velocity 20 km/s, line spread 40 km/s"


def test_nuisances_beyond_three_deviations_of_their_prior_are_flagged(model, moved, estimates):
    flagged = (estimates["flags"].to_numpy() & int(ResultFlag.LARGE_NUISANCE)) != 0
    assert not flagged.any()
    narrow = bc.label_spectra(model, moved.spectra(), nuisances=replace(BOTH, velocity=1.0))
    assert ((narrow["flags"].to_numpy() & int(ResultFlag.LARGE_NUISANCE)) != 0).all()


def test_without_nuisances_labels_are_those_of_a_model_that_knows_none(model, moved):
    kept = replace(model, options=replace(model.options, nuisances=BOTH))
    plain, none = (
        bc.label_spectra(model, moved.spectra()),
        bc.label_spectra(kept, moved.spectra(), nuisances=bc.Nuisances()),
    )
    for name in plain.data_vars:
        np.testing.assert_array_equal(plain[name], none[name])
    assert set(none.data_vars) == set(plain.data_vars)


def test_a_model_labels_with_its_own_nuisances(model, moved, estimates, tmp_path):
    kept = replace(model, options=replace(model.options, nuisances=BOTH))
    assert kept.hash == model.hash
    bc.save_model(kept, tmp_path / "model.nc")
    read = bc.load_model(tmp_path / "model.nc")
    assert read.options.nuisances == BOTH
    again = bc.label_spectra(read, moved.spectra())
    np.testing.assert_array_equal(again["labels"], estimates["labels"])
    assert with_nuisances(read, None) is read
    assert with_nuisances(read, BOTH) is read
    plain = replace(read, options=replace(read.options, nuisances=bc.Nuisances()))
    assert with_nuisances(plain, bc.Nuisances(continuum_order=1)) is plain, "an order alone is no nuisance"


def test_other_nuisances_than_those_of_the_qualification_are_said():
    reference = NuisanceStars(0.0, 0.0, n_star=100, seed=3, n_pixel=100).reference()
    qualified = bc.qualify(bc.train(reference, velocity_prior="5km/s"), reference, folds=2)
    assert qualified.options.describe() == "theta flat, s flat, kappa fixed, velocity 5 km/s"
    assert "rv_residual" in qualified.held_out.estimates
    stars = reference.spectra.select(slice(0, 5))
    with pytest.warns(
        BayesCannonWarning,
        match=r"qualified with nuisances \(velocity 5 km/s\), and stars are labelled without nuisances",
    ):
        bc.label_spectra(qualified, stars, nuisances=bc.Nuisances())
    bc.label_spectra(qualified, stars)
    with pytest.raises(InputTypeError, match="nuisances must be Nuisances"):
        bc.label_spectra(qualified, stars, nuisances="5km/s")


def test_posteriors_are_as_wide_as_the_errors_with_nuisances(model, moved):
    nuisances = replace(BOTH, continuum=0.05, continuum_order=2)
    formal = formal_errors(bc.label_spectra(model, moved.spectra(), nuisances=nuisances))
    posterior = bc.sample_posterior(model, moved.spectra(), nuisances=nuisances, n_draws=2000, nuts=False)
    width = np.sqrt(np.diagonal(posterior["posterior_covariance"].to_numpy(), axis1=1, axis2=2))
    np.testing.assert_allclose(width / formal, 1, atol=0.2)
    assert (posterior["k_hat"] < 0.7).all()
    assert np.median(formal / formal_errors(bc.label_spectra(model, moved.spectra()))) > 1.02


def test_residuals_are_without_nuisances(model, moved):
    changed = with_nuisances(model, BOTH)
    likelihood = StarLikelihood.of(changed, moved.spectra())
    search = search_optima(likelihood)
    scaled = model.scaler.to_scaled(estimate_labels(likelihood, search)["labels"].to_numpy())
    scaled[3] = np.nan
    residuals = star_residuals(likelihood, scaled)
    plain = star_residuals(StarLikelihood.of(model, moved.spectra()), scaled)
    assert np.isnan(residuals.reduced_chi2[3])
    assert np.nanmedian(residuals.reduced_chi2) == pytest.approx(1, abs=0.25)
    assert np.nanmedian(plain.reduced_chi2) > 1.5
    # as many formal errors as the rounds left, and the same quartic
    np.testing.assert_allclose(star_quartic(changed, moved.spectra()).b, likelihood.quartic.b, rtol=1e-6)


def test_some_of_the_stars_have_the_same_likelihood(model, moved):
    likelihood = StarLikelihood.of(with_nuisances(model, BOTH), moved.spectra())
    rows = np.array([4, 2])
    part = likelihood.select(rows)
    scaled = np.zeros((2, 2))
    np.testing.assert_array_equal(part.clean_flux(scaled), likelihood.clean_flux(np.zeros((60, 2)))[rows])
    np.testing.assert_array_equal(part.hidden_means(scaled), likelihood.hidden_means(np.zeros((60, 2)))[rows])
    assert part.directions(scaled).shape == (2, 2, 200)
    assert StarLikelihood.of(model, moved.spectra()).directions(np.zeros((60, 2))).shape == (60, 0, 200)


def test_the_budget_has_the_nuisances_in_every_kind(model, moved):
    budget = bc.error_budget(model, moved.spectra(), nuisances=BOTH, n_draws=500)
    assert budget["kind"].to_numpy().tolist() == ["formal", "coefficient", "sandwich", "posterior", "calibrated"]
    error = budget["error"].median("star").sel(stellar_label="teff")
    for kind in ("coefficient", "sandwich", "posterior"):
        assert float(error.sel(kind=kind) / error.sel(kind="formal")) == pytest.approx(1, abs=0.3)


def test_the_jackknife_says_what_it_cannot_do():
    reference = NuisanceStars(0.0, n_star=80, seed=3, n_pixel=60).reference()
    model = bc.train(reference, velocity_prior=5)
    with pytest.raises(ValueError, match=r"a model with nuisances.* Use the bootstrap"):
        bc.error_budget(model, reference.spectra.select(slice(0, 3)), reference=reference, kinds=["jackknife"])


def test_the_catalogue_has_velocities_and_line_spreads(estimates, tmp_path):
    table = bc.build_catalogue(estimates)
    names = table.colnames
    at = names.index("rv_residual")
    assert names[at : at + 4] == ["rv_residual", "e_rv_residual", "line_spread", "e_line_spread"]
    assert str(table["rv_residual"].unit) == "km / s"
    assert "positive: lines at longer wavelengths" in table["rv_residual"].description
    for ending in ("fits", "ecsv", "vot", "mrt"):
        bc.write_catalogue(table, tmp_path / f"catalogue.{ending}")
        read = bc.read_catalogue(tmp_path / f"catalogue.{ending}")
        np.testing.assert_allclose(read["line_spread"], table["line_spread"], rtol=1e-3, atol=1)
        assert read.meta["nuisances"] == "velocity 20 km/s, line spread 40 km/s"


def test_nuisances_go_together_with_label_errors_and_hidden_components():
    reference = NuisanceStars(5.0, n_star=120, seed=3, n_pixel=60).reference()
    model = bc.train(reference, label_errors={"teff": 20.0, "logg": 0.05}, hidden=2, velocity_prior="5km/s")
    assert model.loadings is not None
    stars = reference.spectra.select(slice(0, 10))
    estimates = bc.label_spectra(model, stars)
    likelihood = StarLikelihood.of(model, stars)
    assert likelihood.hidden_means(np.zeros((10, 2))).shape == (10, 3)
    residuals = star_residuals(likelihood, model.scaler.to_scaled(estimates["labels"].to_numpy()))
    assert np.isfinite(residuals.residual).all()
    budget = bc.error_budget(model, stars, reference=reference, kinds=["sandwich", "bootstrap"], n_bootstrap=2, block=5)
    assert np.isfinite(budget["error"].sel(kind="bootstrap")).all()
    # some of the stars have too few blocks of pixels
    assert np.isfinite(budget["error"].sel(kind="sandwich")).mean() > 0.5


def test_bootstraps_take_the_nuisances_out_too():
    rng = np.random.default_rng(2)
    reference = NuisanceStars(20 * rng.normal(size=150), n_star=150, seed=3, n_pixel=60).reference()
    stars = reference.spectra.select(slice(0, 10))
    errors = {}
    for velocity in (0.0, 20.0):
        model = bc.train(reference, velocity_prior=velocity)
        budget = bc.error_budget(model, stars, reference=reference, kinds=["bootstrap"], n_bootstrap=4)
        errors[velocity] = float(budget["error"].sel(stellar_label="logg", kind="bootstrap").median())
    assert errors[20.0] < 0.6 * errors[0.0]
